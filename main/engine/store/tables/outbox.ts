/**
 * Table outbox: pending events of each room in send order. Written by the outbox, settled by the timeline step.
 * Invariants: a row goes only in the transaction that stores its remote echo, or when its user discards it; what was
 * written is sealed, and a row that does not open is wedged, never sent as something else.
 */
import type { EventId, RoomId, TxnId } from "../../../../preload/contract/ids.ts";
import type { EngineErrorCode, EngineErrorData } from "../../../../preload/contract/errors.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, Row, WriteTx } from "../driver.ts";
import { contextOf, seal, unsealObject } from "../seal.ts";

export type PendingEvent = {
  txnId: TxnId;
  roomId: RoomId;
  type: string;
  content: JsonObject;
  /** The encrypted form, once it was made: the same at every try. */
  wire: { type: string; content: JsonObject } | undefined;
  createdAtMs: number;
  firstTriedAtMs: number | undefined;
  /** Known once the server has answered. */
  eventId: EventId | undefined;
  wedge: EngineErrorData | undefined;
};

const COLUMNS =
  "place, txn_id, room_id, type, content, content_sealed, wire, created_at, first_tried_at, event_id, wedge";

const UNREADABLE: EngineErrorData = {
  code: "store-corrupt",
  message: "This message can no longer be read on this computer, so it was not sent. Write it again, or discard it.",
};

export function openOutboxTable(db: Db, profileKey: Uint8Array) {
  const insert = db.prepare(
    `INSERT INTO outbox (txn_id, room_id, type, content, content_sealed, created_at) VALUES (?, ?, ?, '{}', ?, ?)
     ON CONFLICT (txn_id) DO NOTHING`,
  );
  const all = db.prepare(`SELECT ${COLUMNS} FROM outbox ORDER BY place`);
  const ofRoom = db.prepare(`SELECT ${COLUMNS} FROM outbox WHERE room_id = ? ORDER BY place`);
  const head = db.prepare(
    `SELECT ${COLUMNS} FROM outbox WHERE room_id = ? AND place > ? AND event_id IS NULL AND wedge IS NULL
     ORDER BY place LIMIT 1`,
  );
  const one = db.prepare(`SELECT ${COLUMNS} FROM outbox WHERE txn_id = ?`);
  const waitingRooms = db.prepare("SELECT DISTINCT room_id FROM outbox WHERE event_id IS NULL AND wedge IS NULL");
  const setTried = db.prepare("UPDATE outbox SET first_tried_at = coalesce(first_tried_at, ?) WHERE txn_id = ?");
  const setSent = db.prepare("UPDATE outbox SET event_id = ?, wedge = NULL WHERE txn_id = ?");
  const setWedge = db.prepare("UPDATE outbox SET wedge = ? WHERE txn_id = ?");
  const requeue = db.prepare("UPDATE outbox SET wedge = NULL, wire = NULL, first_tried_at = NULL WHERE txn_id = ?");
  const setWire = db.prepare("UPDATE outbox SET wire = ? WHERE txn_id = ?");
  const wedgedBy = db.prepare(
    "SELECT txn_id FROM outbox WHERE wedge ->> '$.code' IN (SELECT value FROM json_each(?)) ORDER BY place",
  );
  const drop = db.prepare("DELETE FROM outbox WHERE txn_id = ?");
  const byEvent = db.prepare("SELECT txn_id FROM outbox WHERE room_id = ? AND event_id = ?");

  const toPending = (row: Row): PendingEvent => readPending(row, profileKey);

  return {
    /** A second send under one txnId is the same send. */
    add(
      tx: WriteTx,
      event: { txnId: TxnId; roomId: RoomId; type: string; content: JsonObject; createdAtMs: number },
    ): void {
      const sealed = seal(profileKey, JSON.stringify(event.content), contextOf("outbox", event.txnId));
      insert.run(tx, event.txnId, event.roomId, event.type, sealed, event.createdAtMs);
    },
    /** Of all rooms, in send order. */
    readAll: (): PendingEvent[] => all.all().map(toPending),
    readRoom: (roomId: RoomId): PendingEvent[] => ofRoom.all(roomId).map(toPending),
    /** The next one to send. Wedged ones do not hold up those behind them. */
    readHead(roomId: RoomId): PendingEvent | undefined {
      let place = -1;
      for (;;) {
        const row = head.get(roomId, place);
        if (!row) return undefined;
        const pending = toPending(row);
        if (!pending.wedge) return pending;
        place = Number(row["place"]);
      }
    },
    read(txnId: TxnId): PendingEvent | undefined {
      const row = one.get(txnId);
      return row && toPending(row);
    },
    readWaitingRooms: (): RoomId[] => waitingRooms.all().map((row) => row["room_id"] as RoomId),
    setTried(tx: WriteTx, txnId: TxnId, atMs: number): void {
      setTried.run(tx, atMs, txnId);
    },
    setSent(tx: WriteTx, txnId: TxnId, eventId: EventId): void {
      setSent.run(tx, eventId, txnId);
    },
    setWedge(tx: WriteTx, txnId: TxnId, wedge: EngineErrorData | undefined): void {
      setWedge.run(tx, wedge ? JSON.stringify(wedge) : null, txnId);
    },
    /**
     * Back into the queue as if it had never been tried: the server has refused it, or its user knows that it may
     * be there already. Those who read it now may be others than then, so that it is encrypted anew.
     */
    requeue(tx: WriteTx, txnId: TxnId): void {
      requeue.run(tx, txnId);
    },
    /** What is given to the server from now on, at every try; undefined where it is to be made anew. */
    setWire(tx: WriteTx, txnId: TxnId, wire: PendingEvent["wire"]): void {
      setWire.run(tx, wire ? JSON.stringify(wire) : null, txnId);
    },
    /** Those that were refused for one of these reasons, in send order. */
    readWedgedBy: (codes: readonly EngineErrorCode[]): TxnId[] =>
      wedgedBy.all(JSON.stringify(codes)).map((row) => row["txn_id"] as TxnId),
    /** Must run in the transaction that stores the remote echo, or on the user's word. */
    settle(tx: WriteTx, txnId: TxnId): boolean {
      return drop.run(tx, txnId) === 1;
    },
    /** The pending event whose send the server has answered with this id. */
    txnIdOf(roomId: RoomId, eventId: EventId): TxnId | undefined {
      return byEvent.get(roomId, eventId)?.["txn_id"] as TxnId | undefined;
    },
  };
}
export type OutboxTable = ReturnType<typeof openOutboxTable>;

/** Undefined where the seal does not open. Rows of the first version have no seal. */
function readContent(row: Row, txnId: TxnId, profileKey: Uint8Array): JsonObject | undefined {
  if (row["content_sealed"] === null) return JSON.parse(row["content"] as string) as JsonObject;
  return unsealObject(profileKey, row["content_sealed"], contextOf("outbox", txnId));
}

function readPending(row: Row, profileKey: Uint8Array): PendingEvent {
  const txnId = row["txn_id"] as TxnId;
  const content = readContent(row, txnId, profileKey);
  const wedge = row["wedge"] === null ? undefined : (JSON.parse(row["wedge"] as string) as EngineErrorData);
  return {
    txnId,
    roomId: row["room_id"] as RoomId,
    type: row["type"] as string,
    content: content ?? {},
    wire: row["wire"] === null ? undefined : (JSON.parse(row["wire"] as string) as PendingEvent["wire"]),
    createdAtMs: Number(row["created_at"]),
    firstTriedAtMs: row["first_tried_at"] === null ? undefined : Number(row["first_tried_at"]),
    eventId: (row["event_id"] as EventId | null) ?? undefined,
    // Its encrypted form says what was written as well, and can still go.
    wedge: wedge ?? (content || row["wire"] !== null ? undefined : UNREADABLE),
  };
}
