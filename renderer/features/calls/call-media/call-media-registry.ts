/**
 * CallMediaRegistry: one CallMedia for each call whose media is in this window, for all accounts. Fed with the
 * topic `calls` by use-call-media.ts, read by the views, and the owner of the diagnostics hook.
 * Invariants: a call that leaves the topic, ends, or moves to another window has its media closed; a call gets
 * media only once, so that a call which lost it is never resumed by accident.
 */
import type { CallFact } from "../../../../preload/contract/engine-contract.ts";
import type { AccountId, CallId } from "../../../../preload/contract/ids.ts";
import type { CallView } from "../../../../preload/contract/views.ts";
import { CallMedia } from "./call-media.ts";
import type { CallMediaDeps, CallStats } from "./call-media.ts";

export type RegistryDeps = Omit<CallMediaDeps, "report"> & {
  report: (accountId: AccountId, callId: CallId, fact: CallFact) => Promise<unknown>;
  /** A call cannot go on for want of a device; the words are fit to show. */
  onMediaFailed: (accountId: AccountId, message: string) => void;
};

type Entry = { accountId: AccountId; media: CallMedia };

const NO_STATS: CallStats = { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };

export class CallMediaRegistry {
  readonly #deps: RegistryDeps;
  readonly #entries = new Map<CallId, Entry>();
  readonly #listeners = new Set<() => void>();
  #latest: CallMedia | undefined;

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(callId: CallId | undefined): CallMedia | undefined {
    return callId === undefined ? undefined : this.#entries.get(callId)?.media;
  }

  /** Takes the account's calls as they are now. */
  reconcile(accountId: AccountId, calls: readonly CallView[]): void {
    let hasChanged = false;
    const present = new Map(calls.map((call) => [call.callId, call]));
    for (const [callId, entry] of this.#entries) {
      if (entry.accountId !== accountId || present.has(callId)) continue;
      entry.media.close();
      this.#entries.delete(callId);
      hasChanged = true;
    }
    for (const call of calls) {
      let entry = this.#entries.get(call.callId);
      if (!entry && call.isMediaHere && call.state !== "ended") {
        entry = { accountId, media: this.#open(accountId, call.callId) };
        this.#entries.set(call.callId, entry);
        this.#latest = entry.media;
        hasChanged = true;
      }
      entry?.media.update(call);
    }
    if (hasChanged) for (const listener of this.#listeners) listener();
  }

  /** Figures of the call that runs, or of the last one. */
  stats(): Promise<CallStats> {
    return this.#latest?.stats() ?? Promise.resolve(NO_STATS);
  }

  #open(accountId: AccountId, callId: CallId): CallMedia {
    const { report, onMediaFailed, ...deps } = this.#deps;
    return new CallMedia({
      ...deps,
      report: (fact) => {
        if (fact.fact === "media-failed") onMediaFailed(accountId, fact.message);
        return report(accountId, callId, fact);
      },
    });
  }
}
