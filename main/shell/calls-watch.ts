/**
 * The calls of every account, as the engine tells them. Opened once by index.ts; the awake rule, the small window of a
 * ringing call, sharing the screen and the suspend rule read it.
 * Invariant: what it gives is in step with the engine; when the engine is lost there are no calls, because a dead
 * engine holds none.
 */
import type { AccountId } from "../../preload/contract/ids.ts";
import type { CallView } from "../../preload/contract/views.ts";
import type { EngineLink } from "./engine-client.ts";

export type WatchedCall = { accountId: AccountId; call: CallView };

export interface CallsWatch {
  current(): readonly WatchedCall[];
  /** Tells every change, and first what is; the returned function stops it. */
  onChange(listener: (calls: readonly WatchedCall[]) => void): () => void;
}

/** Whether the call takes place: it is being made, or runs. A call that only rings here does not. */
export const isUnderWay = ({ state }: Pick<CallView, "state">): boolean => state !== "ended" && state !== "ringing";

/** Watches for as long as the app runs. */
export function openCallsWatch(engine: Pick<EngineLink, "watch" | "onLost">): CallsWatch {
  const accounts = new Map<AccountId, { stop: () => void; calls: readonly CallView[] }>();
  const listeners = new Set<(calls: readonly WatchedCall[]) => void>();
  let current: readonly WatchedCall[] = [];
  const tell = (): void => {
    current = [...accounts].flatMap(([accountId, { calls }]) => calls.map((call) => ({ accountId, call })));
    for (const listener of listeners) listener(current);
  };
  engine.watch("accounts", {}, (rows) => {
    const wanted = new Set(rows.map((row) => row.accountId));
    for (const [accountId, entry] of accounts) {
      if (wanted.has(accountId)) continue;
      entry.stop();
      accounts.delete(accountId);
    }
    for (const accountId of wanted) {
      if (accounts.has(accountId)) continue;
      const entry = { stop: () => {}, calls: [] as readonly CallView[] };
      accounts.set(accountId, entry);
      entry.stop = engine.watch("calls", { accountId }, (calls) => {
        entry.calls = calls;
        tell();
      });
    }
    tell();
  });
  engine.onLost(() => {
    for (const entry of accounts.values()) entry.calls = [];
    tell();
  });
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      listener(current);
      return () => listeners.delete(listener);
    },
  };
}
