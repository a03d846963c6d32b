/**
 * Tables chunk and event: a room's timeline as runs without gaps. Written by the timeline step and pagination,
 * read in windows. Invariants: (chunk, position) is the order of the room; an event id stands there once; what was
 * decrypted lies here sealed, and what cannot be opened any more is set aside, never a reason to stop a read.
 */
import type { DeviceId, EventId, RoomId, TxnId, UserId } from "../../../../preload/contract/ids.ts";
import type { Shield, UndecryptableCause } from "../../../../preload/contract/views.ts";
import type { EventEncryption } from "../../matrix/events.ts";
import { isObject, readObject, type JsonObject } from "../../matrix/json.ts";
import type { Db, Row, WriteTx } from "../driver.ts";
import { contextOf, seal, unsealObject } from "../seal.ts";

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
  /** Undefined: it came in the clear. Content and previous content are sealed at rest where it was decrypted. */
  encryption: EventEncryption | undefined;
};

export type Chunk = { chunk: number; prevBatch: string | undefined };
export type Place = { chunk: number; position: number };

const COLUMNS = `room_id, chunk, position, event_id, type, state_key, sender, origin_server_ts, content, prev_content,
  txn_id, is_redacted, is_shown, relation, related_id, push, encrypted_content, session_id, message_index, decryption, shield,
  cause, sender_device_id, membership_then, sealed`;
const MAX_UNDECRYPTABLE = 5_000;

export function openEventTable(db: Db, profileKey: Uint8Array) {
  const insert = db.prepare(
    `INSERT INTO event (${COLUMNS}) VALUES (${Array.from({ length: 25 }, () => "?").join(", ")})
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
    // The place in the session stays, so that the message cannot be replayed under another id. One that was never
    // decrypted has only claimed its place, and must not keep it from the genuine one.
    `UPDATE event SET is_redacted = 1, content = ?, push = 0, sealed = NULL, encrypted_content = NULL, shield = NULL,
       cause = NULL, session_id = iif(decryption = 2, NULL, session_id), decryption = 0
     WHERE room_id = ? AND event_id = ?`,
  );
  const setTxnId = db.prepare("UPDATE event SET txn_id = ? WHERE room_id = ? AND event_id = ? AND txn_id IS NULL");
  const withTxnId = db.prepare("SELECT 1 FROM event WHERE room_id = ? AND txn_id = ?");
  const countPushAfter = db.prepare(
    `SELECT count(*) FILTER (WHERE push >= 1) AS notifies, count(*) FILTER (WHERE push = 2) AS highlights
     FROM event WHERE room_id = ? AND (chunk, position) > (?, ?)`,
  );
  const replaceDecrypted = db.prepare(
    `UPDATE event SET type = ?, content = '{}', prev_content = NULL, is_shown = ?, relation = ?, related_id = ?,
       push = ?, decryption = 1, session_id = ?, message_index = ?, shield = ?, cause = NULL, sealed = ?
     WHERE room_id = ? AND event_id = ? AND decryption = 2`,
  );
  const setCause = db.prepare("UPDATE event SET cause = ? WHERE room_id = ? AND event_id = ? AND decryption = 2");
  const setShield = db.prepare("UPDATE event SET shield = ? WHERE room_id = ? AND event_id = ? AND decryption = 1");
  const atIndex = db.prepare(
    "SELECT event_id FROM event WHERE room_id = ? AND session_id = ? AND message_index = ? AND decryption <> 2",
  );
  const undecryptable = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? AND decryption = 2
     ORDER BY chunk DESC, position DESC LIMIT ${MAX_UNDECRYPTABLE}`,
  );
  const undecryptableOf = db.prepare(
    // The plus leaves the index by session: a room may have thousands that wait, a session has some hundred events.
    `SELECT ${COLUMNS} FROM event WHERE room_id = ? AND session_id IN (SELECT value FROM json_each(?))
       AND +decryption = 2 ORDER BY chunk DESC, position DESC LIMIT ${MAX_UNDECRYPTABLE}`,
  );
  const newestUndecryptable = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE decryption = 2 ORDER BY origin_server_ts DESC LIMIT ?`,
  );
  const countUndecryptable = db.prepare("SELECT count(*) AS count FROM event WHERE decryption = 2");
  const undecryptableRooms = db.prepare("SELECT DISTINCT room_id FROM event WHERE decryption = 2");
  const decryptedOf = db.prepare(
    `SELECT ${COLUMNS} FROM event WHERE sender = ? AND decryption = 1 ORDER BY origin_server_ts DESC LIMIT ?`,
  );
  const newestOf = db.prepare(
    `SELECT chunk, position FROM event WHERE room_id = ? AND sender = ? AND (chunk, position) > (?, ?)
     ORDER BY chunk DESC, position DESC LIMIT 1`,
  );
  const chunks = db.prepare("SELECT chunk, prev_batch FROM chunk WHERE room_id = ? ORDER BY chunk DESC");
  const newestChunk = db.prepare("SELECT chunk, prev_batch FROM chunk WHERE room_id = ? ORDER BY chunk DESC LIMIT 1");
  const putChunk = db.prepare(
    "INSERT INTO chunk (room_id, chunk, prev_batch) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET prev_batch = excluded.prev_batch",
  );

  const sealed = (roomId: RoomId, event: EventRecord): Uint8Array =>
    seal(
      profileKey,
      JSON.stringify({ content: event.content, prevContent: event.prevContent }),
      contextOf("event", roomId, event.eventId),
    );
  const toRecord = (row: Row): EventRecord => readRecord(row, profileKey);

  return {
    /** False where the event is there already: a redelivery changes nothing. */
    insert(tx: WriteTx, roomId: RoomId, event: EventRecord): boolean {
      const { encryption } = event;
      const isDecrypted = encryption !== undefined && encryption.cause === undefined;
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
          encryption ? "{}" : JSON.stringify(event.content),
          event.prevContent && !encryption ? JSON.stringify(event.prevContent) : null,
          event.txnId ?? null,
          Number(event.isRedacted),
          Number(event.isShown),
          event.relation ?? null,
          event.relatedId ?? null,
          event.push,
          encryption ? JSON.stringify(encryption.wireContent) : null,
          encryption?.sessionId ?? null,
          encryption?.messageIndex ?? null,
          encryption ? (isDecrypted ? 1 : 2) : 0,
          encryption?.shield ?? null,
          encryption?.cause ?? null,
          encryption?.senderDeviceId ?? null,
          encryption?.membershipThen ?? null,
          isDecrypted ? sealed(roomId, event) : null,
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
    /** Rewrites an undecryptable event that can be read now; its id and its place stay. Of any other, nothing changes. */
    setDecrypted(tx: WriteTx, roomId: RoomId, event: EventRecord): void {
      replaceDecrypted.run(
        tx,
        event.type,
        Number(event.isShown),
        event.relation ?? null,
        event.relatedId ?? null,
        event.push,
        event.encryption?.sessionId ?? null,
        event.encryption?.messageIndex ?? null,
        event.encryption?.shield ?? null,
        sealed(roomId, event),
        roomId,
        event.eventId,
      );
    },
    setCause(tx: WriteTx, roomId: RoomId, eventId: EventId, cause: UndecryptableCause): void {
      setCause.run(tx, cause, roomId, eventId);
    },
    setShield(tx: WriteTx, roomId: RoomId, eventId: EventId, shield: Shield | undefined): void {
      setShield.run(tx, shield ?? null, roomId, eventId);
    },
    /**
     * Events that were decrypted at one place of a session's ratchet, redacted ones too: only one can be genuine.
     */
    eventIdsAtIndex: (roomId: RoomId, sessionId: string, messageIndex: number): EventId[] =>
      atIndex.all(roomId, sessionId, messageIndex).map((row) => row["event_id"] as EventId),
    /** The newest first, at most 5,000; of some sessions, or all. */
    readUndecryptable(roomId: RoomId, options: { sessionIds?: readonly string[] | undefined } = {}): EventRecord[] {
      const rows = options.sessionIds
        ? undecryptableOf.all(roomId, JSON.stringify(options.sessionIds))
        : undecryptable.all(roomId);
      return rows.map(toRecord);
    },
    /** Over all rooms, the newest first. */
    readNewestUndecryptable: (limit: number): { roomId: RoomId; event: EventRecord }[] =>
      newestUndecryptable.all(limit).map((row) => ({ roomId: row["room_id"] as RoomId, event: toRecord(row) })),
    countUndecryptable: (): number => Number(countUndecryptable.get()?.["count"] ?? 0),
    undecryptableRooms: (): RoomId[] => undecryptableRooms.all().map((row) => row["room_id"] as RoomId),
    /** What a user sent encrypted, over all rooms, the newest first. */
    readDecryptedOf: (sender: UserId, limit: number): { roomId: RoomId; event: EventRecord }[] =>
      decryptedOf.all(sender, limit).map((row) => ({ roomId: row["room_id"] as RoomId, event: toRecord(row) })),
    redact(tx: WriteTx, roomId: RoomId, eventId: EventId, remaining: JsonObject): boolean {
      return redact.run(tx, JSON.stringify(remaining), roomId, eventId) === 1;
    },
    setTxnId(tx: WriteTx, roomId: RoomId, eventId: EventId, txnId: TxnId): void {
      setTxnId.run(tx, txnId, roomId, eventId);
    },
    /** Whether the room has an event that was sent from here under this id. */
    hasTxnId: (roomId: RoomId, txnId: TxnId): boolean => withTxnId.get(roomId, txnId) !== undefined,
    /** Where a user's newest event stands, if that is after a place. */
    placeOfNewestBy(roomId: RoomId, sender: UserId, after: Place): Place | undefined {
      const row = newestOf.get(roomId, sender, after.chunk, after.position);
      return row && { chunk: Number(row["chunk"]), position: Number(row["position"]) };
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

function readEncryption(row: Row): EventEncryption | undefined {
  if (row["decryption"] === 0) return undefined;
  return {
    wireContent: parseObject(row["encrypted_content"]) ?? {},
    sessionId: (row["session_id"] as string | null) ?? undefined,
    messageIndex: row["message_index"] === null ? undefined : Number(row["message_index"]),
    senderDeviceId: (row["sender_device_id"] as DeviceId | null) ?? undefined,
    membershipThen: (row["membership_then"] as string | null) ?? undefined,
    shield: (row["shield"] as Shield | null) ?? undefined,
    cause: row["decryption"] === 2 ? ((row["cause"] as UndecryptableCause | null) ?? "malformed") : undefined,
  };
}

/** What the event says, and said before, as far as this device can read it; undefined where the row is damaged. */
function readBody(row: Row, profileKey: Uint8Array): Pick<EventRecord, "content" | "prevContent"> | undefined {
  if (row["sealed"] !== null) {
    const context = contextOf("event", row["room_id"] as RoomId, row["event_id"] as EventId);
    const opened = unsealObject(profileKey, row["sealed"], context);
    const content = opened && readObject(opened, "content");
    return content && { content, prevContent: readObject(opened, "prevContent") };
  }
  // Of an event that cannot be decrypted yet, all there is is what came.
  const content = parseObject(row["decryption"] === 2 ? row["encrypted_content"] : row["content"]);
  return content && { content, prevContent: parseObject(row["prev_content"]) };
}

function parseObject(text: unknown): JsonObject | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What is left of an event that was sealed with another key, or is damaged: a quiet line in its place. */
const UNREADABLE = {
  type: "",
  stateKey: undefined,
  content: { reason: "the stored event cannot be opened" },
  prevContent: undefined,
  relation: undefined,
  relatedId: undefined,
  encryption: undefined,
} satisfies Partial<EventRecord>;

function readRecord(row: Row, profileKey: Uint8Array): EventRecord {
  const body = readBody(row, profileKey);
  const record: EventRecord = {
    chunk: Number(row["chunk"]),
    position: Number(row["position"]),
    eventId: row["event_id"] as EventId,
    type: row["type"] as string,
    stateKey: (row["state_key"] as string | null) ?? undefined,
    sender: row["sender"] as UserId,
    originServerTs: Number(row["origin_server_ts"]),
    content: body?.content ?? {},
    prevContent: body?.prevContent,
    txnId: (row["txn_id"] as TxnId | null) ?? undefined,
    isRedacted: row["is_redacted"] === 1,
    isShown: row["is_shown"] === 1,
    relation: (row["relation"] as string | null) ?? undefined,
    relatedId: (row["related_id"] as EventId | null) ?? undefined,
    push: Number(row["push"]) as PushMark,
    encryption: readEncryption(row),
  };
  return body ? record : { ...record, ...UNREADABLE };
}
