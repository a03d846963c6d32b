/**
 * Tells why a call of this window is suddenly gone: the engine that held its signalling has ended, and the one that
 * took its place hangs it up. Used by CallSurfaces.
 * Invariant: a call that ended in order, by whomever, is told by its end and never by this.
 */
import { useEffect, useRef } from "react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { callNotices } from "./call-notices.ts";

/** `calls` is the topic; undefined means that nothing is known yet. */
export function useLostCall(accountId: AccountId, calls: readonly CallView[] | undefined): void {
  const text = useText();
  const live = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (!calls) return;
    const present = new Set<string>(calls.map((call) => call.callId));
    const isLost = [...live.current].some((callId) => !present.has(callId));
    live.current = new Set(
      calls.filter((call) => call.isMediaHere && call.state !== "ended").map((call) => call.callId),
    );
    if (isLost) callNotices.show(accountId, text("calls.endEngineLost"));
  }, [accountId, calls, text]);
}
