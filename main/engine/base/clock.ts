/**
 * Clock: the one source of time, so that tests can move it. Passed to whatever waits or stamps.
 * Invariant: `sleep` rejects with the signal's reason when aborted and leaves no timer behind.
 */
export interface Clock {
  /** Milliseconds since the epoch; may jump with the system clock. */
  now(): number;
  /** Milliseconds that only ever grow; for measuring. */
  monotonic(): number;
  setTimer(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

/** Waits, unless the signal aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = () => {
      stop();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
