/**
 * Table call: every call that rang here or was placed here. Written by the call service; it is the call log,
 * and tells after a restart which calls were running. Invariants: `invite` is there only while the call rings;
 * it is sealed, since it may have come encrypted.
 */
import type { CallId, EventId, RoomId, UserId } from "../../../../preload/contract/ids.ts";
import type { CallEndReason, CallView } from "../../../../preload/contract/views.ts";
import type { JsonObject } from "../../matrix/json.ts";
import type { Db, Row, WriteTx } from "../driver.ts";
import { contextOf, seal, unsealObject } from "../seal.ts";

export type CallRow = {
  roomId: RoomId;
  callId: CallId;
  direction: CallView["direction"];
  media: CallView["media"];
  peerUserId: UserId;
  state: CallView["state"];
  ownPartyId: string;
  inviteEventId: EventId | undefined;
  /** Of a ringing call: its invite, so that it rings again if the app was restarted in between. */
  invite: StoredInvite | undefined;
  /** Our clock's time at which the call was placed, here or elsewhere. */
  startedAtMs: number;
  connectedAtMs: number | undefined;
  endedAtMs: number | undefined;
  endReason: CallEndReason | undefined;
};

/** An invite as it came. Its age is counted from the row's `startedAtMs`. */
export type StoredInvite = { content: JsonObject; originServerTs: number };

const COLUMNS =
  "room_id, call_id, direction, media, peer_user_id, state, own_party_id, invite_event_id, invite_sealed, started_at, connected_at, ended_at, end_reason";

export function openCallTable(db: Db, profileKey: Uint8Array) {
  const replace = db.prepare(`INSERT OR REPLACE INTO call (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const one = db.prepare(`SELECT ${COLUMNS} FROM call WHERE room_id = ? AND call_id = ?`);
  const live = db.prepare(`SELECT ${COLUMNS} FROM call WHERE state <> 'ended' ORDER BY started_at`);

  const ended = db.prepare(`SELECT ${COLUMNS} FROM call WHERE state = 'ended' ORDER BY started_at DESC LIMIT ?`);
  const missed = db.prepare(
    "SELECT count(*) AS count FROM call WHERE direction = 'incoming' AND end_reason = 'missed' AND started_at > ?",
  );

  const toCallRow = (row: Row): CallRow => readCallRow(row, profileKey);

  return {
    put(tx: WriteTx, row: CallRow): void {
      replace.run(
        tx,
        row.roomId,
        row.callId,
        row.direction,
        row.media,
        row.peerUserId,
        row.state,
        row.ownPartyId,
        row.inviteEventId ?? null,
        row.invite ? seal(profileKey, JSON.stringify(row.invite), contextOf("call", row.roomId, row.callId)) : null,
        row.startedAtMs,
        row.connectedAtMs ?? null,
        row.endedAtMs ?? null,
        row.endReason ?? null,
      );
    },
    read(roomId: RoomId, callId: CallId): CallRow | undefined {
      const row = one.get(roomId, callId);
      return row && toCallRow(row);
    },
    /** Calls that had not ended when they were written last. */
    readLive: (): CallRow[] => live.all().map(toCallRow),
    /** The newest first. */
    readEnded: (limit: number): CallRow[] => ended.all(limit).map(toCallRow),
    countMissedSince: (sinceMs: number): number => Number(missed.get(sinceMs)?.["count"] ?? 0),
  };
}
export type CallTable = ReturnType<typeof openCallTable>;

function readCallRow(row: Row, profileKey: Uint8Array): CallRow {
  const context = contextOf("call", row["room_id"] as RoomId, row["call_id"] as CallId);
  return {
    roomId: row["room_id"] as RoomId,
    callId: row["call_id"] as CallId,
    direction: row["direction"] as CallRow["direction"],
    media: row["media"] as CallRow["media"],
    peerUserId: row["peer_user_id"] as UserId,
    state: row["state"] as CallRow["state"],
    ownPartyId: row["own_party_id"] as string,
    inviteEventId: (row["invite_event_id"] as EventId | null) ?? undefined,
    invite: unsealObject(profileKey, row["invite_sealed"], context) as StoredInvite | undefined,
    startedAtMs: Number(row["started_at"]),
    connectedAtMs: row["connected_at"] === null ? undefined : Number(row["connected_at"]),
    endedAtMs: row["ended_at"] === null ? undefined : Number(row["ended_at"]),
    endReason: (row["end_reason"] as CallEndReason | null) ?? undefined,
  };
}
