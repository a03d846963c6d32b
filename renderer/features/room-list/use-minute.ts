/**
 * The present time, renewed each minute, for words like "now" and "Fri". Used by lists that show times.
 * Invariant: one timer for each use, stopped with it.
 */
import { useEffect, useState } from "react";

const MINUTE_MS = 60_000;

/** Milliseconds since the epoch, to the minute. */
export function useMinute(): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
