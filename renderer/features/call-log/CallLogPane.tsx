/**
 * Connects the list of calls to the engine. Mounted by renderer/app in place of the room list; says which room is to
 * be opened and who is to be called, which is the app's business.
 * Invariant: what is new counts as seen once the list was shown to somebody who can see the window.
 */
import { useEffect, useState } from "react";
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import type { CallLogRow } from "../../../preload/contract/views.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { useTopic } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import type { CallLogFilter } from "./call-log-model.ts";
import { CallLogView } from "./CallLogView.tsx";

/** Long enough to have been seen. */
const SEEN_AFTER_MS = 1_500;

export type CallLogPaneProps = {
  accountId: AccountId;
  onOpenRoom: (roomId: RoomId) => void;
  onCall: (roomId: RoomId, media: CallLogRow["media"]) => void;
  /** Leads away from an empty list. */
  onLeave: () => void;
};

/** The list of calls at work. */
export function CallLogPane({ accountId, onOpenRoom, onCall, onLeave }: CallLogPaneProps) {
  const t = useText();
  const client = useEngineClient();
  const avatarUrl = useAvatarUrl(accountId);
  const log = useTopic("callLog", { accountId });
  const calls = useTopic("calls", { accountId });
  const isBusy = calls.status === "ready" && calls.items.some((call) => call.isMediaHere && call.state !== "ended");
  const [filter, setFilter] = useState<CallLogFilter>("all");
  const hasNew = log.status === "ready" && log.items.some((call) => call.isNew);

  useEffect(() => {
    if (!hasNew) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState !== "visible" || !document.hasFocus()) return;
      // A mark that fails is tried again with the next look.
      timer = setTimeout(() => void client.call("calls.markLogSeen", { accountId }).catch(() => {}), SEEN_AFTER_MS);
    };
    look();
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [accountId, client, hasNew]);

  return (
    <CallLogView
      calls={log.status === "ready" ? log.items : undefined}
      problem={log.status === "lost" ? errorText(t, log.error) : undefined}
      filter={filter}
      isBusy={isBusy}
      avatarUrl={avatarUrl}
      onFilter={setFilter}
      onOpenRoom={onOpenRoom}
      onCall={onCall}
      onLeave={onLeave}
    />
  );
}
