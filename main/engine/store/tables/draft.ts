/**
 * Table draft: what is written in a room's composer and not sent yet. Written by the session on the composer's
 * word, read by the views of the room and of the list. Invariant: sealed; a room without a draft has no row.
 */
import type { RoomId } from "../../../../preload/contract/ids.ts";
import type { Db, WriteTx } from "../driver.ts";
import { contextOf, seal, unseal } from "../seal.ts";

export function openDraftTable(db: Db, profileKey: Uint8Array) {
  const select = db.prepare("SELECT text_sealed FROM draft WHERE room_id = ?");
  const find = db.prepare("SELECT 1 FROM draft WHERE room_id = ?");
  const upsert = db.prepare(
    "INSERT INTO draft (room_id, text_sealed) VALUES (?, ?) ON CONFLICT DO UPDATE SET text_sealed = excluded.text_sealed",
  );
  const drop = db.prepare("DELETE FROM draft WHERE room_id = ?");
  const context = (roomId: RoomId) => contextOf("draft", roomId);
  return {
    /** "" where there is none, or where the profile key does not open it. */
    read(roomId: RoomId): string {
      const sealed = select.get(roomId)?.["text_sealed"];
      return (sealed instanceof Uint8Array ? unseal(profileKey, sealed, context(roomId)) : undefined) ?? "";
    },
    has: (roomId: RoomId): boolean => find.get(roomId) !== undefined,
    /** "" forgets the draft. */
    put(tx: WriteTx, roomId: RoomId, text: string): void {
      if (text === "") drop.run(tx, roomId);
      else upsert.run(tx, roomId, seal(profileKey, text, context(roomId)));
    },
  };
}
export type DraftTable = ReturnType<typeof openDraftTable>;
