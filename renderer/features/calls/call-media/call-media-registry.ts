/**
 * CallMediaRegistry: one CallMedia for each call whose media is in this window, for all accounts, and the answer made
 * ready for a call that rings. Fed with the topic `calls` by use-call-media.ts, read by the views, and the owner of the
 * diagnostics hook.
 * Invariants: a call that leaves the topic, ends, rings, or moves to another window has its media closed; an answer
 * gets media only once, so that a call which lost it is never resumed by accident; one answer at a time is made ready,
 * and only in a window that holds calls, for a call that rings aloud while none runs here.
 */
import type { CallFact, GivenAnswer } from "../../../../preload/contract/engine-contract.ts";
import type { AccountId, CallId } from "../../../../preload/contract/ids.ts";
import type { CallView, DesiredMedia } from "../../../../preload/contract/views.ts";
import { CallMedia } from "./call-media.ts";
import type { CallMediaDeps, CallStats } from "./call-media.ts";
import { PreparedAnswer } from "./prepared-answer.ts";

export type RegistryDeps = Omit<CallMediaDeps, "report" | "prepared"> & {
  report: (accountId: AccountId, callId: CallId, fact: CallFact) => Promise<unknown>;
  /** What the media of a call that rings would begin with. */
  prepare: (accountId: AccountId, callId: CallId) => Promise<DesiredMedia | undefined>;
  /** Whether this is the window of calls. Where there is none, a window that has held a call will hold the next. */
  isCallsWindow: boolean;
  /** A call cannot go on for want of a device; the words are fit to show. */
  onMediaFailed: (accountId: AccountId, message: string) => void;
};

type Entry = { accountId: AccountId; media: CallMedia };
/** `answer` is missing until the engine has said what is wanted, and where it could not be made. */
type Preparation = { accountId: AccountId; callId: CallId; answer?: PreparedAnswer | undefined };

const NO_STATS: CallStats = { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };

export class CallMediaRegistry {
  readonly #deps: RegistryDeps;
  readonly #entries = new Map<CallId, Entry>();
  readonly #listeners = new Set<() => void>();
  #latest: CallMedia | undefined;
  #preparation: Preparation | undefined;

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

  /** What was made ready for the answer to this call, to be given to the engine with it. */
  givePrepared(callId: CallId, media: CallView["media"]): GivenAnswer | undefined {
    return this.#preparation?.callId === callId ? this.#preparation.answer?.give(media) : undefined;
  }

  /** Takes the account's calls as they are now. */
  reconcile(accountId: AccountId, calls: readonly CallView[]): void {
    let hasChanged = false;
    // A call rings again where its answer could not be sent; the next answer begins anew.
    const kept = new Set(calls.filter(({ state }) => state !== "ringing").map(({ callId }) => callId));
    for (const [callId, entry] of this.#entries) {
      if (entry.accountId !== accountId || kept.has(callId)) continue;
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
    this.#prepare(accountId, calls);
    if (hasChanged) for (const listener of this.#listeners) listener();
  }

  /** Figures of the call that runs, or of the last one. */
  stats(): Promise<CallStats> {
    return this.#latest?.stats() ?? Promise.resolve(NO_STATS);
  }

  /** Makes the answer to a call of the account ready, and drops what was ready for one that rings no more. */
  #prepare(accountId: AccountId, calls: readonly CallView[]): void {
    const isCalling = calls.some(({ isMediaHere, state }) => isMediaHere && state !== "ended");
    const ringing = calls.find(({ state, isAudible }) => state === "ringing" && isAudible);
    const wanted = isCalling ? undefined : ringing?.callId;
    const before = this.#preparation;
    if (before && (before.accountId !== accountId || before.callId === wanted)) return;
    before?.answer?.close();
    this.#preparation = undefined;
    if (wanted === undefined || !(this.#deps.isCallsWindow || this.#latest)) return;
    const preparation: Preparation = { accountId, callId: wanted };
    this.#preparation = preparation;
    const open = (desired: DesiredMedia | undefined): void => {
      if (desired && this.#preparation === preparation) preparation.answer = PreparedAnswer.open(desired, this.#deps);
    };
    // Without it the call is answered all the same.
    this.#deps
      .prepare(accountId, wanted)
      .then(open)
      .catch(() => {});
  }

  #takePrepared(callId: CallId): PreparedAnswer | undefined {
    if (this.#preparation?.callId !== callId) return undefined;
    const { answer } = this.#preparation;
    this.#preparation = undefined;
    return answer;
  }

  #open(accountId: AccountId, callId: CallId): CallMedia {
    const { report, prepare: _prepare, isCallsWindow: _isCallsWindow, onMediaFailed, ...deps } = this.#deps;
    return new CallMedia({
      ...deps,
      prepared: this.#takePrepared(callId),
      report: (fact) => {
        if (fact.fact === "media-failed") onMediaFailed(accountId, fact.message);
        return report(accountId, callId, fact);
      },
    });
  }
}
