/**
 * The open queue: opens and deletes databases, one request after another for each name. Asked by IDBFactory.
 *   open    → VersionError | success | versionchange to the others → blocked while they stay → upgradeneeded
 *             → upgrade transaction → success, or error and everything as before
 *   delete  → versionchange to the others → blocked while they stay → gone → success
 * Invariants: an upgrade runs with no other connection open; a request is answered by exactly one success or error,
 * and the next one of its name waits for that.
 * spec: IndexedDB 5.1 "Opening a database connection", 5.3 "Deleting a database", 5.7 "Upgrading a database"
 */
import { Connection, type Database, type DatabaseFile } from "./database.ts";
import { exception, StorageFailure } from "./errors.ts";
import { dispatchInTurns, TreeEvent } from "./events.ts";
import type { Request } from "./request.ts";
import { Transaction } from "./transaction.ts";
import { enqueueTurn, type Turn } from "./turns.ts";

/** Makes a versionchange event, which is of a class that scripts know. */
type MakeVersionEvent = (type: string, oldVersion: number, newVersion: number | null) => Event;

/** What the faces do for the queue, which knows none of them. */
export type OpenHooks = {
  versionEvent: MakeVersionEvent;
  /** Gives a new connection its face, which becomes the request's result. */
  connectionFace: (connection: Connection) => object;
  transactionFace: (transaction: Transaction) => void;
};

type Job = () => Turn | undefined;

export class OpenQueue {
  readonly #file: DatabaseFile;
  readonly #hooks: OpenHooks;
  /** Those that are open or asked for, by name. */
  readonly #databases = new Map<string, Database>();
  readonly #jobs = new Map<string, Job[]>();

  constructor(file: DatabaseFile, hooks: OpenHooks) {
    this.#file = file;
    this.#hooks = hooks;
  }

  open(name: string, version: number | undefined, request: Request): void {
    this.#enqueue(name, () => this.#open(name, version, request));
  }

  delete(name: string, request: Request): void {
    this.#enqueue(name, () => this.#delete(name, request));
  }

  /** The versions before the upgrades that are running: 0 for a database that is being made. */
  readonly #committedVersions = new Map<string, number>();

  /** Every database that exists, with the version that is committed. */
  databases(): { name: string; version: number }[] {
    if (this.#file.isClosed) throw fileIsClosed();
    // The file shows this connection its own uncommitted upgrade; others may not see it.
    return this.#file.storage
      .databases()
      .map(({ name, version }) => ({ name, version: this.#committedVersions.get(name) ?? version }))
      .filter(({ version }) => version > 0);
  }

  closeAll(): void {
    for (const database of this.#databases.values())
      for (const connection of database.connections)
        connection.forceClose(exception("AbortError", "The database file was closed."));
  }

  #enqueue(name: string, job: Job): void {
    const jobs = this.#jobs.get(name);
    if (jobs) {
      jobs.push(job);
      return;
    }
    this.#jobs.set(name, [job]);
    enqueueTurn(job);
  }

  /** The request at the head of the queue is answered. */
  #finish(name: string): undefined {
    const jobs = this.#jobs.get(name) ?? [];
    jobs.shift();
    const [next] = jobs;
    if (next) enqueueTurn(next);
    else this.#jobs.delete(name);
  }

  #database(name: string): Database {
    if (this.#file.isClosed) throw new StorageFailure(fileIsClosed(), undefined);
    let database = this.#databases.get(name);
    if (!database) {
      const { storage } = this.#file;
      const schema = storage.loadDatabase(name) ?? {
        id: storage.newId("database"),
        name,
        version: 0,
        stores: new Map(),
      };
      database = { file: this.#file, schema, connections: new Set(), onConnectionClosed: () => undefined };
      this.#databases.set(name, database);
    }
    return database;
  }

  #open(name: string, askedVersion: number | undefined, request: Request): Turn | undefined {
    let database: Database;
    try {
      database = this.#database(name);
    } catch (error) {
      return this.#fail(name, request, reasonOf(error));
    }
    const version = askedVersion ?? (database.schema.version || 1);
    const current = database.schema.version;
    if (current > version) {
      const words = `The database has version ${current}, which is higher than ${version}.`;
      return this.#fail(name, request, exception("VersionError", words));
    }
    const others = [...database.connections];
    if (current === version) return this.#succeed(name, request, new Connection(database, version));
    const connection = new Connection(database, version);
    return this.#whenAlone(database, others, request, version, () =>
      this.#upgrade(database, connection, version, request),
    );
  }

  /** Asks the others to close, tells the request where they do not, and goes on when they have. */
  #whenAlone(
    database: Database,
    others: Connection[],
    request: Request,
    newVersion: number | null,
    then: () => Turn | undefined,
  ): Turn | undefined {
    const oldVersion = database.schema.version;
    const isAlone = (): boolean => !others.some((other) => database.connections.has(other));
    const wait = (): undefined => {
      if (isAlone()) enqueueTurn(then);
      else
        database.onConnectionClosed = () => {
          if (!isAlone()) return;
          database.onConnectionClosed = () => undefined;
          enqueueTurn(then);
        };
    };
    const tell = (at: number): Turn | undefined => {
      const other = others[at];
      if (other) {
        if (other.isClosePending) return tell(at + 1);
        const event = this.#hooks.versionEvent("versionchange", oldVersion, newVersion);
        return dispatchInTurns(other, event, () => tell(at + 1));
      }
      if (isAlone() || others.every((one) => one.isClosePending)) return wait();
      const event = this.#hooks.versionEvent("blocked", oldVersion, newVersion);
      return dispatchInTurns(request, event, wait);
    };
    return tell(0);
  }

  #upgrade(database: Database, connection: Connection, version: number, request: Request): Turn | undefined {
    const { schema } = database;
    const oldVersion = schema.version;
    const transaction = new Transaction(connection, "versionchange", undefined);
    this.#hooks.connectionFace(connection);
    this.#hooks.transactionFace(transaction);
    connection.upgrade = transaction;
    this.#committedVersions.set(schema.name, oldVersion);
    schema.version = version;
    transaction.state = "inactive";
    transaction.placeUnasked(() => transaction.storage.writeDatabase(schema));
    transaction.onEnded = (hasCommitted) => {
      this.#committedVersions.delete(schema.name);
      request.transaction = null;
      enqueueTurn(() => {
        if (hasCommitted && !connection.isClosePending) return this.#succeed(schema.name, request, connection);
        connection.close();
        if (schema.version === 0) this.#databases.delete(schema.name);
        const words = hasCommitted ? "The connection was closed." : "The upgrade was aborted.";
        return this.#fail(schema.name, request, exception("AbortError", words));
      });
    };
    request.succeed(connection.face);
    request.transaction = transaction;
    transaction.state = "active";
    const event = this.#hooks.versionEvent("upgradeneeded", oldVersion, version);
    return dispatchInTurns(request, event, ({ hasThrown }) => {
      if (transaction.state === "active") transaction.state = "inactive";
      if (hasThrown) transaction.abort(exception("AbortError", "A listener threw an exception."));
      this.#file.scheduler.add(transaction);
      return undefined;
    });
  }

  #delete(name: string, request: Request): Turn | undefined {
    let database: Database;
    try {
      database = this.#database(name);
    } catch (error) {
      return this.#fail(name, request, reasonOf(error));
    }
    return this.#whenAlone(database, [...database.connections], request, null, () =>
      this.#deleteNow(database, request),
    );
  }

  #deleteNow(database: Database, request: Request): Turn | undefined {
    const { schema } = database;
    const { scheduler, storage } = this.#file;
    try {
      if (!scheduler.claimWriter(request, new Set(), () => enqueueTurn(() => this.#deleteNow(database, request))))
        return undefined;
      storage.deleteDatabase(schema);
      scheduler.commit(request);
    } catch (error) {
      scheduler.rollback(request);
      return this.#fail(schema.name, request, reasonOf(error));
    }
    this.#databases.delete(schema.name);
    request.succeed(undefined);
    const event = this.#hooks.versionEvent("success", schema.version, null);
    return dispatchInTurns(request, event, () => this.#finish(schema.name));
  }

  #succeed(name: string, request: Request, connection: Connection): Turn | undefined {
    if (!connection.face) this.#hooks.connectionFace(connection);
    request.succeed(connection.face);
    return dispatchInTurns(request, new TreeEvent("success"), () => this.#finish(name));
  }

  #fail(name: string, request: Request, error: DOMException): Turn | undefined {
    request.fail(error);
    const event = new TreeEvent("error", { bubbles: true, cancelable: true });
    return dispatchInTurns(request, event, () => this.#finish(name));
  }
}

function reasonOf(error: unknown): DOMException {
  return error instanceof StorageFailure ? error.reason : exception("UnknownError", String(error));
}

function fileIsClosed(): DOMException {
  return exception("InvalidStateError", "The database file is closed.");
}
