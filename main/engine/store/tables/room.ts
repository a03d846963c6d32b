/**
 * Table room: one denormalised row for each room that we are or were in. Written by the rooms and timeline
 * steps, read by the list. Invariants: everything that a list row shows is computed when it is written;
 * the preview of an encrypted room is sealed.
 */
import type { MxcUri, RoomId, UserId } from "../../../../preload/contract/ids.ts";
import type { Membership, Preview } from "../../../../preload/contract/views.ts";
import type { Db, Row, WriteTx } from "../driver.ts";
import { contextOf, seal, unsealObject } from "../seal.ts";

export type RoomRecord = {
  roomId: RoomId;
  membership: Membership;
  name: string;
  avatarMxc: MxcUri | undefined;
  topic: string;
  isDirect: boolean;
  directUserId: UserId | undefined;
  isEncrypted: boolean;
  isPublic: boolean;
  joinedCount: number;
  invitedCount: number;
  heroes: UserId[];
  hasAllMembers: boolean;
  isFavourite: boolean;
  isLowPriority: boolean;
  isMuted: boolean;
  inviterUserId: UserId | undefined;
  preview: Preview | undefined;
  activityTs: number | undefined;
  notificationCount: number;
  highlightCount: number;
};

const COLUMNS = `room_id, membership, name, avatar_mxc, topic, is_direct, direct_user_id, is_encrypted, is_public,
  joined_count, invited_count, heroes, has_all_members, is_favourite, is_low_priority, is_muted, inviter_user_id,
  preview, preview_sealed, activity_ts, notification_count, highlight_count`;

export function openRoomTable(db: Db, profileKey: Uint8Array) {
  const select = db.prepare(`SELECT ${COLUMNS} FROM room WHERE room_id = ?`);
  const selectListed = db.prepare(`SELECT ${COLUMNS} FROM room WHERE membership IN ('join', 'invite')`);
  const upsert = db.prepare(
    `INSERT INTO room (${COLUMNS}) VALUES (${Array.from({ length: 22 }, () => "?").join(", ")})
     ON CONFLICT (room_id) DO UPDATE SET membership = excluded.membership, name = excluded.name,
       avatar_mxc = excluded.avatar_mxc, topic = excluded.topic, is_direct = excluded.is_direct,
       direct_user_id = excluded.direct_user_id, is_encrypted = max(is_encrypted, excluded.is_encrypted),
       is_public = excluded.is_public, joined_count = excluded.joined_count, invited_count = excluded.invited_count,
       heroes = excluded.heroes, has_all_members = excluded.has_all_members, is_favourite = excluded.is_favourite,
       is_low_priority = excluded.is_low_priority, is_muted = excluded.is_muted,
       inviter_user_id = excluded.inviter_user_id, preview = excluded.preview,
       preview_sealed = excluded.preview_sealed, activity_ts = excluded.activity_ts,
       notification_count = excluded.notification_count, highlight_count = excluded.highlight_count`,
  );
  const updatePreview = db.prepare(
    "UPDATE room SET preview = ?, preview_sealed = ?, activity_ts = ? WHERE room_id = ?",
  );
  const isEncryptedRoom = db.prepare("SELECT is_encrypted FROM room WHERE room_id = ?");
  const updateCounts = db.prepare("UPDATE room SET notification_count = ?, highlight_count = ? WHERE room_id = ?");
  const updateAllMembers = db.prepare("UPDATE room SET has_all_members = 1 WHERE room_id = ?");
  const countUnread = db.prepare(
    `SELECT count(*) FILTER (WHERE membership = 'join' AND notification_count > 0) AS unread_rooms,
            coalesce(sum(notification_count) FILTER (WHERE membership = 'join'), 0) AS notifications,
            coalesce(sum(highlight_count) FILTER (WHERE membership = 'join'), 0) AS highlights,
            count(*) FILTER (WHERE membership = 'invite') AS invites
     FROM room`,
  );

  /** The preview in the clear, and sealed: one of them at most. What was said encrypted does not lie here readable. */
  const previewColumns = (roomId: RoomId, preview: Preview | undefined, isKnownEncrypted = false) => {
    if (!preview) return [null, null] as const;
    const text = JSON.stringify(preview);
    // Encrypted once is encrypted for ever, whatever the caller knows of the room.
    const isEncrypted = isKnownEncrypted || isEncryptedRoom.get(roomId)?.["is_encrypted"] === 1;
    return isEncrypted ? ([null, seal(profileKey, text, contextOf("room", roomId))] as const) : ([text, null] as const);
  };
  const toRecord = (row: Row): RoomRecord => readRecord(row, profileKey);

  return {
    read(roomId: RoomId): RoomRecord | undefined {
      const row = select.get(roomId);
      return row && toRecord(row);
    },
    /** Rooms that the list shows, in no order. */
    readListed(): RoomRecord[] {
      return selectListed.all().map(toRecord);
    },
    put(tx: WriteTx, room: RoomRecord): void {
      upsert.run(
        tx,
        room.roomId,
        room.membership,
        room.name,
        room.avatarMxc ?? null,
        room.topic,
        Number(room.isDirect),
        room.directUserId ?? null,
        Number(room.isEncrypted),
        Number(room.isPublic),
        room.joinedCount,
        room.invitedCount,
        JSON.stringify(room.heroes),
        Number(room.hasAllMembers),
        Number(room.isFavourite),
        Number(room.isLowPriority),
        Number(room.isMuted),
        room.inviterUserId ?? null,
        ...previewColumns(room.roomId, room.preview, room.isEncrypted),
        room.activityTs ?? null,
        room.notificationCount,
        room.highlightCount,
      );
    },
    setPreview(tx: WriteTx, roomId: RoomId, preview: Preview | undefined, activityTs: number | undefined): void {
      updatePreview.run(tx, ...previewColumns(roomId, preview), activityTs ?? null, roomId);
    },
    setCounts(tx: WriteTx, roomId: RoomId, notificationCount: number, highlightCount: number): void {
      updateCounts.run(tx, notificationCount, highlightCount, roomId);
    },
    setHasAllMembers(tx: WriteTx, roomId: RoomId): void {
      updateAllMembers.run(tx, roomId);
    },
    countUnread(): { unreadRoomCount: number; notificationCount: number; highlightCount: number; inviteCount: number } {
      const row = countUnread.get() ?? {};
      return {
        unreadRoomCount: Number(row["unread_rooms"] ?? 0),
        notificationCount: Number(row["notifications"] ?? 0),
        highlightCount: Number(row["highlights"] ?? 0),
        inviteCount: Number(row["invites"] ?? 0),
      };
    },
  };
}
export type RoomTable = ReturnType<typeof openRoomTable>;

function readRecord(row: Row, profileKey: Uint8Array): RoomRecord {
  return {
    roomId: row["room_id"] as RoomId,
    membership: row["membership"] as Membership,
    name: row["name"] as string,
    avatarMxc: (row["avatar_mxc"] as MxcUri | null) ?? undefined,
    topic: row["topic"] as string,
    isDirect: row["is_direct"] === 1,
    directUserId: (row["direct_user_id"] as UserId | null) ?? undefined,
    isEncrypted: row["is_encrypted"] === 1,
    isPublic: row["is_public"] === 1,
    joinedCount: Number(row["joined_count"]),
    invitedCount: Number(row["invited_count"]),
    heroes: JSON.parse(row["heroes"] as string) as UserId[],
    hasAllMembers: row["has_all_members"] === 1,
    isFavourite: row["is_favourite"] === 1,
    isLowPriority: row["is_low_priority"] === 1,
    isMuted: row["is_muted"] === 1,
    inviterUserId: (row["inviter_user_id"] as UserId | null) ?? undefined,
    preview: readPreview(row, profileKey),
    activityTs: row["activity_ts"] === null ? undefined : Number(row["activity_ts"]),
    notificationCount: Number(row["notification_count"]),
    highlightCount: Number(row["highlight_count"]),
  };
}

/** Undefined where the seal does not open: the next thing said writes another. */
function readPreview(row: Row, profileKey: Uint8Array): Preview | undefined {
  if (typeof row["preview"] === "string") return JSON.parse(row["preview"]) as Preview;
  return unsealObject(profileKey, row["preview_sealed"], contextOf("room", row["room_id"] as RoomId)) as
    | Preview
    | undefined;
}
