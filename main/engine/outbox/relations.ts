/**
 * What the user does to messages that are there: replies, edits, reactions, removals. Opened by session over the
 * outbox, which sends what is made here; called by the outbox commands. spec: client-server, "Rich replies",
 * "Event replacements", "Event annotations and reactions", "Redactions".
 * Invariants: only what a server would accept is queued, so that nothing is wedged that could be refused here; an
 * event has at most one reaction of ours with the same key.
 */
import type { EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import { EngineError } from "../base/errors.ts";
import { readArray, readObject, readString, type JsonObject, type JsonValue } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { EventRecord } from "../store/tables/event.ts";
import type { PendingEvent } from "../store/tables/outbox.ts";
import type { Outbox } from "./outbox.ts";

/** A message as the composer gives it. */
export type Written = { msgtype: string; body: string; mentionedUserIds?: readonly UserId[] | undefined };

export function openRelations(deps: { store: AccountStore; ownUserId: UserId; outbox: Outbox }) {
  const { store, ownUserId, outbox } = deps;

  function find(roomId: RoomId, eventId: EventId): Pick<EventRecord, "type" | "sender"> {
    // Between the server's answer and the echo, an event of ours has an id and is still in the outbox.
    const txnId = store.outbox.txnIdOf(roomId, eventId);
    const pending = txnId && store.outbox.read(txnId);
    if (pending) return { type: pending.type, sender: ownUserId };
    const event = store.events.read(roomId, eventId);
    if (!event || event.type === "" || event.isRedacted || event.stateKey !== undefined) {
      throw new EngineError("not-found", "This message is not there any more.");
    }
    return event;
  }

  function findOwn(roomId: RoomId, eventId: EventId): Pick<EventRecord, "type" | "sender"> {
    const event = find(roomId, eventId);
    if (event.sender !== ownUserId) throw new EngineError("forbidden", "This message is not yours.");
    return event;
  }

  /** The content of a message, in reply to another where one is given, whose sender is told then. */
  function asReply(roomId: RoomId, content: JsonObject, replyTo: EventId | undefined): JsonObject {
    if (replyTo === undefined) return content;
    const { sender } = find(roomId, replyTo);
    const mentions = readObject(content, "m.mentions");
    const mentioned = new Set((mentions && readArray(mentions, "user_ids")) ?? []);
    if (sender !== ownUserId) mentioned.add(sender);
    return {
      ...content,
      "m.mentions": toMentions([...mentioned]),
      "m.relates_to": { "m.in_reply_to": { event_id: replyTo } },
    };
  }

  function edit(roomId: RoomId, txnId: TxnId, eventId: EventId, written: Written): void {
    if (findOwn(roomId, eventId).type !== "m.room.message") {
      throw new EngineError("rejected", "This cannot be edited.");
    }
    outbox.add(roomId, txnId, "m.room.message", {
      // For clients that know no edits.
      ...toMessageContent({ ...written, body: `* ${written.body}`, mentionedUserIds: [] }),
      "m.new_content": toMessageContent(written),
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
  }

  /** Takes a reaction of ours back, or adds it; what is so already stays. */
  function react(
    roomId: RoomId,
    txnId: TxnId,
    { eventId, key, isOn }: { eventId: EventId; key: string; isOn: boolean },
  ): void {
    const pending = store.outbox.readRoom(roomId).findLast((each) => isReaction(each, eventId, key));
    const removed = pendingRemovals(store.outbox.readRoom(roomId));
    const stored = store.events
      .readRelated(roomId, [eventId], "m.annotation")
      .filter((each) => each.sender === ownUserId && isReaction(each, eventId, key) && !removed.has(each.eventId));
    if (isOn) {
      if (pending?.wedge) outbox.retry(pending.txnId);
      if (pending || stored.length > 0) return;
      find(roomId, eventId);
      const relation = { rel_type: "m.annotation", event_id: eventId, key };
      outbox.add(roomId, txnId, "m.reaction", { "m.relates_to": relation });
      return;
    }
    if (pending && !pending.eventId) outbox.discard(pending.txnId);
    else if (pending?.eventId && !removed.has(pending.eventId)) remove(roomId, txnId, pending.eventId);
    // Another device of ours may have added it at the same time.
    for (const [index, { eventId: reactionId }] of stored.entries()) {
      remove(roomId, index === 0 ? txnId : (`${txnId}.${index}` as TxnId), reactionId);
    }
  }

  const remove = (roomId: RoomId, txnId: TxnId, eventId: EventId): void =>
    outbox.add(roomId, txnId, "m.room.redaction", { redacts: eventId });

  return {
    asReply,
    /** The content of a text message. */
    toContent: (roomId: RoomId, written: Written, replyTo: EventId | undefined): JsonObject =>
      asReply(roomId, toMessageContent(written), replyTo),
    edit,
    react,
    /** Removes a message of ours for everyone. */
    redact(roomId: RoomId, txnId: TxnId, eventId: EventId): void {
      findOwn(roomId, eventId);
      if (!pendingRemovals(store.outbox.readRoom(roomId)).has(eventId)) remove(roomId, txnId, eventId);
    },
  };
}
export type Relations = ReturnType<typeof openRelations>;

const toMessageContent = ({ msgtype, body, mentionedUserIds = [] }: Written): JsonObject => ({
  msgtype,
  body,
  "m.mentions": toMentions(mentionedUserIds),
});

/** Always there: it tells other clients that names in the text are not mentions by themselves. */
const toMentions = (userIds: readonly JsonValue[]): JsonObject =>
  userIds.length > 0 ? { user_ids: [...userIds] } : {};

function isReaction(event: Pick<PendingEvent, "type" | "content">, eventId: EventId, key: string): boolean {
  const relation = readObject(event.content, "m.relates_to");
  return (
    event.type === "m.reaction" &&
    relation !== undefined &&
    readString(relation, "event_id") === eventId &&
    readString(relation, "key") === key
  );
}

/** What waits to be removed, and was not refused. */
const pendingRemovals = (pendings: readonly PendingEvent[]): ReadonlySet<string | undefined> =>
  new Set(
    pendings.flatMap((each) =>
      each.type === "m.room.redaction" && !each.wedge ? [readString(each.content, "redacts")] : [],
    ),
  );
