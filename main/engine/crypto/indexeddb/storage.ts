/**
 * Storage: one SQLite file with the databases of one account, and every statement that reads or writes it. Opened by
 * handle.ts, used by object stores, indexes and cursors through their transaction.
 * The file:
 *   database       name, version              name as JSON, since a name may hold lone surrogates
 *   object_store   its place in a database, key path, key generator
 *   store_index    its place in an object store, key path, flags
 *   record         (store, key) → value       keys as keys.ts encodes them, values as values.ts does
 *   index_entry    (index, key, primary key)
 * Invariants: one connection, which holds the file's lock for as long as it is open; what is written between begin and
 * commit is on the disk when commit has returned, or not at all; a file that is damaged is told, never touched. Only
 * what was begun as one that may lag is on the disk no sooner than the next commit that may not.
 */
import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { exception, guardStorage, StorageFailure } from "./errors.ts";
import type { KeyPath } from "./key-path.ts";
import type { KeyRange } from "./key-range.ts";
import type { Key } from "./keys.ts";
import { ReadCache } from "./read-cache.ts";
import type { DatabaseSchema, IndexSchema, StoreSchema } from "./schema.ts";
import type { Place, Query, StoredRecord } from "./storage-types.ts";
import { StoredValue } from "./values.ts";

/** Written into a new file, so that no other program's database passes for one. */
const APPLICATION_ID = 0x4c494442;
const FORMAT = 1;

const SCHEMA = `
  CREATE TABLE database (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE, -- as JSON
    version INTEGER NOT NULL      -- up to 2^53
  ) STRICT;
  CREATE TABLE object_store (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    database_id    INTEGER NOT NULL REFERENCES database(id),
    name           TEXT NOT NULL,    -- as JSON; unique within the database, which the engine sees to
    key_path       TEXT NOT NULL,    -- as JSON: null, a string or an array of strings
    auto_increment INTEGER NOT NULL, -- 0 or 1
    next_key       REAL NOT NULL     -- of the key generator; may pass 2^53
  ) STRICT;
  CREATE INDEX object_store_of_database ON object_store(database_id);
  CREATE TABLE store_index (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id    INTEGER NOT NULL REFERENCES object_store(id),
    name        TEXT NOT NULL,    -- as JSON
    key_path    TEXT NOT NULL,    -- as JSON
    is_unique   INTEGER NOT NULL, -- 0 or 1
    multi_entry INTEGER NOT NULL  -- 0 or 1
  ) STRICT;
  CREATE INDEX store_index_of_store ON store_index(store_id);
  CREATE TABLE record (
    id       INTEGER PRIMARY KEY, -- so that new values lie together, whatever their keys
    store_id INTEGER NOT NULL,
    key      BLOB NOT NULL,
    value    ANY NOT NULL    -- JSON as text, anything else as a blob
  ) STRICT;
  CREATE UNIQUE INDEX record_by_key ON record(store_id, key);
  CREATE TABLE index_entry (
    index_id    INTEGER NOT NULL,
    key         BLOB NOT NULL,
    primary_key BLOB NOT NULL,
    PRIMARY KEY (index_id, key, primary_key)
  ) STRICT, WITHOUT ROWID;
`;

type Row = readonly (null | number | bigint | string | Uint8Array)[];

export class Storage {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #cache: ReadCache;
  readonly #onFailure: (failure: StorageFailure) => void;
  /** Of the transaction that runs, or ran last. */
  #mayLag = false;
  #lags = false;

  private constructor(db: DatabaseSync, cacheBytes: number, onFailure: (failure: StorageFailure) => void) {
    this.#db = db;
    this.#cache = new ReadCache(cacheBytes);
    this.#onFailure = onFailure;
  }

  /**
   * Opens or makes the file, readable by its owner only. Throws a StorageFailure where it is no such file; what fails
   * later is also told to `onFailure`.
   */
  static open(path: string, cacheBytes: number, onFailure: (failure: StorageFailure) => void = () => {}): Storage {
    return guardStorage(() => {
      if (path !== ":memory:") {
        closeSync(openSync(path, "a", 0o600));
        chmodSync(path, 0o600);
      }
      const db = new DatabaseSync(path);
      try {
        db.exec(`
          PRAGMA locking_mode = EXCLUSIVE;
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = FULL;
          PRAGMA temp_store = MEMORY;
          PRAGMA cache_size = -8000;
          PRAGMA journal_size_limit = 10485760;
          PRAGMA trusted_schema = OFF;
        `);
        const storage = new Storage(db, cacheBytes, onFailure);
        storage.#createTables(path);
        return storage;
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  close(): void {
    this.#db.close();
  }

  #createTables(path: string): void {
    const [format] = this.#get("PRAGMA user_version") as [number];
    const [application] = this.#get("PRAGMA application_id") as [number];
    if (format === FORMAT && application === APPLICATION_ID) return;
    const [tables] = this.#get("SELECT count(*) FROM sqlite_schema") as [number];
    if (tables !== 0) {
      const words = `${path} is a database of another program or of a newer version.`;
      throw new StorageFailure(exception("UnknownError", words), undefined);
    }
    this.#db.exec(`
      BEGIN IMMEDIATE;
      ${SCHEMA}
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMAT};
      COMMIT;
    `);
  }

  // Transactions

  /** `mayLag`: a power cut may take it back until another commit has synced the log, and only then. */
  begin(mayLag: boolean): void {
    this.#guard(() => {
      // SQLite changes it between transactions only.
      if (mayLag !== this.#mayLag) this.#db.exec(`PRAGMA synchronous = ${mayLag ? "NORMAL" : "FULL"}`);
      this.#mayLag = mayLag;
      this.#db.exec("BEGIN IMMEDIATE");
    });
  }

  /** Returns when all that was written since begin is on the disk, and all before. A failure leaves nothing of it. */
  commit(): void {
    try {
      // SQLite syncs nothing where nothing was written.
      if (this.#lags && !this.#mayLag) this.#guard(() => this.#db.exec(`PRAGMA user_version = ${FORMAT}`));
      this.#guard(() => this.#db.exec("COMMIT"));
      // The log is one file, in order: its sync brings along what lagged.
      this.#lags = this.#mayLag;
      this.#cache.settle();
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** There are commits that a power cut may take back: the next that may not lag ends that. */
  get lags(): boolean {
    return this.#lags;
  }

  rollback(): void {
    this.#cache.settle();
    // SQLite has rolled back by itself after some failures.
    if (this.#db.isTransaction) this.#guard(() => this.#db.exec("ROLLBACK"));
  }

  // Databases, object stores and indexes

  databases(): { name: string; version: number }[] {
    return this.#all("SELECT name, version FROM database").map(([name, version]) => ({
      name: JSON.parse(name as string) as string,
      version: version as number,
    }));
  }

  loadDatabase(name: string): DatabaseSchema | undefined {
    const row = this.#get("SELECT id, version FROM database WHERE name = ?", JSON.stringify(name));
    if (!row) return undefined;
    const [id, version] = row as [number, number];
    const stores = this.#all(
      "SELECT id, name, key_path, auto_increment, next_key FROM object_store WHERE database_id = ?",
      id,
    ).map(([storeId, storeName, keyPath, autoIncrement, nextKey]): StoreSchema => ({
      id: storeId as number,
      name: JSON.parse(storeName as string) as string,
      keyPath: JSON.parse(keyPath as string) as KeyPath | null,
      autoIncrement: autoIncrement === 1,
      nextKey: nextKey as number,
      indexes: this.#loadIndexes(storeId as number),
      isDeleted: false,
    }));
    return { id, name, version, stores: new Map(stores.map((store) => [store.name, store])) };
  }

  #loadIndexes(storeId: number): Map<string, IndexSchema> {
    const indexes = this.#all(
      "SELECT id, name, key_path, is_unique, multi_entry FROM store_index WHERE store_id = ?",
      storeId,
    ).map(([id, name, keyPath, isUnique, multiEntry]): IndexSchema => ({
      id: id as number,
      name: JSON.parse(name as string) as string,
      keyPath: JSON.parse(keyPath as string) as KeyPath,
      unique: isUnique === 1,
      multiEntry: multiEntry === 1,
      isDeleted: false,
    }));
    return new Map(indexes.map((index) => [index.name, index]));
  }

  /** Ids are given out before they are written, so that the names can be used at once. None is given twice. */
  #lastIds: { database: number; object_store: number; store_index: number } | undefined;

  newId(table: "database" | "object_store" | "store_index"): number {
    this.#lastIds ??= {
      database: this.#lastId("database"),
      object_store: this.#lastId("object_store"),
      store_index: this.#lastId("store_index"),
    };
    return ++this.#lastIds[table];
  }

  #lastId(table: string): number {
    return (this.#get("SELECT seq FROM sqlite_sequence WHERE name = ?", table)?.[0] ?? 0) as number;
  }

  writeDatabase({ id, name, version }: DatabaseSchema): void {
    this.#run(
      "INSERT INTO database(id, name, version) VALUES (?, ?, ?) ON CONFLICT(id) DO UPDATE SET version = excluded.version",
      id,
      JSON.stringify(name),
      version,
    );
  }

  deleteDatabase(schema: DatabaseSchema): void {
    for (const store of schema.stores.values()) this.deleteStore(store);
    this.#run("DELETE FROM database WHERE id = ?", schema.id);
  }

  createStore(database: DatabaseSchema, store: StoreSchema, name: string): void {
    this.#run(
      "INSERT INTO object_store(id, database_id, name, key_path, auto_increment, next_key) VALUES (?, ?, ?, ?, ?, ?)",
      store.id,
      database.id,
      JSON.stringify(name),
      JSON.stringify(store.keyPath),
      store.autoIncrement ? 1 : 0,
      store.nextKey,
    );
  }

  renameStore(store: StoreSchema, name: string): void {
    this.#run("UPDATE object_store SET name = ? WHERE id = ?", JSON.stringify(name), store.id);
  }

  deleteStore(store: StoreSchema): void {
    this.#cache.forget(store.id, undefined);
    this.#run("DELETE FROM index_entry WHERE index_id IN (SELECT id FROM store_index WHERE store_id = ?)", store.id);
    this.#run("DELETE FROM store_index WHERE store_id = ?", store.id);
    this.#run("DELETE FROM record WHERE store_id = ?", store.id);
    this.#run("DELETE FROM object_store WHERE id = ?", store.id);
  }

  writeNextKey(store: StoreSchema): void {
    this.#run("UPDATE object_store SET next_key = ? WHERE id = ?", store.nextKey, store.id);
  }

  createIndex(store: StoreSchema, index: IndexSchema, name: string): void {
    this.#run(
      "INSERT INTO store_index(id, store_id, name, key_path, is_unique, multi_entry) VALUES (?, ?, ?, ?, ?, ?)",
      index.id,
      store.id,
      JSON.stringify(name),
      JSON.stringify(index.keyPath),
      index.unique ? 1 : 0,
      index.multiEntry ? 1 : 0,
    );
  }

  renameIndex(index: IndexSchema, name: string): void {
    this.#run("UPDATE store_index SET name = ? WHERE id = ?", JSON.stringify(name), index.id);
  }

  deleteIndex(index: IndexSchema): void {
    this.#run("DELETE FROM index_entry WHERE index_id = ?", index.id);
    this.#run("DELETE FROM store_index WHERE id = ?", index.id);
  }

  // Records

  getValue(store: StoreSchema, key: Key): StoredValue | undefined {
    const [record] = this.#cache.read(store.id, nameOf(key), false, () => {
      const row = this.#get("SELECT value FROM record WHERE store_id = ? AND key = ?", store.id, key);
      return row ? [{ key, primaryKey: key, value: toValue(row[0]) }] : [];
    });
    return record?.value;
  }

  /** False where there is a record with this key already, which stays as it is. */
  addRecord(store: StoreSchema, key: Key, value: StoredValue): boolean {
    this.#cache.forget(store.id, nameOf(key));
    return this.#run(
      "INSERT INTO record(store_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      store.id,
      key,
      value.content,
    );
  }

  putRecord(store: StoreSchema, key: Key, value: StoredValue): void {
    this.#cache.forget(store.id, nameOf(key));
    this.#run(
      "INSERT INTO record(store_id, key, value) VALUES (?, ?, ?) " +
        "ON CONFLICT(store_id, key) DO UPDATE SET value = excluded.value",
      store.id,
      key,
      value.content,
    );
  }

  deleteRecord(store: StoreSchema, key: Key): void {
    this.#cache.forget(store.id, nameOf(key));
    this.#run("DELETE FROM record WHERE store_id = ? AND key = ?", store.id, key);
  }

  deleteRecords(store: StoreSchema, range: KeyRange): void {
    this.#cache.forget(store.id, undefined);
    this.#run("DELETE FROM record WHERE store_id = ? AND key >= ? AND key < ?", store.id, range.from, range.until);
  }

  clearStore(store: StoreSchema): void {
    this.#cache.forget(store.id, undefined);
    for (const index of store.indexes.values()) this.#run("DELETE FROM index_entry WHERE index_id = ?", index.id);
    this.#run("DELETE FROM record WHERE store_id = ?", store.id);
  }

  // Index entries

  addEntry(index: IndexSchema, key: Key, primaryKey: Key): void {
    this.#run(
      "INSERT INTO index_entry(index_id, key, primary_key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      index.id,
      key,
      primaryKey,
    );
  }

  deleteEntry(index: IndexSchema, key: Key, primaryKey: Key): void {
    this.#run("DELETE FROM index_entry WHERE index_id = ? AND key = ? AND primary_key = ?", index.id, key, primaryKey);
  }

  /** Whether a record other than that of `primaryKey` has `key` in the index. */
  hasOtherEntry(index: IndexSchema, key: Key, primaryKey: Key): boolean {
    return (
      this.#get(
        "SELECT 1 FROM index_entry WHERE index_id = ? AND key = ? AND primary_key <> ? LIMIT 1",
        index.id,
        key,
        primaryKey,
      ) !== undefined
    );
  }

  // Queries

  count({ store, index }: Place, range: KeyRange): number {
    const sql = index
      ? "SELECT count(*) FROM index_entry WHERE index_id = ? AND key >= ? AND key < ?"
      : "SELECT count(*) FROM record WHERE store_id = ? AND key >= ? AND key < ?";
    return (this.#get(sql, index?.id ?? store.id, range.from, range.until) as [number])[0];
  }

  /** The records of a place in its order: by key, in an index also by primary key. */
  query(place: Place, query: Query): readonly StoredRecord[] {
    // Index queries are rare; what a query of keys reads is in SQLite's own cache.
    if (place.index || !query.withValues) return this.#queryFile(place, query);
    const name = `${nameOf(query.from)}|${nameOf(query.until)}|${query.isDescending ? "-" : "+"}${query.limit}`;
    return this.#cache.read(place.store.id, name, true, () => this.#queryFile(place, query));
  }

  #queryFile({ store, index }: Place, { from, until, isDescending, withValues, limit }: Query): StoredRecord[] {
    const order = isDescending ? "DESC" : "ASC";
    if (!index) {
      const rows = this.#all(
        `SELECT key${withValues ? ", value" : ""} FROM record WHERE store_id = ? AND key >= ? AND key < ? ` +
          `ORDER BY key ${order} LIMIT ?`,
        store.id,
        from,
        until,
        limit,
      );
      return rows.map(([key, value]) => toRecord(key, key, value));
    }
    const columns = withValues ? "e.key, e.primary_key, r.value" : "e.key, e.primary_key";
    const join = withValues ? "JOIN record r ON r.store_id = ?1 AND r.key = e.primary_key " : "";
    return this.#all(
      `SELECT ${columns} FROM index_entry e ${join}WHERE ?1 = ?1 AND e.index_id = ?2 AND e.key >= ?3 AND e.key < ?4 ` +
        `ORDER BY e.key ${order}, e.primary_key ${order} LIMIT ?5`,
      store.id,
      index.id,
      from,
      until,
      limit,
    ).map(([key, primaryKey, value]) => toRecord(key, primaryKey, value));
  }

  /** In an index: the next record of one key, past a primary key. Bounds are half-open, as a query's. */
  entryWithin(
    { store, index }: Place & { index: IndexSchema },
    key: Key,
    { from, until, isDescending, withValues }: Omit<Query, "limit">,
  ): StoredRecord | undefined {
    const order = isDescending ? "DESC" : "ASC";
    const row = this.#get(
      "SELECT primary_key FROM index_entry WHERE index_id = ? AND key = ? AND primary_key >= ? AND primary_key < ? " +
        `ORDER BY primary_key ${order} LIMIT 1`,
      index.id,
      key,
      from,
      until,
    );
    if (!row) return undefined;
    const primaryKey = toKey(row[0]);
    return { key, primaryKey, value: withValues ? this.getValue(store, primaryKey) : undefined };
  }

  // Statements are prepared on first use and kept for life; each is one of a few dozen texts.

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#statement(sql).get(...parameters) as unknown as Row | undefined);
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#statement(sql).all(...parameters) as unknown as Row[]);
  }

  /** As guardStorage, and tells whoever wants to know. */
  #guard<T>(work: () => T): T {
    try {
      return guardStorage(work);
    } catch (error) {
      if (error instanceof StorageFailure) this.#onFailure(error);
      throw error;
    }
  }

  /** Whether a row was changed. */
  #run(sql: string, ...parameters: SQLInputValue[]): boolean {
    return this.#guard(() => this.#statement(sql).run(...parameters).changes !== 0);
  }
}

function toRecord(key: unknown, primaryKey: unknown, value: unknown): StoredRecord {
  return {
    key: toKey(key),
    primaryKey: toKey(primaryKey),
    value: value === undefined ? undefined : toValue(value),
  };
}

function toKey(column: unknown): Key {
  const { buffer, byteOffset, byteLength } = column as Uint8Array<ArrayBuffer>;
  return Buffer.from(buffer, byteOffset, byteLength) as Key;
}

function toValue(column: unknown): StoredValue {
  return new StoredValue(column as string | Uint8Array);
}

/** A key as the cache's word for it. */
function nameOf(key: Buffer): string {
  return key.toString("latin1");
}
