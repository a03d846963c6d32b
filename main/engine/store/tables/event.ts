/**
 * Tables chunk and event: a room's timeline as runs without gaps. Written by the timeline step and pagination,
 * read in windows. Invariant: (chunk, position) is the order of the room; an event id stands there once.
 */
import type { EventId, RoomId, TxnId, UserId } from "../../../../preload/contract/ids.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, Row, WriteTx } from "../driver.ts";

export type PushMark = 0 | 1 | 2;

export type EventRecord = {
  chunk: number;
  position: number;
  eventId: EventId;
  /** "" for an event that could not be read. */
  type: string;
  stateKey: string | undefined;
  sender: UserId;
  originServerTs: number;
  content: JsonObject;
  prevContent: JsonObject | undefined;
  txnId: TxnId | undefined;
  isRedacted: boolean;
  isShown: boolean;
  relation: string | undefined;
  relatedId: EventId | undefined;
  push: PushMark;
};

export type Chunk = { chunk: number; prevBatch: string | undefined };
export type Place = { chunk: number; position: number };

const COLUMNS = `chunk, position, event_id, type, state_key, sender, origin_server_ts, content, prev_content, txn_id,
  is_redacted, is_shown, relation, related_id, push`;

export function openEventTable(db: Db) {
  const insert = db.prepare(
    `INSERT INTO event (room_id, ${COLUMNS}) VALUES (${Array.from({ length: 16 }, () => "?").join(", ")})
     ON CONFLICT (room_id, event_id) DO NOTHING`,
  );
  const byId = db.prepare(`SELECT ${COLUMNS} FROM event WHERE room_id = ? AND event_id = ?`);
  const newestShown = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? AND is_shown = 1 ORDER BY chunk DESC, position DESC LIMIT ?`,
  );
  const newest = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? ORDER BY chunk DESC, position DESC LIMIT 1`,
  );
  const related = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? AND related_id IN (SELECT value FROM json_each(?)) AND relation = ?
       AND is_redacted = 0 ORDER BY chunk, position`,
  );
  const ofTypes = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? AND type IN (SELECT value FROM json_each(?))
       AND (chunk, position) >= (?, ?) ORDER BY chunk, position LIMIT 2000`,
  );
  const lastShownAt = db.prepare(
    `SELECT event_id FROM event WHERE room_id = ? AND is_shown = 1 AND (chunk, position) <= (?, ?)
     ORDER BY chunk DESC, position DESC LIMIT 1`,
  );
  const edge = db.prepare(
    "SELECT min(position) AS first, max(position) AS last FROM event WHERE room_id = ? AND chunk = ?",
  );
  const redact = db.prepare(
    "UPDATE event SET is_redacted = 1, content = ?, push = 0 WHERE room_id = ? AND event_id = ?",
  );
  const setTxnId = db.prepare("UPDATE event SET txn_id = ? WHERE room_id = ? AND event_id = ? AND txn_id IS NULL");
  const countPushAfter = db.prepare(
    `SELECT count(*) FILTER (WHERE push >= 1) AS notifies, count(*) FILTER (WHERE push = 2) AS highlights
     FROM event WHERE room_id = ? AND (chunk, position) > (?, ?)`,
  );
  const chunks = db.prepare("SELECT chunk, prev_batch FROM chunk WHERE room_id = ? ORDER BY chunk DESC");
  const newestChunk = db.prepare("SELECT chunk, prev_batch FROM chunk WHERE room_id = ? ORDER BY chunk DESC LIMIT 1");
  const putChunk = db.prepare(
    "INSERT INTO chunk (room_id, chunk, prev_batch) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET prev_batch = excluded.prev_batch",
  );

  return {
    /** False where the event is there already: a redelivery changes nothing. */
    insert(tx: WriteTx, roomId: RoomId, event: EventRecord): boolean {
      return (
        insert.run(
          tx,
          roomId,
          event.chunk,
          event.position,
          event.eventId,
          event.type,
          event.stateKey ?? null,
          event.sender,
          event.originServerTs,
          JSON.stringify(event.content),
          event.prevContent ? JSON.stringify(event.prevContent) : null,
          event.txnId ?? null,
          Number(event.isRedacted),
          Number(event.isShown),
          event.relation ?? null,
          event.relatedId ?? null,
          event.push,
        ) === 1
      );
    },
    read(roomId: RoomId, eventId: EventId): EventRecord | undefined {
      const row = byId.get(roomId, eventId);
      return row && toRecord(row);
    },
    /** The newest `limit` events with a line of their own, the oldest first. */
    readNewestShown(roomId: RoomId, limit: number): EventRecord[] {
      return newestShown.all(roomId, limit).map(toRecord).toReversed();
    },
    readNewest(roomId: RoomId): EventRecord | undefined {
      const row = newest.get(roomId);
      return row && toRecord(row);
    },
    /** Events with this relation to one of `eventIds`, in room order, without redacted ones. */
    readRelated(roomId: RoomId, eventIds: readonly EventId[], relation: string): EventRecord[] {
      return related.all(roomId, JSON.stringify(eventIds), relation).map(toRecord);
    },
    /** Events of these types from a place on, in room order; at most 2,000. */
    readOfTypes(roomId: RoomId, types: readonly string[], from: Place): EventRecord[] {
      return ofTypes.all(roomId, JSON.stringify(types), from.chunk, from.position).map(toRecord);
    },
    /** The last event with a line of its own, at or before a place. */
    lastShownAt(roomId: RoomId, place: Place): EventId | undefined {
      return lastShownAt.get(roomId, place.chunk, place.position)?.["event_id"] as EventId | undefined;
    },
    /** First and last position used in a chunk. */
    edges(roomId: RoomId, chunk: number): { first: number; last: number } | undefined {
      const row = edge.get(roomId, chunk);
      return row && row["first"] !== null ? { first: Number(row["first"]), last: Number(row["last"]) } : undefined;
    },
    redact(tx: WriteTx, roomId: RoomId, eventId: EventId, remaining: JsonObject): boolean {
      return redact.run(tx, JSON.stringify(remaining), roomId, eventId) === 1;
    },
    setTxnId(tx: WriteTx, roomId: RoomId, eventId: EventId, txnId: TxnId): void {
      setTxnId.run(tx, txnId, roomId, eventId);
    },
    /** How many events after a place notify, and highlight, by our own push rules. */
    countPushAfter(roomId: RoomId, place: Place): { notificationCount: number; highlightCount: number } {
      const row = countPushAfter.get(roomId, place.chunk, place.position) ?? {};
      return { notificationCount: Number(row["notifies"] ?? 0), highlightCount: Number(row["highlights"] ?? 0) };
    },
    /** The newest first. */
    readChunks(roomId: RoomId): Chunk[] {
      return chunks.all(roomId).map(toChunk);
    },
    readNewestChunk(roomId: RoomId): Chunk | undefined {
      const row = newestChunk.get(roomId);
      return row && toChunk(row);
    },
    putChunk(tx: WriteTx, roomId: RoomId, chunk: Chunk): void {
      putChunk.run(tx, roomId, chunk.chunk, chunk.prevBatch ?? null);
    },
  };
}
export type EventTable = ReturnType<typeof openEventTable>;

const toChunk = (row: Row): Chunk => ({
  chunk: Number(row["chunk"]),
  prevBatch: (row["prev_batch"] as string | null) ?? undefined,
});

function toRecord(row: Row): EventRecord {
  return {
    chunk: Number(row["chunk"]),
    position: Number(row["position"]),
    eventId: row["event_id"] as EventId,
    type: row["type"] as string,
    stateKey: (row["state_key"] as string | null) ?? undefined,
    sender: row["sender"] as UserId,
    originServerTs: Number(row["origin_server_ts"]),
    content: JSON.parse(row["content"] as string) as JsonObject,
    prevContent: row["prev_content"] === null ? undefined : (JSON.parse(row["prev_content"] as string) as JsonObject),
    txnId: (row["txn_id"] as TxnId | null) ?? undefined,
    isRedacted: row["is_redacted"] === 1,
    isShown: row["is_shown"] === 1,
    relation: (row["relation"] as string | null) ?? undefined,
    relatedId: (row["related_id"] as EventId | null) ?? undefined,
    push: Number(row["push"]) as PushMark,
  };
}
