/**
 * Notifications: what one account's user should be told now. Filled by the push step, emptied by reading.
 * Read by topic `notifications`. Invariant: at most MAX_PER_ROOM for a room, none for a room that someone
 * looks at, and none that outlives its reason.
 */
import type { AccountId, RoomId } from "../../../preload/contract/ids.ts";
import type { NotificationItem } from "../../../preload/contract/views.ts";
import type { Clock } from "../base/clock.ts";
import { readMessageContent } from "../matrix/content.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";
import type { Notified } from "./push.step.ts";

const MAX_PER_ROOM = 3;
const MAX_IN_ALL = 50;
const MAX_BODY_LENGTH = 300;

export function openNotifications(deps: {
  accountId: AccountId;
  store: AccountStore;
  people: People;
  clock: Clock;
  isLookedAt: (roomId: RoomId) => boolean;
}) {
  const { store, people } = deps;
  let items: NotificationItem[] = [];

  function toItem({ roomId, event, decision }: Notified): NotificationItem | undefined {
    const room = store.rooms.read(roomId);
    // A call rings through the calls topic; a second notification for its invite would only be noise.
    if (!room || event.type.startsWith("m.call.")) return undefined;
    const sender = people.read(roomId, event.sender).displayName;
    const isInvite = event.type === "m.room.member";
    const said = event.type === "m.room.message" ? readMessageContent(event.content)?.body : undefined;
    const text = said ?? (event.type === "m.room.encrypted" ? "New encrypted message" : "New activity");
    return {
      key: isInvite ? `invite ${deps.accountId} ${roomId}` : `${deps.accountId} ${event.eventId}`,
      accountId: deps.accountId,
      roomId,
      ...(!isInvite && { eventId: event.eventId }),
      kind: isInvite ? "invite" : "message",
      title: room.isDirect || isInvite ? sender : room.name,
      body: isInvite
        ? `Invites you to ${room.isDirect ? "talk" : room.name}`
        : clip(room.isDirect ? text : `${sender}: ${text}`),
      isHighlight: decision.highlight,
      ...(decision.sound !== undefined && { sound: decision.sound }),
      shownAtMs: deps.clock.now(),
    };
  }

  return {
    read: (): readonly NotificationItem[] => items,
    add(notified: readonly Notified[]): void {
      for (const each of notified) {
        if (deps.isLookedAt(each.roomId)) continue;
        const item = toItem(each);
        if (!item) continue;
        const others = items.filter((other) => other.key !== item.key);
        const older = new Set(others.filter((other) => other.roomId === item.roomId).slice(0, -(MAX_PER_ROOM - 1)));
        items = [...others.filter((other) => !older.has(other)), item].slice(-MAX_IN_ALL);
      }
    },
    /** True where something went. */
    drop(roomIds: readonly RoomId[]): boolean {
      const kept = items.filter((item) => !roomIds.includes(item.roomId));
      const hasDropped = kept.length !== items.length;
      items = kept;
      return hasDropped;
    },
  };
}
export type Notifications = ReturnType<typeof openNotifications>;

const clip = (text: string): string =>
  text.length > MAX_BODY_LENGTH ? `${text.slice(0, MAX_BODY_LENGTH - 1)}…` : text;
