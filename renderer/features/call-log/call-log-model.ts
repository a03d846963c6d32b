/**
 * What the list of calls shows: which calls, under which day, and in which words. Pure; used by CallLogView.
 * Invariants: the order is the topic's, the newest first; a day has one heading; a call that has no words of its own
 * end is told by its direction and kind.
 */
import type { CallLogRow } from "../../../preload/contract/views.ts";
import { formatDay } from "../../text/format.ts";

export type CallLogFilter = "all" | "missed";
export type CallLogEntry =
  | { kind: "day"; key: string; label: string }
  | { kind: "call"; key: string; call: CallLogRow };

/** Somebody called, and nobody took it. */
export const isMissed = (call: CallLogRow): boolean => call.outcome === "missed" && call.direction === "incoming";

/** The calls with a heading before the first of each day. */
export function callLogEntries(calls: readonly CallLogRow[], filter: CallLogFilter, nowMs: number): CallLogEntry[] {
  const entries: CallLogEntry[] = [];
  let day: string | undefined;
  for (const call of calls) {
    if (filter === "missed" && !isMissed(call)) continue;
    const label = formatDay(call.startedAtMs, nowMs);
    if (label !== day) entries.push({ kind: "day", key: `day ${label}`, label });
    day = label;
    entries.push({ kind: "call", key: call.key, call });
  }
  return entries;
}

/** What kind of call it was. */
export function callWords(call: CallLogRow) {
  const isVideo = call.media === "video";
  if (isMissed(call)) return isVideo ? ("callLog.missedVideo" as const) : ("callLog.missedVoice" as const);
  if (call.direction === "incoming")
    return isVideo ? ("callLog.incomingVideo" as const) : ("callLog.incomingVoice" as const);
  return isVideo ? ("callLog.outgoingVideo" as const) : ("callLog.outgoingVoice" as const);
}

/** How it ended, where that is not plain from a duration or from being missed. */
export function outcomeWords(call: CallLogRow) {
  switch (call.outcome) {
    case "declined":
      return "callLog.declined" as const;
    case "elsewhere":
      return "callLog.elsewhere" as const;
    case "failed":
      return "callLog.failed" as const;
    case "cancelled":
      return "callLog.cancelled" as const;
    case "missed":
      return isMissed(call) ? undefined : ("callLog.unanswered" as const);
    case "ringing":
    case "running":
    case "ended":
      return undefined;
  }
}
