/**
 * A timer for views: milliseconds since a moment, renewed with every full second. Used by the views of a call.
 * Invariant: it ticks only while mounted and shown.
 */
import { useEffect, useState } from "react";

/** Milliseconds since `sinceMs`; undefined when there is no such moment. */
export function useElapsed(sinceMs: number | undefined): number | undefined {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (sinceMs === undefined) return;
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      const now = Date.now();
      setNowMs(now);
      timer = setTimeout(tick, 1_000 - ((now - sinceMs) % 1_000) + 5);
    };
    tick();
    return () => clearTimeout(timer);
  }, [sinceMs]);
  return sinceMs === undefined ? undefined : Math.max(0, nowMs - sinceMs);
}
