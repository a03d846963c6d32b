/**
 * How long a moment is away, for views: renewed each second. Used by VerificationView.
 * Invariant: it ticks only while mounted and while there is time left; never negative.
 */
import { useEffect, useState } from "react";

/** Milliseconds until `untilMs`, in whole seconds; undefined without such a moment. */
export function useTimeLeft(untilMs: number | undefined): number | undefined {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    if (untilMs === undefined) return;
    const tick = () => {
      const now = Date.now();
      setNowMs(now);
      if (now >= untilMs) clearInterval(timer);
    };
    const timer = setInterval(tick, 1_000);
    tick();
    return () => clearInterval(timer);
  }, [untilMs]);
  return untilMs === undefined ? undefined : Math.max(0, Math.ceil((untilMs - nowMs) / 1_000) * 1_000);
}
