/**
 * Transaction: its requests, in order, from the first to the commit. Made by IDBDatabase and by the open queue,
 * started by the scheduler.
 *   placed → (turn) operation runs against SQLite → success or error event → next; none left → COMMIT → complete
 * Invariants: it is active only while the task runs that made it, and while one of its events is dispatched, each
 * with their microtasks; nothing is placed at other times. `complete` fires after the commit has returned. Whatever
 * goes wrong, it ends in exactly one of complete and abort, and after an abort the file and the schema are as before.
 * spec: IndexedDB 2.7 "Transactions", 5.4 "Committing", 5.5 "Aborting", 5.6 "Asynchronously executing a request"
 */
import type { Connection } from "./database.ts";
import { exception, StorageFailure } from "./errors.ts";
import { dispatchInTurns, EventNode, TreeEvent } from "./events.ts";
import { Request } from "./request.ts";
import { SchemaSnapshot, type StoreSchema } from "./schema.ts";
import type { Storage } from "./storage.ts";
import { atEndOfTask, enqueueTurn, type Turn } from "./turns.ts";

export type TransactionMode = "readonly" | "readwrite" | "versionchange";
export type Durability = "default" | "strict" | "relaxed";

export type TransactionState = "active" | "inactive" | "committing" | "finished";

type Operation = {
  /** Undefined for what the engine does of itself, as filling a new index. */
  request: Request | undefined;
  /** Whether the request must fire its events; what it throws is its error. */
  run: () => unknown;
  writes: boolean;
};

export class Transaction extends EventNode {
  readonly connection: Connection;
  readonly mode: TransactionMode;
  readonly durability: Durability;
  state: TransactionState = "active";
  /** Why it was aborted; null after abort(). */
  error: DOMException | null = null;
  /** Called when the last event of a versionchange transaction is over. */
  onEnded: ((hasCommitted: boolean) => void) | undefined;

  /** What it shares with others. An upgrade is alone in its database, and shares nothing. */
  readonly scope: ReadonlySet<StoreSchema>;
  readonly #stores: ReadonlyMap<string, StoreSchema> | undefined;
  readonly #snapshot: SchemaSnapshot | undefined;
  /** What each key generator was before this transaction used it. */
  readonly #generators = new Map<StoreSchema, number>();
  #queue: Operation[] = [];
  #isStarted = false;
  #isTurnAsked = false;

  /** Without `stores`, for a versionchange: all of the database, as it becomes. */
  constructor(
    connection: Connection,
    mode: TransactionMode,
    stores: ReadonlyMap<string, StoreSchema> | undefined,
    durability: Durability = "default",
  ) {
    super(connection);
    this.connection = connection;
    this.mode = mode;
    this.durability = durability;
    this.#stores = stores;
    this.scope = new Set(stores?.values());
    if (mode === "versionchange") this.#snapshot = new SchemaSnapshot(connection.database.schema);
    connection.addTransaction(this);
  }

  /** Lets it run as soon as it may, and stay active until the running task ends. */
  schedule(): void {
    this.connection.file.scheduler.add(this);
    atEndOfTask(() => {
      if (this.state !== "active") return;
      this.state = "inactive";
      this.#askTurn();
    });
  }

  get storage(): Storage {
    return this.connection.file.storage;
  }

  get isReadOnly(): boolean {
    return this.mode === "readonly";
  }

  get isFinished(): boolean {
    return this.state === "finished";
  }

  /** By name. */
  get stores(): ReadonlyMap<string, StoreSchema> {
    return this.#stores ?? this.connection.stores;
  }

  /** Called by the scheduler. */
  start(): void {
    this.#isStarted = true;
    this.#askTurn();
  }

  /** Queues what `request` asks for. The caller has made sure that the transaction is active. */
  place(request: Request, run: () => unknown, writes: boolean): void {
    this.#queue.push({ request, run, writes });
    this.#askTurn();
  }

  /** Queues a change that has no request: its failure aborts the transaction. */
  placeUnasked(run: () => void): void {
    this.#queue.push({ request: undefined, run, writes: true });
    this.#askTurn();
  }

  /** Runs `work` with the transaction inactive: a script's getters place no requests while their value is cloned. */
  whileInactive<T>(work: () => T): T {
    this.state = "inactive";
    try {
      return work();
    } finally {
      this.state = "active";
    }
  }

  /** Must be called before a key generator moves on, so that an abort takes it back. */
  keepGenerator(store: StoreSchema): void {
    if (!this.#generators.has(store)) this.#generators.set(store, store.nextKey);
  }

  /** Asks for the commit: what is queued still runs, nothing more may be placed. */
  commit(): void {
    this.state = "committing";
    this.#askTurn();
  }

  /** Undoes everything at once; the events follow. */
  abort(reason: DOMException | null): void {
    if (this.state === "finished") return;
    this.state = "finished";
    this.error = reason;
    const { scheduler } = this.connection.file;
    try {
      scheduler.rollback(this);
    } catch (failure) {
      // SQLite has undone it, or will when the file is opened next; the reason of the abort stands.
      if (!(failure instanceof StorageFailure)) throw failure;
    }
    for (const [store, nextKey] of this.#generators) store.nextKey = nextKey;
    if (this.#snapshot) {
      this.#snapshot.restore();
      this.connection.version = this.connection.database.schema.version;
    }
    const pending = this.#queue.flatMap(({ request }) => request ?? []);
    this.#queue = [];
    for (const request of pending)
      enqueueTurn(() => {
        request.fail(exception("AbortError", "The transaction was aborted."));
        return dispatchInTurns(request, errorEvent(), () => undefined);
      });
    enqueueTurn(() => {
      this.#leave();
      return dispatchInTurns(this, new TreeEvent("abort", { bubbles: true }), () => this.#end(false));
    });
  }

  #askTurn(): void {
    if (!this.#isStarted || this.#isTurnAsked || this.state === "finished") return;
    this.#isTurnAsked = true;
    enqueueTurn(() => {
      this.#isTurnAsked = false;
      return this.#goOn();
    });
  }

  /** Runs the first operation and fires its event, or commits where there is nothing left to wait for. */
  #goOn(): Turn | undefined {
    if (this.state === "finished") return undefined;
    const operation = this.#queue[0];
    // Still active: its task is not over, and may place more.
    if (!operation) return this.state === "active" ? undefined : this.#commitNow();
    const outcome = this.#run(operation);
    if (outcome === "waits for the writer") return undefined;
    this.#queue.shift();
    const { request } = operation;
    if (!request) {
      if ("error" in outcome) this.abort(outcome.error);
      else this.#askTurn();
      return undefined;
    }
    if ("result" in outcome) return this.#fireSuccess(request, outcome.result);
    if (outcome.isFatal || this.state === "committing") {
      this.#queue.unshift(operation);
      this.abort(outcome.error);
      return undefined;
    }
    return this.#fireError(request, outcome.error);
  }

  #run({
    run,
    writes,
  }: Operation): { result: unknown } | { error: DOMException; isFatal: boolean } | "waits for the writer" {
    try {
      if (writes && !this.connection.file.scheduler.claimWriter(this, this.scope, () => this.#askTurn()))
        return "waits for the writer";
      return { result: run() };
    } catch (error) {
      if (error instanceof StorageFailure) return { error: error.reason, isFatal: true };
      if (error instanceof DOMException) return { error, isFatal: false };
      return { error: exception("UnknownError", `A record could not be read: ${String(error)}`), isFatal: true };
    }
  }

  #fireSuccess(request: Request, result: unknown): Turn | undefined {
    request.succeed(result);
    if (this.state === "inactive") this.state = "active";
    return dispatchInTurns(request, new TreeEvent("success"), ({ hasThrown }) => {
      if (this.state === "active") {
        this.state = "inactive";
        if (hasThrown) this.abort(listenerThrew());
      }
      return this.#afterEvent();
    });
  }

  #fireError(request: Request, error: DOMException): Turn | undefined {
    request.fail(error);
    if (this.state === "inactive") this.state = "active";
    return dispatchInTurns(request, errorEvent(), ({ hasThrown, isCanceled }) => {
      if (this.state === "active") {
        this.state = "inactive";
        if (hasThrown) this.abort(listenerThrew());
        else if (!isCanceled) this.abort(error);
      }
      return this.#afterEvent();
    });
  }

  #afterEvent(): Turn | undefined {
    if (this.state === "finished") return undefined;
    if (this.#queue.length === 0) return this.#commitNow();
    this.#askTurn();
    return undefined;
  }

  #commitNow(): Turn | undefined {
    this.state = "committing";
    const { scheduler } = this.connection.file;
    try {
      if (scheduler.isWriter(this)) {
        for (const [store] of this.#generators) if (!store.isDeleted) this.storage.writeNextKey(store);
        scheduler.commit(this);
      }
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      this.abort(error.reason);
      return undefined;
    }
    this.state = "finished";
    this.#leave();
    return dispatchInTurns(this, new TreeEvent("complete"), () => this.#end(true));
  }

  /** Lets others run. */
  #leave(): void {
    if (this.mode === "versionchange") this.connection.upgrade = undefined;
    this.connection.file.scheduler.remove(this);
  }

  #end(hasCommitted: boolean): undefined {
    this.connection.removeTransaction(this);
    this.onEnded?.(hasCommitted);
  }
}

function errorEvent(): TreeEvent {
  return new TreeEvent("error", { bubbles: true, cancelable: true });
}

function listenerThrew(): DOMException {
  return exception("AbortError", "A listener threw an exception.");
}
