/**
 * The view of topic `roomList`: rows in list order. Opened by session, refreshed by the topic hub.
 * Invariant: only touched rooms are read again; an untouched row keeps its identity.
 */
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { RoomRow } from "../../../preload/contract/views.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";
import type { RoomRecord } from "../store/tables/room.ts";
import type { ChangeSet } from "../sync/change-set.ts";
import type { Typing } from "./typing.ts";

export function openRoomListView(deps: {
  store: AccountStore;
  people: People;
  typing: Typing;
  hasRunningCall: (roomId: RoomId) => boolean;
}) {
  const { store, people, typing } = deps;
  const rows = new Map<RoomId, RoomRow>(store.rooms.readListed().map((room) => [room.roomId, toRow(room)]));

  function toRow(room: RoomRecord): RoomRow {
    return {
      key: room.roomId,
      roomId: room.roomId,
      membership: room.membership === "invite" ? "invite" : "join",
      name: room.name,
      ...(room.avatarMxc && { avatarMxc: room.avatarMxc }),
      isDirect: room.isDirect,
      ...(room.directUserId && { directUserId: room.directUserId }),
      ...(room.preview && { preview: room.preview }),
      ...(room.activityTs !== undefined && { activityTs: room.activityTs }),
      notificationCount: room.notificationCount,
      highlightCount: room.highlightCount,
      isFavourite: room.isFavourite,
      isLowPriority: room.isLowPriority,
      isMuted: room.isMuted,
      typingNames: typing.in(room.roomId).map((userId) => people.read(room.roomId, userId).displayName),
      ...(room.inviterUserId && { inviter: people.read(room.roomId, room.inviterUserId) }),
      hasRunningCall: deps.hasRunningCall(room.roomId),
      hasDraft: store.drafts.has(room.roomId),
    };
  }

  return {
    isTouchedBy: (changes: ChangeSet): boolean => changes.rooms.size > 0,
    read(changes?: ChangeSet): readonly RoomRow[] {
      for (const roomId of changes?.rooms ?? []) {
        const room = store.rooms.read(roomId);
        if (room && (room.membership === "join" || room.membership === "invite")) rows.set(roomId, toRow(room));
        else rows.delete(roomId);
      }
      return [...rows.values()].toSorted(byListOrder);
    },
  };
}

/** Invites first, then the most recent activity; the id decides between equals, so that the order is stable. */
function byListOrder(a: RoomRow, b: RoomRow): number {
  if (a.membership !== b.membership) return a.membership === "invite" ? -1 : 1;
  return (b.activityTs ?? 0) - (a.activityTs ?? 0) || (a.roomId < b.roomId ? -1 : 1);
}
