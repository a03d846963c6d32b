/**
 * Table member: who is, was or is invited to a room, as far as the server has told. Written by the rooms step
 * and the member loader; read for names, avatars and the member list.
 */
import type { MxcUri, RoomId, UserId } from "../../../../preload/contract/ids.ts";
import type { Membership } from "../../../../preload/contract/views.ts";
import type { Db, Row, WriteTx } from "../driver.ts";

export type MemberRecord = {
  userId: UserId;
  membership: Membership;
  displayName: string | undefined;
  avatarMxc: MxcUri | undefined;
};

const COLUMNS = "user_id, membership, display_name, avatar_mxc";

export function openMemberTable(db: Db) {
  const select = db.prepare(`SELECT ${COLUMNS} FROM member WHERE room_id = ? AND user_id = ?`);
  const selectPresent = db.prepare(
    `SELECT ${COLUMNS} FROM member WHERE room_id = ? AND membership IN ('join', 'invite')`,
  );
  const upsert = db.prepare(
    `INSERT INTO member (room_id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       membership = excluded.membership, display_name = excluded.display_name, avatar_mxc = excluded.avatar_mxc`,
  );
  const countSameName = db.prepare(
    "SELECT count(*) AS n FROM member WHERE room_id = ? AND display_name = ? AND membership IN ('join', 'invite')",
  );
  const clear = db.prepare("DELETE FROM member WHERE room_id = ?");
  return {
    read(roomId: RoomId, userId: UserId): MemberRecord | undefined {
      const row = select.get(roomId, userId);
      return row && toRecord(row);
    },
    /** Joined and invited members that are known here, in no order. */
    readPresent(roomId: RoomId): MemberRecord[] {
      return selectPresent.all(roomId).map(toRecord);
    },
    /** How many present members bear exactly this name. */
    countSameName(roomId: RoomId, displayName: string): number {
      return Number(countSameName.get(roomId, displayName)?.["n"] ?? 0);
    },
    put(tx: WriteTx, roomId: RoomId, member: MemberRecord): void {
      upsert.run(tx, roomId, member.userId, member.membership, member.displayName ?? null, member.avatarMxc ?? null);
    },
    clear(tx: WriteTx, roomId: RoomId): void {
      clear.run(tx, roomId);
    },
  };
}
export type MemberTable = ReturnType<typeof openMemberTable>;

function toRecord(row: Row): MemberRecord {
  return {
    userId: row["user_id"] as UserId,
    membership: row["membership"] as Membership,
    displayName: (row["display_name"] as string | null) ?? undefined,
    avatarMxc: (row["avatar_mxc"] as MxcUri | null) ?? undefined,
  };
}
