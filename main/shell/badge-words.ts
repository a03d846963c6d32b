/**
 * What the tray and the app's badge say of what waits for the user. Used by tray.ts and index.ts. Pure.
 * Invariant: a missed call counts until the list of calls was looked at, whatever becomes of its room.
 */
import type { Badge } from "../../preload/contract/views.ts";

/**
 * The number on the app's icon. A missed call is also a notification of its room until that was read: the sum would
 * count it twice.
 */
export const badgeCount = (badge: Badge | undefined): number =>
  Math.max(badge?.notificationCount ?? 0, badge?.missedCallCount ?? 0);

/** What the tray entry says. */
export function trayWords(badge: Badge | undefined): { hasNews: boolean; toolTip: string } {
  const news = [
    counted(badge?.unreadRoomCount ?? 0, "unread room"),
    counted(badge?.missedCallCount ?? 0, "missed call"),
  ].filter((words) => words !== "");
  return { hasNews: news.length > 0, toolTip: ["Lattice", news.join(", ")].filter((part) => part !== "").join(": ") };
}

const counted = (count: number, noun: string): string =>
  count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
