/**
 * The rules between calls and the computer's power. Used by calls-awake.ts, and by index.ts for the window of calls.
 * Invariant: no Electron here; what hangs up is bounded in time, because a computer that goes to sleep waits for nobody.
 */
import type { CallView } from "../../preload/contract/views.ts";
import { isUnderWay, type WatchedCall } from "./calls-watch.ts";
import type { EngineLink } from "./engine-client.ts";
import type { ShellLog } from "./log.ts";

export type BlockerKind = "prevent-display-sleep" | "prevent-app-suspension";

/** The systems give a program a few seconds at most before they sleep. */
const HANG_UP_TIMEOUT_MS = 2_000;

/** A film is watched, a voice is only heard: the screen may go dark for the latter. */
export function blockerKind(calls: readonly Pick<CallView, "state" | "media">[]): BlockerKind | undefined {
  const live = calls.filter(isUnderWay);
  if (live.length === 0) return undefined;
  return live.some((call) => call.media === "video") ? "prevent-display-sleep" : "prevent-app-suspension";
}

/** Hangs up every call that takes place; what rings may ring on elsewhere. Never rejects. */
export async function hangUpAll(
  calls: readonly WatchedCall[],
  engine: Pick<EngineLink, "call">,
  log: Pick<ShellLog, "error">,
): Promise<void> {
  await Promise.all(
    calls
      .filter(({ call }) => isUnderWay(call))
      .map(({ accountId, call }) =>
        engine
          .call("calls.hangUp", { accountId, callId: call.callId }, { timeoutMs: HANG_UP_TIMEOUT_MS })
          .catch((error: unknown) => log.error("a call was not hung up", error)),
      ),
  );
}
