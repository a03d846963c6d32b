/**
 * Carries from the timeline to the composer what the next text is for: an answer to this message, or other words for
 * it. Used by RoomPane, since neither feature knows the other.
 * Invariant: the callbacks keep their identity, so that the rows of the timeline stay memoised.
 */
import { useCallback, useState } from "react";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { useEngineClient } from "../engine-client/EngineProvider.tsx";
import type { Aim } from "../features/composer/index.ts";
import { newestEditable } from "../features/timeline/index.ts";
import type { EditableItem } from "../features/timeline/index.ts";

type MessageItem = Extract<TimelineItem, { kind: "message" }>;

/** What the next text of this room is for. */
export function useAim(accountId: AccountId, roomId: RoomId) {
  const client = useEngineClient();
  const [aim, setAim] = useState<Aim>();
  const reply = useCallback((item: MessageItem) => {
    const { eventId, sender, body } = item;
    if (eventId !== undefined) setAim({ kind: "reply", eventId, name: sender.displayName, text: body });
  }, []);
  const edit = useCallback((item: EditableItem) => {
    const text = item.msgtype === "emote" ? `/me ${item.body}` : item.body;
    setAim({ kind: "edit", eventId: item.eventId, text });
  }, []);
  const editLast = useCallback(() => {
    const timeline = client.view("timeline", { accountId, roomId }).snapshot();
    const newest = timeline.status === "ready" ? newestEditable(timeline.items) : undefined;
    if (newest) edit(newest);
  }, [client, accountId, roomId, edit]);
  return { aim, setAim, reply, edit, editLast };
}
