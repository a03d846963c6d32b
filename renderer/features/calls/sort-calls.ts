/**
 * Which of an account's calls is shown where: the one that runs in this window, those that ring, those whose
 * end is news. Used by CallSurfaces. Pure.
 * Invariant: a call appears in one place at most; one that runs in another window appears nowhere.
 */
import type { CallView } from "../../../preload/contract/views.ts";
import { isEndNews } from "./call-words.ts";

export type SortedCalls = {
  running: CallView | undefined;
  ringing: readonly CallView[];
  ended: readonly CallView[];
};

/** Sorts the calls of the topic by where they are shown; `hidden` holds what the user has put away. */
export function sortCalls(calls: readonly CallView[], hidden: ReadonlySet<string>): SortedCalls {
  const visible = calls.filter((call) => !hidden.has(call.callId));
  const live = visible.filter((call) => call.state !== "ended");
  return {
    running: live.filter((call) => call.isMediaHere).toSorted((a, b) => b.startedAtMs - a.startedAtMs)[0],
    ringing: live.filter((call) => call.state === "ringing" && call.direction === "incoming" && !call.isMediaHere),
    ended: visible.filter((call) => call.state === "ended" && isEndNews(call.endReason)).slice(-2),
  };
}
