/**
 * Table receipt: how far each user has read each room. Written by the timeline step and by mark-read.
 * Invariant: one row for each (room, user, kind, thread), so that a storm of receipts does not grow the store.
 */
import type { EventId, RoomId, UserId } from "../../../../preload/contract/ids.ts";
import type { Db, WriteTx } from "../driver.ts";

export type ReceiptKind = "m.read" | "m.read.private";
export type ReceiptRecord = {
  userId: UserId;
  kind: ReceiptKind;
  threadId: string;
  eventId: EventId;
  receivedTs: number;
};

export function openReceiptTable(db: Db) {
  const upsert = db.prepare(
    `INSERT INTO receipt (room_id, user_id, kind, thread_id, event_id, received_ts) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET event_id = excluded.event_id, received_ts = excluded.received_ts`,
  );
  const newest = db.prepare(
    `SELECT receipt.user_id, event.chunk, event.position FROM receipt
       JOIN event ON event.room_id = receipt.room_id AND event.event_id = receipt.event_id
     WHERE receipt.room_id = ? AND receipt.kind = 'm.read' AND receipt.user_id <> ?
     ORDER BY receipt.received_ts DESC LIMIT ?`,
  );
  const own = db.prepare(
    `SELECT receipt.event_id, event.chunk, event.position FROM receipt
       LEFT JOIN event ON event.room_id = receipt.room_id AND event.event_id = receipt.event_id
     WHERE receipt.room_id = ? AND receipt.user_id = ? AND receipt.thread_id IN ('', 'main')`,
  );
  return {
    put(tx: WriteTx, roomId: RoomId, receipt: ReceiptRecord): void {
      upsert.run(tx, roomId, receipt.userId, receipt.kind, receipt.threadId, receipt.eventId, receipt.receivedTs);
    },
    /** Where others have read to, the newest receipts first; only of events that are stored here. */
    readNewestOfOthers(
      roomId: RoomId,
      ownUserId: UserId,
      limit: number,
    ): { userId: UserId; chunk: number; position: number }[] {
      return newest.all(roomId, ownUserId, limit).map((row) => ({
        userId: row["user_id"] as UserId,
        chunk: Number(row["chunk"]),
        position: Number(row["position"]),
      }));
    },
    /** The furthest of our own receipts, public or private; without a place where its event is not stored here. */
    readOwn(
      roomId: RoomId,
      ownUserId: UserId,
    ): { eventId: EventId; place: { chunk: number; position: number } | undefined } | undefined {
      const found = own.all(roomId, ownUserId).map((row) => ({
        eventId: row["event_id"] as EventId,
        place: row["chunk"] === null ? undefined : { chunk: Number(row["chunk"]), position: Number(row["position"]) },
      }));
      return found.toSorted((a, b) => compare(b.place, a.place))[0];
    },
  };
}
export type ReceiptTable = ReturnType<typeof openReceiptTable>;

type MaybePlace = { chunk: number; position: number } | undefined;
function compare(a: MaybePlace, b: MaybePlace): number {
  if (!a || !b) return Number(Boolean(a)) - Number(Boolean(b));
  return a.chunk - b.chunk || a.position - b.position;
}
