/**
 * What a running call needs of the computer: no sleep, no slowed-down window. Watches the calls of every account.
 * Called by index.ts. Invariant: everything is given back when the last call ends, also when the engine is lost.
 */
import { powerSaveBlocker } from "electron";
import type { AccountId } from "../../preload/contract/ids.ts";
import type { CallView } from "../../preload/contract/views.ts";
import type { EngineLink } from "./engine-client.ts";

export type CallsAwakeDeps = {
  engine: EngineLink;
  /** A call rings, is being made, or runs. */
  onCallRuns(runs: boolean): void;
};

/** Keeps the computer awake during calls. */
export function keepAwakeDuringCalls(deps: CallsAwakeDeps): void {
  const watches = new Map<AccountId, { stop: () => void; calls: readonly CallView[] }>();
  let blocker: { id: number; kind: BlockerKind } | undefined;

  const apply = (): void => {
    const running = [...watches.values()].flatMap((watch) => watch.calls).filter((call) => call.state !== "ended");
    deps.onCallRuns(running.length > 0);
    const kind = blockerKind(running);
    if (kind === blocker?.kind) return;
    if (blocker) powerSaveBlocker.stop(blocker.id);
    blocker = kind === undefined ? undefined : { kind, id: powerSaveBlocker.start(kind) };
  };

  deps.engine.watch("accounts", {}, (accounts) => {
    const wanted = new Set(accounts.map((account) => account.accountId));
    for (const [accountId, watch] of watches) {
      if (wanted.has(accountId)) continue;
      watch.stop();
      watches.delete(accountId);
    }
    for (const accountId of wanted) {
      if (watches.has(accountId)) continue;
      const entry = { stop: () => {}, calls: [] as readonly CallView[] };
      watches.set(accountId, entry);
      entry.stop = deps.engine.watch("calls", { accountId }, (calls) => {
        entry.calls = calls;
        apply();
      });
    }
    apply();
  });
}

type BlockerKind = "prevent-display-sleep" | "prevent-app-suspension";

/** A film is watched, a voice is only heard: the screen may go dark for the latter. */
export function blockerKind(calls: readonly Pick<CallView, "state" | "media">[]): BlockerKind | undefined {
  const live = calls.filter((call) => call.state !== "ended" && call.state !== "ringing");
  if (live.length === 0) return undefined;
  return live.some((call) => call.media === "video") ? "prevent-display-sleep" : "prevent-app-suspension";
}
