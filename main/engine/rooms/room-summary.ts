/**
 * The room row: computed from stored state whenever something it shows has changed. Called by the rooms step
 * and by commands that change state locally. Invariant: reads state, members and account data; never the network.
 * spec: client-server, "Calculating the display name for a room".
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import {
  readAvatar,
  readCanonicalAlias,
  readEncryption,
  readJoinRule,
  readRoomName,
  readTags,
  readTopic,
} from "../matrix/content.ts";
import { readArray, readObject, readString, type JsonObject } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { RoomRecord } from "../store/tables/room.ts";
import type { WriteTx } from "../store/driver.ts";
import { computeRoomName } from "./room-name.ts";

/** A room of which nothing is known yet. */
export function emptyRoom(roomId: RoomId): RoomRecord {
  return {
    roomId,
    membership: "leave",
    name: "",
    avatarMxc: undefined,
    topic: "",
    isDirect: false,
    directUserId: undefined,
    isEncrypted: false,
    isPublic: false,
    joinedCount: 0,
    invitedCount: 0,
    heroes: [],
    hasAllMembers: false,
    isFavourite: false,
    isLowPriority: false,
    isMuted: false,
    inviterUserId: undefined,
    preview: undefined,
    activityTs: undefined,
    notificationCount: 0,
    highlightCount: 0,
  };
}

/** Works the row out anew and stores it. */
export function writeRoomSummary(
  store: AccountStore,
  tx: WriteTx,
  room: RoomRecord,
  ownUserId: UserId,
  direct: Map<RoomId, UserId>,
): void {
  const { roomId } = room;
  const state = (type: string): JsonObject => store.state.read(roomId, type)?.content ?? {};
  const ownMember = store.state.read(roomId, "m.room.member", ownUserId);

  const markedDirect = direct.get(roomId);
  const inviterOfDirect =
    room.membership === "invite" && ownMember?.content["is_direct"] === true ? ownMember.sender : undefined;
  const directUserId = markedDirect ?? inviterOfDirect;
  const heroes = heroesOf(store, room, ownUserId, directUserId);
  const named = computeRoomName({
    name: readRoomName(state("m.room.name")),
    canonicalAlias: readCanonicalAlias(state("m.room.canonical_alias")),
    heroes,
    joinedCount: room.joinedCount,
    invitedCount: room.invitedCount,
    ownUserId,
  });
  const roomAvatar = readAvatar(state("m.room.avatar"));
  const directAvatar = directUserId ? store.members.read(roomId, directUserId)?.avatarMxc : undefined;
  const tags = readTags(store.accountData.read(roomId, "m.tag") ?? {});

  store.rooms.put(tx, {
    ...room,
    name: named.name,
    avatarMxc: roomAvatar ?? directAvatar,
    topic: readTopic(state("m.room.topic")) ?? "",
    isDirect: directUserId !== undefined,
    directUserId,
    isEncrypted: room.isEncrypted || readEncryption(state("m.room.encryption")) !== undefined,
    isPublic: readJoinRule(state("m.room.join_rules")) === "public",
    isFavourite: tags.has("m.favourite"),
    isLowPriority: tags.has("m.lowpriority"),
    isMuted: isMutedByRules(store.accountData.read("", "m.push_rules"), roomId),
    inviterUserId: room.membership === "invite" ? ownMember?.sender : undefined,
  });
}

/** The server's heroes; where it named none, the known members, by id. */
function heroesOf(store: AccountStore, room: RoomRecord, ownUserId: UserId, directUserId: UserId | undefined) {
  const toHero = (userId: UserId) => {
    const member = store.members.read(room.roomId, userId);
    return { userId, displayName: member?.displayName, membership: member?.membership ?? ("leave" as const) };
  };
  if (room.heroes.length > 0) return room.heroes.map(toHero);
  const present = store.members.readPresent(room.roomId).filter((member) => member.userId !== ownUserId);
  if (present.length === 0 && directUserId) return [toHero(directUserId)];
  return present
    .toSorted((a, b) => (a.userId < b.userId ? -1 : 1))
    .slice(0, 5)
    .map((member) => toHero(member.userId));
}

/** A room is muted by a room rule, or an override rule for exactly this room, that does not notify. */
export function isMutedByRules(pushRules: JsonObject | undefined, roomId: RoomId): boolean {
  const global = pushRules && readObject(pushRules, "global");
  if (!global) return false;
  const isSilent = (rule: JsonObject) =>
    rule["enabled"] !== false && !(readArray(rule, "actions") ?? []).includes("notify");
  const rulesOf = (kind: string) =>
    (readArray(global, kind) ?? []).filter(
      (rule): rule is JsonObject => typeof rule === "object" && rule !== null && !Array.isArray(rule),
    );
  if (rulesOf("room").some((rule) => readString(rule, "rule_id") === roomId && isSilent(rule))) return true;
  return rulesOf("override").some((rule) => {
    const conditions = readArray(rule, "conditions") ?? [];
    const only = conditions.length === 1 ? conditions[0] : undefined;
    if (typeof only !== "object" || only === null || Array.isArray(only)) return false;
    const condition = only as JsonObject;
    return (
      condition["kind"] === "event_match" &&
      condition["key"] === "room_id" &&
      condition["pattern"] === roomId &&
      isSilent(rule)
    );
  });
}
