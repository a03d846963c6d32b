/**
 * The views of topics `room` and `members`: one room's details, and who is in it. Opened by session.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { MemberRow, RoomDetails } from "../../../preload/contract/views.ts";
import { readCreate, readPowerLevels } from "../matrix/content.ts";
import type { AccountStore } from "../store/account-store.ts";
import { rememberPeople, type People } from "../store/people.ts";
import type { ChangeSet } from "../sync/change-set.ts";
import type { Typing } from "./typing.ts";

type Deps = { store: AccountStore; people: People; typing: Typing; ownUserId: UserId };

/** The power levels of a room, with what its creation says about its creators. */
export function powerLevelsOf(store: AccountStore, roomId: RoomId) {
  const create = store.state.read(roomId, "m.room.create");
  const levels = store.state.read(roomId, "m.room.power_levels");
  return readPowerLevels(levels?.content, create && { ...readCreate(create.content), sender: create.sender });
}

export function openRoomView({ store, people, typing, ownUserId }: Deps, roomId: RoomId) {
  return {
    isTouchedBy: (changes: ChangeSet): boolean => changes.rooms.has(roomId) || changes.members.has(roomId),
    read(): readonly RoomDetails[] {
      const room = store.rooms.read(roomId);
      if (!room) return [];
      const levels = powerLevelsOf(store, roomId);
      const own = levels.powerLevelOf(ownUserId);
      const isJoined = room.membership === "join";
      const readUpTo = store.receipts.readOwn(roomId, ownUserId)?.eventId;
      return [
        {
          key: roomId,
          roomId,
          membership: room.membership,
          name: room.name,
          ...(room.avatarMxc && { avatarMxc: room.avatarMxc }),
          topic: room.topic,
          isDirect: room.isDirect,
          ...(room.directUserId && { directUserId: room.directUserId }),
          isEncrypted: room.isEncrypted,
          joinedCount: room.joinedCount,
          invitedCount: room.invitedCount,
          typing: typing.in(roomId).map((userId) => people.read(roomId, userId)),
          ...(room.inviterUserId && { inviter: people.read(roomId, room.inviterUserId) }),
          canInvite: isJoined && own >= levels.invite,
          // Nothing goes in the clear to an encrypted room.
          canSend:
            isJoined && !room.isEncrypted && own >= (levels.events.get("m.room.message") ?? levels.eventsDefault),
          canCall: isJoined && !room.isEncrypted && room.joinedCount === 2,
          notificationCount: room.notificationCount,
          highlightCount: room.highlightCount,
          ...(readUpTo && { readUpTo }),
        },
      ];
    },
  };
}

export function openMembersView({ store, people }: Deps, roomId: RoomId) {
  return {
    isTouchedBy: (changes: ChangeSet): boolean => changes.members.has(roomId),
    read(): readonly MemberRow[] {
      const levels = powerLevelsOf(store, roomId);
      const personOf = rememberPeople(people, roomId);
      const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
      return store.members
        .readPresent(roomId)
        .map((member) => {
          const level = levels.powerLevelOf(member.userId);
          return {
            key: member.userId,
            ...personOf(member.userId),
            membership: member.membership,
            powerLevel: Number.isFinite(level) ? level : Number.MAX_SAFE_INTEGER,
          };
        })
        .toSorted(
          (a, b) =>
            Number(a.membership === "invite") - Number(b.membership === "invite") ||
            collator.compare(a.displayName, b.displayName),
        );
    },
  };
}
