/**
 * Scheduler: which transactions of a file run when. Used by transactions.
 *   - A transaction starts when no earlier one that is alive shares an object store with it, unless both only read.
 *   - Of those that run, one at a time writes: it claims the writer before its first write, for as long as it lives.
 * Invariant: no deadlock. Object stores are claimed all at once and in order; who holds the writer waits for nothing.
 * A reader never sees what is not committed: it shares no object store with the one who writes. A commit may lag only
 * where its transaction writes to object stores that may, and to no other.
 * spec: IndexedDB 2.7.2 "Transaction scheduling"
 */
import type { StoreSchema } from "./schema.ts";
import type { Storage } from "./storage.ts";

export interface Scheduled {
  readonly isReadOnly: boolean;
  readonly scope: ReadonlySet<StoreSchema>;
  /** Called once, when it may run. */
  start(): void;
}

export class Scheduler {
  readonly #storage: Storage;
  /**
   * In order of creation. An array, as it is short: a Map that lives long while its entries come and go keeps V8's
   * young generation from being freed.
   */
  readonly #alive: Scheduled[] = [];
  readonly #waiting = new Set<Scheduled>();
  #writer: object | undefined;
  #waitingWriters: (() => void)[] = [];
  /** Names of object stores, once for each piece of work that lets them lag. */
  readonly #mayLag: string[] = [];

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  add(transaction: Scheduled): void {
    const isFree = !this.#alive.some((other) => isConflict(transaction, other));
    this.#alive.push(transaction);
    if (isFree) transaction.start();
    else this.#waiting.add(transaction);
  }

  remove(transaction: Scheduled): void {
    const at = this.#alive.indexOf(transaction);
    if (at < 0) return;
    this.#alive.splice(at, 1);
    this.#waiting.delete(transaction);
    if (this.#waiting.size > 0) this.#startTheFree();
  }

  #startTheFree(): void {
    const earlier: Scheduled[] = [];
    for (const transaction of [...this.#alive]) {
      if (this.#waiting.has(transaction) && !earlier.some((other) => isConflict(transaction, other))) {
        this.#waiting.delete(transaction);
        transaction.start();
      }
      earlier.push(transaction);
    }
  }

  /**
   * Whether `owner`, which writes to the object stores of `scope`, may write now. Where it may not yet, `whenFree` is
   * called once it should ask again.
   */
  claimWriter(owner: object, scope: ReadonlySet<StoreSchema>, whenFree: () => void): boolean {
    if (this.#writer === owner) return true;
    if (this.#writer) {
      this.#waitingWriters.push(whenFree);
      return false;
    }
    // Without a scope, as in upgrades, anything may be written.
    this.#storage.begin(scope.size > 0 && [...scope].every(({ name }) => this.#mayLag.includes(name)));
    this.#writer = owner;
    return true;
  }

  /**
   * Runs `work`. What it commits to the object stores of these names alone is on the disk when this has resolved, with
   * one sync for all of it; anything else as ever when it is complete. Rejects where that sync fails.
   */
  async syncOnce<T>(storeNames: readonly string[], work: () => Promise<T>): Promise<T> {
    this.#mayLag.push(...storeNames);
    let result: T;
    try {
      result = await work();
    } finally {
      for (const name of storeNames) this.#mayLag.splice(this.#mayLag.indexOf(name), 1);
    }
    await this.#sync();
    return result;
  }

  #sync(): Promise<void> {
    const owner = {};
    return new Promise((resolve, reject) => {
      const tryNow = () => {
        try {
          if (this.#storage.lags) {
            if (!this.claimWriter(owner, new Set(), tryNow)) return;
            this.commit(owner);
          }
          resolve();
        } catch (error) {
          this.rollback(owner);
          reject(error);
        }
      };
      tryNow();
    });
  }

  isWriter(owner: object): boolean {
    return this.#writer === owner;
  }

  /** Ends the writing of `owner`: what it wrote is on the disk when this returns, or not at all and it throws. */
  commit(owner: object): void {
    if (this.#writer !== owner) return;
    try {
      this.#storage.commit();
    } finally {
      this.#release();
    }
  }

  rollback(owner: object): void {
    if (this.#writer !== owner) return;
    try {
      this.#storage.rollback();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    this.#writer = undefined;
    const waiting = this.#waitingWriters;
    this.#waitingWriters = [];
    for (const whenFree of waiting) whenFree();
  }
}

function isConflict(first: Scheduled, second: Scheduled): boolean {
  if (first.isReadOnly && second.isReadOnly) return false;
  const [small, large] =
    first.scope.size < second.scope.size ? [first.scope, second.scope] : [second.scope, first.scope];
  for (const store of small) if (large.has(store)) return true;
  return false;
}
