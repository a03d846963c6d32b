/**
 * What must be told about a call that never came about, or whose device failed: kept until it is dismissed or
 * old. Written by CallButtons and the media registry, shown by CallSurfaces.
 * Invariant: one notice per account, the last; its snapshot changes identity only with its content.
 */
import type { AccountId } from "../../../preload/contract/ids.ts";

const SHOWN_FOR_MS = 8_000;

export class CallNotices {
  readonly #notices = new Map<AccountId, string>();
  readonly #timers = new Map<AccountId, ReturnType<typeof setTimeout>>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(accountId: AccountId): string | undefined {
    return this.#notices.get(accountId);
  }

  show(accountId: AccountId, message: string): void {
    clearTimeout(this.#timers.get(accountId));
    this.#timers.set(
      accountId,
      setTimeout(() => this.dismiss(accountId), SHOWN_FOR_MS),
    );
    this.#notices.set(accountId, message);
    this.#tell();
  }

  dismiss(accountId: AccountId): void {
    clearTimeout(this.#timers.get(accountId));
    if (this.#notices.delete(accountId)) this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The notices of this page. */
export const callNotices = new CallNotices();
