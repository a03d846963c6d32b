/**
 * The rooms step: memberships, state, members, account data, server counts and typing of a sync response.
 * Runs first, so that all later steps see the rooms as the response leaves them.
 * Invariant: back-filled history never comes here; only the response's own state moves current state.
 * spec: client-server, "Syncing"; state of a timeline applies after the state block.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { readMemberContent } from "../matrix/content.ts";
import type { RoomEvent } from "../matrix/events.ts";
import { parseUserId } from "../matrix/ids.ts";
import type { JoinedRoomUpdate, StrippedEvent, SyncBody, TimelineUpdate } from "../matrix/sync-body.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { WriteTx } from "../store/driver.ts";
import type { RoomRecord } from "../store/tables/room.ts";
import type { SyncStep } from "../sync/step.ts";
import { directRooms, type DirectRooms } from "./direct-rooms.ts";
import { emptyRoom, writeRoomSummary } from "./room-summary.ts";
import type { Typing } from "./typing.ts";

export type RoomsDelta = {
  rooms: Set<RoomId>;
  /** Rows as the response leaves them, until their summary is worked out: each is written once. */
  rows: Map<RoomId, RoomRecord>;
  members: Set<RoomId>;
  typing: Map<RoomId, readonly UserId[]>;
  hasProfile: boolean;
  /** Which rooms are direct may have changed. */
  hasDirect: boolean;
};

export function roomsStep(deps: {
  store: AccountStore;
  direct: DirectRooms;
  ownUserId: UserId;
  typing: Typing;
}): SyncStep<undefined, RoomsDelta> {
  const { store, ownUserId, typing } = deps;

  function write(body: SyncBody, _prepared: undefined, tx: WriteTx): RoomsDelta {
    const delta: RoomsDelta = {
      rooms: new Set(),
      rows: new Map(),
      members: new Set(),
      typing: new Map(),
      hasProfile: false,
      hasDirect: false,
    };
    const before = directRooms(store);
    const isFirst = store.account.read()?.nextBatch === undefined;
    for (const { type, content } of body.accountData) {
      store.accountData.put(tx, "", type, content);
      if (type === "m.direct") {
        deps.direct.settle(tx, content);
        delta.hasDirect = true;
      }
      if (type === "m.push_rules") for (const room of store.rooms.readListed()) delta.rooms.add(room.roomId);
    }

    for (const update of body.joined) {
      // Of old rooms m.direct has the word.
      if (!isFirst) noteDirect(update, tx, delta);
      writeJoined(update, tx, delta);
    }
    for (const update of body.invited) writeInvited(update, tx, delta);
    for (const update of body.left) writeLeft(update, tx, delta);

    const direct = delta.hasDirect ? directRooms(store) : before;
    for (const roomId of direct === before ? [] : new Set([...before.keys(), ...direct.keys()])) {
      if (before.get(roomId) !== direct.get(roomId)) delta.rooms.add(roomId);
    }

    for (const roomId of delta.rooms) {
      const room = delta.rows.get(roomId) ?? store.rooms.read(roomId);
      if (room) writeRoomSummary(store, tx, room, ownUserId, direct);
    }
    return delta;
  }

  function writeJoined(update: JoinedRoomUpdate, tx: WriteTx, delta: RoomsDelta): void {
    const { roomId } = update;
    const known = store.rooms.read(roomId) ?? emptyRoom(roomId);
    if (known.membership === "invite") {
      // What the invite told was a sketch by its sender: the real state replaces it.
      store.state.clear(tx, roomId);
      store.members.clear(tx, roomId);
    }
    applyState(roomId, [...update.state, ...stateOf(update.timeline)], tx, delta);
    for (const { type, content } of update.accountData) store.accountData.put(tx, roomId, type, content);
    if (update.typing) delta.typing.set(roomId, update.typing);
    const hasRejoined = known.membership !== "join";
    delta.rows.set(roomId, {
      ...known,
      membership: "join",
      hasAllMembers: known.hasAllMembers && !hasRejoined && !update.timeline.isLimited,
      heroes: update.summary.heroes ?? known.heroes,
      joinedCount: update.summary.joinedCount ?? (known.joinedCount || countPresent(roomId, "join")),
      invitedCount: update.summary.invitedCount ?? known.invitedCount,
      notificationCount: update.unread?.notificationCount ?? known.notificationCount,
      highlightCount: update.unread?.highlightCount ?? known.highlightCount,
    });
    delta.rooms.add(roomId);
  }

  /**
   * A direct room that we made or entered, here or on another device, whose mark may never have been written: the one
   * that made it may have been killed, or not have been told that there is a room.
   */
  function noteDirect({ roomId, timeline }: JoinedRoomUpdate, tx: WriteTx, delta: RoomsDelta): void {
    const note = (userId: UserId) => {
      deps.direct.note(tx, roomId, userId);
      delta.hasDirect = true;
    };
    if (store.rooms.read(roomId)?.membership === "invite") {
      const own = store.state.read(roomId, "m.room.member", ownUserId);
      if (own?.content["is_direct"] === true) note(own.sender);
    }
    for (const { type, sender, stateKey, content } of stateOf(timeline)) {
      if (type !== "m.room.member" || sender !== ownUserId || content["is_direct"] !== true) continue;
      const invited = parseUserId(stateKey);
      if (content["membership"] === "invite" && invited !== undefined) note(invited);
    }
  }

  function countPresent(roomId: RoomId, membership: "join" | "invite"): number {
    return store.members.readPresent(roomId).filter((member) => member.membership === membership).length;
  }

  function writeInvited(update: { roomId: RoomId; state: StrippedEvent[] }, tx: WriteTx, delta: RoomsDelta): void {
    const { roomId } = update;
    const known = store.rooms.read(roomId) ?? emptyRoom(roomId);
    if (known.membership === "join") return;
    for (const event of update.state) {
      store.state.put(tx, roomId, event.type, event.stateKey, {
        eventId: undefined,
        sender: event.sender,
        content: event.content,
      });
      if (event.type === "m.room.member") putMember(roomId, event.stateKey, event.content, tx);
    }
    delta.rows.set(roomId, { ...known, membership: "invite", activityTs: known.activityTs ?? Date.now(), heroes: [] });
    delta.rooms.add(roomId);
    delta.members.add(roomId);
  }

  function writeLeft(
    update: { roomId: RoomId; state: RoomEvent[]; timeline: TimelineUpdate },
    tx: WriteTx,
    delta: RoomsDelta,
  ): void {
    const { roomId } = update;
    const known = store.rooms.read(roomId);
    if (!known) return;
    applyState(roomId, [...update.state, ...stateOf(update.timeline)], tx, delta);
    const own = store.members.read(roomId, ownUserId)?.membership;
    delta.rows.set(roomId, {
      ...known,
      membership: own === "ban" ? "ban" : "leave",
      notificationCount: 0,
      highlightCount: 0,
    });
    delta.typing.set(roomId, []);
    delta.rooms.add(roomId);
  }

  function applyState(roomId: RoomId, events: readonly RoomEvent[], tx: WriteTx, delta: RoomsDelta): void {
    for (const event of events) {
      if (event.stateKey === undefined) continue;
      store.state.put(tx, roomId, event.type, event.stateKey, {
        eventId: event.eventId,
        sender: event.sender,
        content: event.content,
      });
      if (event.type === "m.room.member") {
        putMember(roomId, event.stateKey, event.content, tx);
        delta.members.add(roomId);
        if (event.stateKey === ownUserId) delta.hasProfile = true;
      }
    }
  }

  function putMember(roomId: RoomId, userId: string, content: StrippedEvent["content"], tx: WriteTx): void {
    const member = readMemberContent(content);
    if (!member || !userId.startsWith("@")) return;
    const before = store.members.read(roomId, userId as UserId);
    const isPresent = member.membership === "join" || member.membership === "invite";
    store.members.put(tx, roomId, {
      userId: userId as UserId,
      membership: member.membership,
      // A leave event says no name: the last known one keeps old messages readable.
      displayName: isPresent ? member.displayName : (member.displayName ?? before?.displayName),
      avatarMxc: isPresent ? member.avatarMxc : (member.avatarMxc ?? before?.avatarMxc),
    });
  }

  return {
    name: "rooms",
    write,
    publish(delta, changes) {
      for (const [roomId, userIds] of delta.typing) {
        typing.set(roomId, userIds);
        changes.markRoom(roomId);
      }
      for (const roomId of delta.rooms) changes.markRoom(roomId);
      for (const roomId of delta.members) changes.markMembers(roomId).markTimeline(roomId);
      if (delta.hasProfile) changes.markAccount();
      if (delta.hasDirect) deps.direct.flush();
    },
  };
}

const stateOf = (timeline: TimelineUpdate): RoomEvent[] =>
  timeline.entries.flatMap((entry) => (entry.ok && entry.event.stateKey !== undefined ? [entry.event] : []));
