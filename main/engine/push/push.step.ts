/**
 * The push step: judges every new event of a sync response by the user's push rules. Runs after rooms and
 * before timeline, which stores the marks; after the commit it hands new notifications on.
 * Invariant: a notification comes only for what is new to the user: never for the first sync, for history,
 * for own events, for what a response brings again, or for what a receipt in the same response says was read.
 * spec: client-server, "Push Rules".
 */
import type { EventId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { StrippedEvent, SyncBody } from "../matrix/sync-body.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { PushMark } from "../store/tables/event.ts";
import type { SyncStep } from "../sync/step.ts";
import { defaultPushRules, evaluatePush, parsePushRules, type PushDecision, type PushRuleset } from "./evaluator.ts";
import type { PowerLevels } from "../matrix/content.ts";

export type Notified = { roomId: RoomId; event: RoomEvent; decision: PushDecision };
export type PushDelta = { notified: Notified[]; readRooms: RoomId[] };

export function pushStep(deps: {
  store: AccountStore;
  ownUserId: UserId;
  powerLevelsOf: (roomId: RoomId) => PowerLevels;
  onNotified: (notified: readonly Notified[]) => void;
  onRead: (roomIds: readonly RoomId[]) => void;
}) {
  const { store, ownUserId } = deps;
  const marks = new Map<EventId, PushMark>();

  /** The rooms whose invite is in the store already. Asked before the rooms step writes what this response says. */
  function knownInvites(body: SyncBody): Set<RoomId> {
    const known = body.invited.filter(({ roomId, state }) => {
      const membership = store.rooms.read(roomId)?.membership;
      if (membership !== "invite") return membership === "join";
      // Somebody else asks: that is news, though the first invite is still unanswered.
      const before = store.state.read(roomId, "m.room.member", ownUserId);
      return before?.sender === ownInvite(state)?.sender;
    });
    return new Set(known.map(({ roomId }) => roomId));
  }

  const ownInvite = (state: readonly StrippedEvent[]): StrippedEvent | undefined =>
    state.find((event) => event.type === "m.room.member" && event.stateKey === ownUserId);

  function write(body: SyncBody, known: ReadonlySet<RoomId>): PushDelta {
    marks.clear();
    const isFirstSync = store.account.read()?.nextBatch === undefined;
    const rules = readRules();
    const delta: PushDelta = { notified: [], readRooms: [] };
    for (const update of body.joined) {
      const evaluate = evaluatorOf(update.roomId, rules);
      let newest: Notified | undefined;
      for (const entry of update.timeline.entries) {
        if (!entry.ok || entry.event.sender === ownUserId) continue;
        const decision = evaluate(entry.event);
        if (!decision.notify && !decision.highlight) continue;
        marks.set(entry.event.eventId, decision.highlight ? 2 : 1);
        if (decision.notify && !store.events.read(update.roomId, entry.event.eventId))
          newest = { roomId: update.roomId, event: entry.event, decision };
      }
      const isRead = update.unread?.notificationCount === 0;
      if (isRead) delta.readRooms.push(update.roomId);
      if (newest && !isFirstSync && !isRead) delta.notified.push(newest);
    }
    for (const update of body.invited) {
      const invite = ownInvite(update.state);
      if (!invite || isFirstSync || known.has(update.roomId)) continue;
      // Stripped state has no id and no time; the rules need neither.
      const event: RoomEvent = {
        eventId: "$invite" as EventId,
        type: invite.type,
        sender: invite.sender,
        originServerTs: 0,
        stateKey: invite.stateKey,
        content: invite.content,
        redacts: undefined,
        unsigned: { ageMs: undefined, transactionId: undefined, prevContent: undefined, isRedacted: false },
      };
      const decision = evaluatorOf(update.roomId, rules)(event);
      if (decision.notify) delta.notified.push({ roomId: update.roomId, event, decision });
    }
    for (const update of body.left) delta.readRooms.push(update.roomId);
    return delta;
  }

  function readRules(): PushRuleset {
    const stored = store.accountData.read("", "m.push_rules");
    return stored ? parsePushRules(stored) : defaultPushRules(ownUserId);
  }

  function evaluatorOf(roomId: RoomId, rules: PushRuleset) {
    const room = store.rooms.read(roomId);
    const context = {
      ownUserId,
      roomId,
      ownDisplayName: store.members.read(roomId, ownUserId)?.displayName ?? store.account.read()?.displayName,
      memberCount: room?.joinedCount ?? 0,
      powerLevels: deps.powerLevelsOf(roomId),
    };
    return (event: RoomEvent): PushDecision => evaluatePush(rules, event, context);
  }

  const step: SyncStep<ReadonlySet<RoomId>, PushDelta> = {
    name: "push",
    prepare: (body) => Promise.resolve(knownInvites(body)),
    write,
    publish(delta, changes) {
      deps.onRead(delta.readRooms);
      deps.onNotified(delta.notified);
      if (delta.notified.length > 0 || delta.readRooms.length > 0) changes.markNotifications();
    },
  };
  return {
    step,
    /** What was decided for an event of the response being written. */
    markOf: (eventId: EventId): PushMark => marks.get(eventId) ?? 0,
    /** Whether the rules let a call ring, and with a sound. spec: `.m.rule.call`. */
    decide: (roomId: RoomId, event: RoomEvent): PushDecision => evaluatorOf(roomId, readRules())(event),
  };
}
