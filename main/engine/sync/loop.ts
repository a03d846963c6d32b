/**
 * The sync loop: fetches responses and hands each to the pipeline, for ever, until its signal aborts.
 * Started by session. Knows no feature and no endpoint: `fetch` is /sync v2 today, and another protocol
 * brings its own. Invariant: one response at a time; a failure never loses the token; a wait ends early when
 * `wake` is called or the machine has slept.
 */
import { retryPlan, backoffMs, toErrorData, type EngineErrorData } from "../base/errors.ts";
import { sleep, type Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { SyncBody } from "../matrix/sync-body.ts";

export type SyncProgress =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; error: EngineErrorData; retryAtMs: number }
  | { state: "stopped"; error: EngineErrorData };

export type SyncLoopDeps = {
  /** Waits at the server for up to `timeoutMs`; 0 asks for an answer at once. */
  fetch: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<SyncBody>;
  apply: (body: SyncBody) => Promise<void>;
  progress: (progress: SyncProgress) => void;
  clock: Clock;
  log: Logger;
};

const LONG_POLL_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** A heartbeat this late means that the machine slept: the open request is dead, whatever the socket says. */
const SLEPT_MS = 20_000;
/** After this many failures in a row a stored response that cannot be applied is our bug and is shown as such. */
const MAX_APPLY_FAILURES = 5;

export function openSyncLoop(deps: SyncLoopDeps) {
  const { clock, log } = deps;
  let interrupt = new AbortController();

  /** Ends the current wait or request, so that the next one starts now. */
  const wake = () => {
    interrupt.abort();
    interrupt = new AbortController();
  };

  async function run(signal: AbortSignal): Promise<void> {
    const stopHeartbeat = watchSleep(clock, wake);
    signal.addEventListener("abort", wake, { once: true });
    try {
      await loop(signal);
    } finally {
      stopHeartbeat();
      signal.removeEventListener("abort", wake);
    }
  }

  async function loop(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    let applyFailures = 0;
    let isLive = false;
    deps.progress({ state: "connecting" });
    while (!signal.aborted) {
      const woken = interrupt.signal;
      let isApplying = false;
      try {
        const body = await deps.fetch({
          timeoutMs: isLive ? LONG_POLL_MS : 0,
          signal: AbortSignal.any([signal, woken]),
        });
        if (signal.aborted) return;
        isApplying = true;
        await deps.apply(body);
        attempt = 0;
        applyFailures = 0;
        if (!isLive) {
          isLive = true;
          deps.progress({ state: "live" });
        }
      } catch (error) {
        if (signal.aborted) return;
        if (woken.aborted && !isApplying) {
          // Woken on purpose: ask at once, without the long poll, whether the world has changed.
          isLive = false;
          continue;
        }
        const plan = retryPlan(error, attempt);
        if (isApplying && plan.when === "never") {
          applyFailures += 1;
          log.error("sync response could not be applied", error, { applyFailures });
          if (applyFailures >= MAX_APPLY_FAILURES) {
            deps.progress({ state: "stopped", error: toErrorData(error) });
            return;
          }
        } else if (plan.when === "never") {
          log.error("sync stopped", error);
          deps.progress({ state: "stopped", error: toErrorData(error) });
          return;
        }
        const delayMs = plan.when === "after" ? plan.delayMs : backoffMs(attempt);
        attempt += 1;
        isLive = false;
        deps.progress({ state: "waiting", error: toErrorData(error), retryAtMs: clock.now() + delayMs });
        await sleep(clock, delayMs, AbortSignal.any([signal, woken])).catch(() => undefined);
        if (!signal.aborted) deps.progress({ state: "connecting" });
      }
    }
  }

  return { run, wake };
}
export type SyncLoop = ReturnType<typeof openSyncLoop>;

function watchSleep(clock: Clock, onWake: () => void): () => void {
  let last = clock.now();
  let stop = () => {};
  const beat = () => {
    const now = clock.now();
    if (now - last > HEARTBEAT_MS + SLEPT_MS) onWake();
    last = now;
    stop = clock.setTimer(HEARTBEAT_MS, beat);
  };
  stop = clock.setTimer(HEARTBEAT_MS, beat);
  return () => stop();
}
