/**
 * What a call needs of the computer: no sleep and no slowed-down window while it runs, and a hangup when the computer
 * is put to sleep all the same. Called by index.ts.
 * Invariant: everything is given back when the last call ends, also when the engine is lost.
 */
import { powerMonitor, powerSaveBlocker } from "electron";
import type { CallsWatch } from "./calls-watch.ts";
import { blockerKind, hangUpAll, type BlockerKind } from "./calls-power.ts";
import type { EngineLink } from "./engine-client.ts";
import type { ShellLog } from "./log.ts";

export type CallsAwakeDeps = {
  calls: CallsWatch;
  engine: EngineLink;
  log: ShellLog;
  /** A call rings, is being made, or runs. */
  onCallRuns(runs: boolean): void;
};

/** Keeps the computer awake during calls. */
export function keepAwakeDuringCalls(deps: CallsAwakeDeps): void {
  let blocker: { id: number; kind: BlockerKind } | undefined;
  deps.calls.onChange((watched) => {
    const calls = watched.map(({ call }) => call);
    deps.onCallRuns(calls.some((call) => call.state !== "ended"));
    const kind = blockerKind(calls);
    if (kind === blocker?.kind) return;
    if (blocker) powerSaveBlocker.stop(blocker.id);
    blocker = kind === undefined ? undefined : { kind, id: powerSaveBlocker.start(kind) };
  });
  // Nothing is resumed afterwards: the other side has long hung up, or called again.
  powerMonitor.on("suspend", () => void hangUpAll(deps.calls.current(), deps.engine, deps.log));
}
