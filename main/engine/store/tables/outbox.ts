/**
 * Table outbox: pending events of each room in send order. Written by the outbox, settled by the timeline step.
 * Invariant: a row goes only in the transaction that stores its remote echo, or when its user discards it.
 */
import type { EventId, RoomId, TxnId } from "../../../../preload/contract/ids.ts";
import type { EngineErrorData } from "../../../../preload/contract/errors.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, Row, WriteTx } from "../driver.ts";

export type PendingEvent = {
  txnId: TxnId;
  roomId: RoomId;
  type: string;
  content: JsonObject;
  createdAtMs: number;
  firstTriedAtMs: number | undefined;
  /** Known once the server has answered. */
  eventId: EventId | undefined;
  wedge: EngineErrorData | undefined;
};

const COLUMNS = "txn_id, room_id, type, content, created_at, first_tried_at, event_id, wedge";

export function openOutboxTable(db: Db) {
  const insert = db.prepare(
    "INSERT INTO outbox (txn_id, room_id, type, content, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (txn_id) DO NOTHING",
  );
  const ofRoom = db.prepare(`SELECT ${COLUMNS} FROM outbox WHERE room_id = ? ORDER BY place`);
  const head = db.prepare(
    `SELECT ${COLUMNS} FROM outbox WHERE room_id = ? AND event_id IS NULL AND wedge IS NULL ORDER BY place LIMIT 1`,
  );
  const one = db.prepare(`SELECT ${COLUMNS} FROM outbox WHERE txn_id = ?`);
  const waitingRooms = db.prepare("SELECT DISTINCT room_id FROM outbox WHERE event_id IS NULL AND wedge IS NULL");
  const setTried = db.prepare("UPDATE outbox SET first_tried_at = coalesce(first_tried_at, ?) WHERE txn_id = ?");
  const setSent = db.prepare("UPDATE outbox SET event_id = ?, wedge = NULL WHERE txn_id = ?");
  const setWedge = db.prepare("UPDATE outbox SET wedge = ? WHERE txn_id = ?");
  const drop = db.prepare("DELETE FROM outbox WHERE txn_id = ?");
  const byEvent = db.prepare("SELECT txn_id FROM outbox WHERE room_id = ? AND event_id = ?");

  return {
    /** A second send under one txnId is the same send. */
    add(
      tx: WriteTx,
      event: { txnId: TxnId; roomId: RoomId; type: string; content: JsonObject; createdAtMs: number },
    ): void {
      insert.run(tx, event.txnId, event.roomId, event.type, JSON.stringify(event.content), event.createdAtMs);
    },
    readRoom: (roomId: RoomId): PendingEvent[] => ofRoom.all(roomId).map(toPending),
    /** The next one to send. Wedged ones do not hold up those behind them. */
    readHead(roomId: RoomId): PendingEvent | undefined {
      const row = head.get(roomId);
      return row && toPending(row);
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

function toPending(row: Row): PendingEvent {
  return {
    txnId: row["txn_id"] as TxnId,
    roomId: row["room_id"] as RoomId,
    type: row["type"] as string,
    content: JSON.parse(row["content"] as string) as JsonObject,
    createdAtMs: Number(row["created_at"]),
    firstTriedAtMs: row["first_tried_at"] === null ? undefined : Number(row["first_tried_at"]),
    eventId: (row["event_id"] as EventId | null) ?? undefined,
    wedge: row["wedge"] === null ? undefined : (JSON.parse(row["wedge"] as string) as EngineErrorData),
  };
}
