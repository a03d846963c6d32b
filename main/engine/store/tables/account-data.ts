/**
 * Table account_data: what the user keeps on the server, for the account ('' as room id) and for each room.
 * Used by rooms, push and session.
 */
import type { RoomId } from "../../../../preload/contract/ids.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, WriteTx } from "../driver.ts";

export function openAccountDataTable(db: Db) {
  const select = db.prepare("SELECT content FROM account_data WHERE room_id = ? AND type = ?");
  const upsert = db.prepare(
    "INSERT INTO account_data (room_id, type, content) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content",
  );
  return {
    read(roomId: RoomId | "", type: string): JsonObject | undefined {
      const content = select.get(roomId, type)?.["content"];
      return typeof content === "string" ? (JSON.parse(content) as JsonObject) : undefined;
    },
    put(tx: WriteTx, roomId: RoomId | "", type: string, content: JsonObject): void {
      upsert.run(tx, roomId, type, JSON.stringify(content));
    },
  };
}
export type AccountDataTable = ReturnType<typeof openAccountDataTable>;
