/**
 * Database and Connection: one database by name, and each script's door to it. Made by the open queue, used by
 * transactions. DatabaseFile is what all databases of a file share.
 * Invariant: a connection is closed when it was asked to close and its last transaction has finished; whoever waits
 * for a database to have no connections learns it then.
 * spec: IndexedDB 2.1 "Database", 2.1.1 "Database connection"
 */
import { EventNode } from "./events.ts";
import type { DatabaseSchema, StoreSchema } from "./schema.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Storage } from "./storage.ts";

export type DatabaseFile = { readonly storage: Storage; readonly scheduler: Scheduler; isClosed: boolean };

export type Database = {
  readonly file: DatabaseFile;
  readonly schema: DatabaseSchema;
  /** Those that are not closed. */
  readonly connections: Set<Connection>;
  /** Called when a connection closes. */
  onConnectionClosed: () => void;
};

/** What a connection knows of its transactions. */
export interface ConnectionTransaction {
  abort(reason: DOMException | null): void;
}

export class Connection extends EventNode {
  readonly database: Database;
  /** Stays what it was when the connection closed, or when its upgrade aborted. */
  version: number;
  isClosePending = false;
  /** The one that changes the schema, while it lives. */
  upgrade: ConnectionTransaction | undefined;
  /** An array for the reason that the scheduler's is one. */
  readonly #transactions: ConnectionTransaction[] = [];
  #storesAtClose: ReadonlyMap<string, StoreSchema> | undefined;

  constructor(database: Database, version: number) {
    super(undefined);
    this.database = database;
    this.version = version;
    database.connections.add(this);
  }

  get file(): DatabaseFile {
    return this.database.file;
  }

  /** By name, as this connection sees them. */
  get stores(): ReadonlyMap<string, StoreSchema> {
    return this.#storesAtClose ?? this.database.schema.stores;
  }

  addTransaction(transaction: ConnectionTransaction): void {
    this.#transactions.push(transaction);
  }

  removeTransaction(transaction: ConnectionTransaction): void {
    const at = this.#transactions.indexOf(transaction);
    if (at >= 0) this.#transactions.splice(at, 1);
    this.#closeWhenIdle();
  }

  close(): void {
    if (this.isClosePending) return;
    this.isClosePending = true;
    this.#closeWhenIdle();
  }

  /** Closes without waiting: what runs is aborted. */
  forceClose(reason: DOMException): void {
    this.isClosePending = true;
    for (const transaction of [...this.#transactions]) transaction.abort(reason);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.isClosePending || this.#transactions.length > 0) return;
    if (!this.database.connections.delete(this)) return;
    this.#storesAtClose = new Map(this.database.schema.stores);
    this.database.onConnectionClosed();
  }
}
