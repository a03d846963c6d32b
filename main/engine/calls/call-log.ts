/**
 * CallLog: the calls that ended, as topic `callLog` shows them, and how many of them were missed since the user looked
 * last. Opened by session, over the table that the call service writes. Invariant: a call is in it once, by its id,
 * and tells the same as its tile in the timeline as far as both know it.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { MAX_CALL_LOG, type CallLogRow, type CallEndReason, type Person } from "../../../preload/contract/views.ts";
import type { Clock } from "../base/clock.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { CallRow } from "../store/tables/call.ts";

const SEEN = "calls.log-seen";

export type CallLogDeps = {
  store: AccountStore;
  clock: Clock;
  nameOf: (roomId: RoomId) => string;
  personOf: (roomId: RoomId, userId: UserId) => Person;
  changed: () => void;
};

export function openCallLog({ store, clock, nameOf, personOf, changed }: CallLogDeps) {
  let seenUntilMs: number | undefined;

  function seenUntil(): number {
    const stored = store.settings.read(SEEN)?.["untilMs"];
    seenUntilMs ??= typeof stored === "number" ? stored : 0;
    return seenUntilMs;
  }

  const isMissed = (row: CallRow): boolean => row.direction === "incoming" && row.endReason === "missed";

  const toLogRow = (row: CallRow): CallLogRow => ({
    key: row.callId,
    callId: row.callId,
    roomId: row.roomId,
    roomName: nameOf(row.roomId),
    peer: personOf(row.roomId, row.peerUserId),
    direction: row.direction,
    media: row.media,
    outcome: outcomeOf(row.endReason, row.connectedAtMs !== undefined),
    startedAtMs: row.startedAtMs,
    ...durationOf(row),
    isNew: isMissed(row) && row.startedAtMs > seenUntil(),
  });

  return {
    read: (): CallLogRow[] => store.calls.readEnded(MAX_CALL_LOG).map(toLogRow),
    countNew: (): number => store.calls.countMissedSince(seenUntil()),
    markSeen(): void {
      if (store.calls.countMissedSince(seenUntil()) === 0) return;
      const untilMs = clock.now();
      store.write((tx) => store.settings.put(tx, SEEN, { untilMs }));
      seenUntilMs = untilMs;
      changed();
    },
  };
}
export type CallLog = ReturnType<typeof openCallLog>;

/** Our clock may have been set back between the two. */
function durationOf({ connectedAtMs, endedAtMs }: CallRow): { durationMs?: number } {
  if (connectedAtMs === undefined || endedAtMs === undefined || endedAtMs < connectedAtMs) return {};
  return { durationMs: endedAtMs - connectedAtMs };
}

function outcomeOf(reason: CallEndReason | undefined, hasConnected: boolean): CallLogRow["outcome"] {
  switch (reason) {
    case "missed":
      return "missed";
    case "declined":
    case "remote-declined":
    case "user-busy":
      return "declined";
    case "answered-elsewhere":
    case "declined-elsewhere":
      return "elsewhere";
    case "invite-timeout":
      return "cancelled";
    case "ice-failed":
    case "user-media-failed":
      return "failed";
    case "user-hangup":
    case "remote-hangup":
    case "remote-left":
      return hasConnected ? "ended" : "cancelled";
    case "ice-timeout":
    case "unknown-error":
    case undefined:
      return hasConnected ? "ended" : "failed";
  }
}
