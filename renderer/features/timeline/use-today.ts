/**
 * The current day, for lines that say "Today" and "Yesterday". Used by TimelineList.
 * Invariant: changes once a day, at local midnight, also after the machine slept over it.
 */
import { useEffect, useState } from "react";

/** A day is checked this often rather than timed: a timer of hours does not count the machine's sleep. */
const CHECK_INTERVAL_MS = 60_000;

function startOfToday(): number {
  return new Date().setHours(0, 0, 0, 0);
}

/** The first moment of the current local day. */
export function useToday(): number {
  const [todayMs, setTodayMs] = useState(startOfToday);
  useEffect(() => {
    const timer = setInterval(() => setTodayMs(startOfToday()), CHECK_INTERVAL_MS);
    return () => clearInterval(timer);
  }, []);
  return todayMs;
}
