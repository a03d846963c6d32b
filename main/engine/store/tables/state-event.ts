/**
 * Table state_event: the current state of each room, by type and state key. Written by the rooms step.
 * Members are here too (for power checks and names of old), and unfolded in table member.
 */
import type { EventId, RoomId, UserId } from "../../../../preload/contract/ids.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, WriteTx } from "../driver.ts";

export type StateRecord = { eventId: EventId | undefined; sender: UserId; content: JsonObject };

export function openStateEventTable(db: Db) {
  const select = db.prepare(
    "SELECT event_id, sender, content FROM state_event WHERE room_id = ? AND type = ? AND state_key = ?",
  );
  const upsert = db.prepare(
    `INSERT INTO state_event (room_id, type, state_key, event_id, sender, content) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET event_id = excluded.event_id, sender = excluded.sender, content = excluded.content`,
  );
  const clear = db.prepare("DELETE FROM state_event WHERE room_id = ?");
  return {
    read(roomId: RoomId, type: string, stateKey = ""): StateRecord | undefined {
      const row = select.get(roomId, type, stateKey);
      if (!row) return undefined;
      return {
        eventId: (row["event_id"] as EventId | null) ?? undefined,
        sender: row["sender"] as UserId,
        content: JSON.parse(row["content"] as string) as JsonObject,
      };
    },
    put(tx: WriteTx, roomId: RoomId, type: string, stateKey: string, record: StateRecord): void {
      upsert.run(tx, roomId, type, stateKey, record.eventId ?? null, record.sender, JSON.stringify(record.content));
    },
    /** Forgets the state of a room, e.g. the stripped state of an invite when the real one comes. */
    clear(tx: WriteTx, roomId: RoomId): void {
      clear.run(tx, roomId);
    },
  };
}
export type StateEventTable = ReturnType<typeof openStateEventTable>;
