/**
 * The title of the window: the open room, with the count of unread rooms before it. Used by AppShell.
 * Invariant: short, and the room's name comes from the engine as text.
 */
import { useEffect } from "react";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import { useTopicItem } from "../engine-client/use-topic.ts";
import { useText } from "../text/text.ts";

/** Keeps document.title in step. */
export function useTitle(accountId: AccountId, roomId: RoomId | undefined): void {
  const t = useText();
  const badge = useTopicItem("badge", {});
  const room = useTopicItem("room", roomId === undefined ? null : { accountId, roomId });
  const unread = badge === undefined ? 0 : badge.unreadRoomCount + badge.inviteCount;
  const title = [room?.name, t("app.name")].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
  }, [title, unread]);
}
