/**
 * Remembers which window held a call, so that its end is told in one of them. Used by CallSurfaces.
 * Invariant: a call that nobody held, such as a missed one, has no holder; what left the topic is forgotten.
 */
import { useState } from "react";
import type { CallId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { isTakingPlace } from "./sort-calls.ts";

export type CallHolders = ReadonlyMap<CallId, "here" | "elsewhere">;

/** The holders after the topic has changed; the same object where nothing did. */
export function withCalls(holders: CallHolders, calls: readonly CallView[]): CallHolders {
  const next = new Map<CallId, "here" | "elsewhere">();
  for (const call of calls) {
    const now = isTakingPlace(call) ? (call.isMediaHere ? "here" : "elsewhere") : holders.get(call.callId);
    if (now) next.set(call.callId, now);
  }
  const isSame = next.size === holders.size && [...next].every(([callId, holder]) => holders.get(callId) === holder);
  return isSame ? holders : next;
}

/** Who holds, or held, each call of the topic. */
export function useCallHolders(calls: readonly CallView[]): CallHolders {
  const [holders, setHolders] = useState<CallHolders>(new Map());
  const next = withCalls(holders, calls);
  if (next !== holders) setHolders(next);
  return next;
}
