/**
 * The timeline step: stores the events of a sync response in order, marks gaps, applies redactions and
 * receipts, settles our own pending events, and keeps each room's preview. Runs after rooms and push.
 * Invariant: an event id stands once in a room, whatever is delivered again; a limited timeline never touches
 * the chunk before it, unless their events overlap. spec: client-server, "Syncing", `limited` and `prev_batch`.
 */
import type { EventId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import { txnIdSchema } from "../../../preload/contract/ids.ts";
import * as v from "valibot";
import type { RoomEvent } from "../matrix/events.ts";
import type { SyncBody, TimelineUpdate } from "../matrix/sync-body.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { People } from "../store/people.ts";
import type { WriteTx } from "../store/driver.ts";
import type { PushMark } from "../store/tables/event.ts";
import type { SyncStep } from "../sync/step.ts";
import { redactedContent, toEventRecord, toSetAsideRecord } from "./event-record.ts";
import { writeEncryptedCounts, writePreview } from "./room-row.ts";

export type TimelineDelta = { timelines: Set<RoomId>; rooms: Set<RoomId>; settled: RoomId[] };

export function timelineStep(deps: {
  store: AccountStore;
  people: People;
  ownUserId: UserId;
  /** What the push step decided for an event of the response being written. */
  pushMarkOf: (eventId: EventId) => PushMark;
}): SyncStep<undefined, TimelineDelta> {
  const { store, ownUserId } = deps;

  function write(body: SyncBody, _prepared: undefined, tx: WriteTx): TimelineDelta {
    const delta: TimelineDelta = { timelines: new Set(), rooms: new Set(), settled: [] };
    for (const update of body.joined) {
      writeTimeline(update.roomId, update.timeline, tx, delta);
      for (const receipt of update.receipts) {
        if (receipt.type !== "m.read" && receipt.type !== "m.read.private") continue;
        store.receipts.put(tx, update.roomId, {
          userId: receipt.userId,
          kind: receipt.type,
          threadId: receipt.threadId ?? "",
          eventId: receipt.eventId,
          receivedTs: receipt.ts ?? 0,
        });
        delta.timelines.add(update.roomId);
        if (receipt.userId === ownUserId) delta.rooms.add(update.roomId);
      }
      writeEncryptedCounts(store, ownUserId, update.roomId, tx);
    }
    for (const update of body.left) {
      if (store.rooms.read(update.roomId)) writeTimeline(update.roomId, update.timeline, tx, delta);
    }
    return delta;
  }

  function writeTimeline(roomId: RoomId, timeline: TimelineUpdate, tx: WriteTx, delta: TimelineDelta): void {
    if (timeline.entries.length === 0 && !timeline.isLimited) return;
    const chunk = chunkFor(roomId, timeline, tx);
    if (chunk === undefined) return;
    let position = (store.events.edges(roomId, chunk)?.last ?? -1) + 1;
    for (const entry of timeline.entries) {
      if (!entry.ok) {
        if (store.events.insert(tx, roomId, toSetAsideRecord(entry.setAside, { chunk, position }))) position += 1;
        continue;
      }
      const { event } = entry;
      if (event.type === "m.room.redaction" && event.redacts) applyRedaction(roomId, event.redacts, tx);
      const txnId = settle(roomId, event, tx, delta);
      const record = toEventRecord(event, { chunk, position }, { txnId, push: deps.pushMarkOf(event.eventId) });
      if (store.events.insert(tx, roomId, record)) position += 1;
    }
    delta.timelines.add(roomId);
    delta.rooms.add(roomId);
    writePreview(store, deps, roomId, tx);
  }

  /** The chunk that the response's events go to: the newest one, or a new one behind a gap. */
  function chunkFor(roomId: RoomId, timeline: TimelineUpdate, tx: WriteTx): number | undefined {
    const newest = store.events.readNewestChunk(roomId);
    const overlaps = timeline.entries.some((entry) => entry.ok && store.events.read(roomId, entry.event.eventId));
    if (newest && (!timeline.isLimited || overlaps)) return newest.chunk;
    if (timeline.entries.length === 0 && timeline.prevBatch === undefined) return undefined;
    const chunk = (newest?.chunk ?? 0) + 1;
    const hasStart = timeline.entries.some((entry) => entry.ok && entry.event.type === "m.room.create");
    store.events.putChunk(tx, roomId, { chunk, prevBatch: hasStart ? undefined : timeline.prevBatch });
    return chunk;
  }

  function applyRedaction(roomId: RoomId, redacted: EventId, tx: WriteTx): void {
    const target = store.events.read(roomId, redacted);
    if (target) store.events.redact(tx, roomId, redacted, redactedContent(target));
  }

  /**
   * Our own event ends its pending form in this transaction, whether the echo or the answer to the send came
   * first. The txnId stays with the event, so that its line keeps its identity.
   */
  function settle(roomId: RoomId, event: RoomEvent, tx: WriteTx, delta: TimelineDelta): TxnId | undefined {
    if (event.sender !== ownUserId) return undefined;
    const claimed = v.safeParse(txnIdSchema, event.unsigned.transactionId);
    const txnId = (claimed.success ? claimed.output : undefined) ?? store.outbox.txnIdOf(roomId, event.eventId);
    if (txnId === undefined) return undefined;
    if (store.outbox.settle(tx, txnId)) delta.settled.push(roomId);
    return txnId;
  }

  return {
    name: "timeline",
    write,
    publish(delta, changes) {
      for (const roomId of delta.timelines) changes.markTimeline(roomId);
      for (const roomId of delta.rooms) changes.markRoom(roomId);
    },
  };
}
