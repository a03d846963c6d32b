/**
 * Which of an account's calls is shown where: the one that is talked on in this window, those that wait on hold beside
 * it, the one that another window holds, those that ring, those whose end is news. Used by CallSurfaces. Pure.
 * Invariant: a call appears in one place at most, also of all windows but for its ringing and a line that leads to it.
 */
import type { CallView } from "../../../preload/contract/views.ts";
import { isEndNews } from "./call-words.ts";

export type SortedCalls = {
  running: CallView | undefined;
  /** Other calls of this window, the newest first. */
  waiting: readonly CallView[];
  /** The call that another window holds; of several the one that is talked on. */
  elsewhere: CallView | undefined;
  ringing: readonly CallView[];
  ended: readonly CallView[];
};

/** A call that this computer is in. */
export const isTakingPlace = (call: CallView): boolean => call.state !== "ringing" && call.state !== "ended";

/** Sorts the calls of the topic by where they are shown; `hidden` holds what the user has put away. */
export function sortCalls(
  calls: readonly CallView[],
  hidden: ReadonlySet<string>,
  /** The call that was shown last stays in sight while no other is talked on. */
  shownCallId?: string,
): SortedCalls {
  const visible = calls.filter((call) => !hidden.has(call.callId));
  const live = visible.filter((call) => call.state !== "ended");
  const rank = (call: CallView) => (call.isOnHold ? 0 : 2) + (call.callId === shownCallId ? 1 : 0);
  const byRank = (a: CallView, b: CallView) => rank(b) - rank(a) || b.startedAtMs - a.startedAtMs;
  const [running, ...waiting] = live.filter((call) => call.isMediaHere).toSorted(byRank);
  const [elsewhere] = live.filter((call) => !call.isMediaHere && isTakingPlace(call)).toSorted(byRank);
  return {
    running,
    waiting,
    elsewhere,
    ringing: live.filter((call) => call.state === "ringing" && call.direction === "incoming" && !call.isMediaHere),
    ended: visible.filter((call) => call.state === "ended" && isEndNews(call.endReason)).slice(-2),
  };
}
