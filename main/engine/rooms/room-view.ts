/**
 * The views of topics `room` and `members`: one room's details, and who is in it. Opened by session.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { MemberRow, RoomDetails } from "../../../preload/contract/views.ts";
import { readCreate, readPowerLevels } from "../matrix/content.ts";
import type { RoomTrust } from "../crypto/trust.ts";
import type { AccountStore } from "../store/account-store.ts";
import { rememberPeople, type People } from "../store/people.ts";
import type { ChangeSet } from "../sync/change-set.ts";
import type { Typing } from "./typing.ts";

type Deps = { store: AccountStore; people: People; typing: Typing; ownUserId: UserId };
type RoomDeps = Deps & {
  /** What is known of the identities of these users; cheap, and newer with the next change of trust. */
  trustOf: (roomId: RoomId, userIds: readonly UserId[]) => RoomTrust;
};

/** The power levels of a room, with what its creation says about its creators. */
export function powerLevelsOf(store: AccountStore, roomId: RoomId) {
  const create = store.state.read(roomId, "m.room.create");
  const levels = store.state.read(roomId, "m.room.power_levels");
  return readPowerLevels(levels?.content, create && { ...readCreate(create.content), sender: create.sender });
}

export function openRoomView({ store, people, typing, ownUserId, trustOf }: RoomDeps, roomId: RoomId) {
  /** Of an encrypted room: everyone who is there or invited. */
  const trustOfMembers = (isEncrypted: boolean): RoomTrust => {
    const present = isEncrypted ? store.members.readPresent(roomId) : [];
    return trustOf(
      roomId,
      present.map((member) => member.userId).filter((userId) => userId !== ownUserId),
    );
  };

  return {
    isTouchedBy: (changes: ChangeSet): boolean =>
      changes.rooms.has(roomId) || changes.members.has(roomId) || changes.crypto.has("trust"),
    read(): readonly RoomDetails[] {
      const room = store.rooms.read(roomId);
      if (!room) return [];
      const trust = trustOfMembers(room.isEncrypted);
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
          trust: trust.trust,
          identityChanges: trust.identityChanges.map(({ userId, wasVerified }) => ({
            person: people.read(roomId, userId),
            wasVerified,
          })),
          draft: store.drafts.read(roomId),
          joinedCount: room.joinedCount,
          invitedCount: room.invitedCount,
          typing: typing.in(roomId).map((userId) => people.read(roomId, userId)),
          ...(room.inviterUserId && { inviter: people.read(roomId, room.inviterUserId) }),
          canInvite: isJoined && own >= levels.invite,
          canSend: isJoined && own >= (levels.events.get(sentType(room.isEncrypted)) ?? levels.eventsDefault),
          canCall: isJoined && room.joinedCount === 2,
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

/** What a message is on the wire, which is what power levels are about. */
const sentType = (isEncrypted: boolean): string => (isEncrypted ? "m.room.encrypted" : "m.room.message");
