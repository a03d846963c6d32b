/**
 * An IndexedDB that does no work: values lie in a Map as they were put, in no order, uncloned, unsaved, and every
 * answer comes with the next microtask. What OlmMachine does on it is what its own IndexedDB layer costs: no store
 * beneath that layer can be faster. Installed by peer-process.ts. It knows what that layer asks for, and no more.
 */
type KeyRange = { lower: unknown; upper: unknown; lowerOpen: boolean; upperOpen: boolean };
type Entry = { key: unknown; value: unknown; primaryKey: unknown };
type Listener = ((event: unknown) => void) | null;

class NullKeyRange {
  readonly lower: unknown;
  readonly upper: unknown;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
  constructor({ lower, upper, lowerOpen, upperOpen }: KeyRange) {
    this.lower = lower;
    this.upper = upper;
    this.lowerOpen = lowerOpen;
    this.upperOpen = upperOpen;
  }
  static bound(lower: unknown, upper: unknown, lowerOpen = false, upperOpen = false): NullKeyRange {
    return new NullKeyRange({ lower, upper, lowerOpen, upperOpen });
  }
  static only(key: unknown): NullKeyRange {
    return NullKeyRange.bound(key, key);
  }
  static lowerBound(lower: unknown, lowerOpen = false): NullKeyRange {
    return new NullKeyRange({ lower, upper: undefined, lowerOpen, upperOpen: false });
  }
  static upperBound(upper: unknown, upperOpen = false): NullKeyRange {
    return new NullKeyRange({ lower: undefined, upper, lowerOpen: false, upperOpen });
  }
  includes(key: unknown): boolean {
    const fromLower = this.lower === undefined ? 1 : compare(key, this.lower);
    const toUpper = this.upper === undefined ? 1 : compare(this.upper, key);
    return fromLower >= (this.lowerOpen ? 1 : 0) && toUpper >= (this.upperOpen ? 1 : 0);
  }
}

function compare(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
      const order = compare(a[at], b[at]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) ? 1 : -1;
  if ((a as string) < (b as string)) return -1;
  return a === b ? 0 : 1;
}

class NullRequest {
  result: unknown;
  error = null;
  source: unknown = null;
  transaction: NullTransaction | null = null;
  onsuccess: Listener = null;
  onerror: Listener = null;
  answer(result: unknown): this {
    queueMicrotask(() => {
      this.result = result;
      this.onsuccess?.({ type: "success", target: this });
    });
    return this;
  }
}

class NullOpenRequest extends NullRequest {
  onupgradeneeded: Listener = null;
  onblocked: Listener = null;
}

class NullCursor {
  readonly request: NullRequest;
  readonly source: NullStore;
  readonly #entries: readonly Entry[];
  #at = 0;
  constructor(request: NullRequest, source: NullStore, entries: readonly Entry[]) {
    this.request = request;
    this.source = source;
    this.#entries = entries;
  }
  get key(): unknown {
    return this.#entries[this.#at]?.key;
  }
  get primaryKey(): unknown {
    return this.#entries[this.#at]?.primaryKey;
  }
  get value(): unknown {
    return this.#entries[this.#at]?.value;
  }
  continue(): void {
    this.#at += 1;
    this.request.answer(this.#at < this.#entries.length ? this : null);
  }
  update(value: unknown): NullRequest {
    return this.source.put(value, this.primaryKey);
  }
  delete(): NullRequest {
    return this.source.delete(this.primaryKey);
  }
}

class NullCursorWithValue extends NullCursor {}

type Index = { name: string; keyPath: string | string[] };

class NullStore {
  readonly name: string;
  readonly keyPath: string | null;
  readonly #records = new Map<unknown, { key: unknown; value: unknown }>();
  readonly #indexes = new Map<string, Index>();
  #lastKey = 0;
  constructor(name: string, keyPath: string | null) {
    this.name = name;
    this.keyPath = keyPath;
  }
  createIndex(name: string, keyPath: string | string[]): NullIndex {
    const index = { name, keyPath };
    this.#indexes.set(name, index);
    return new NullIndex(this, index);
  }
  index(name: string): NullIndex {
    const index = this.#indexes.get(name);
    if (!index) throw new DOMException(name, "NotFoundError");
    return new NullIndex(this, index);
  }
  entries(range: unknown, index?: Index): Entry[] {
    const found: Entry[] = [];
    for (const { key: primaryKey, value } of this.#records.values()) {
      const key = index ? keyAt(value, index.keyPath) : primaryKey;
      if (key !== undefined && isIn(range, key)) found.push({ key, value, primaryKey });
    }
    return found;
  }
  get(query: unknown): NullRequest {
    const value = query instanceof NullKeyRange ? this.entries(query)[0]?.value : this.#records.get(idOf(query))?.value;
    return new NullRequest().answer(value);
  }
  put(value: unknown, givenKey?: unknown): NullRequest {
    const key = givenKey ?? (this.keyPath === null ? (this.#lastKey += 1) : keyAt(value, this.keyPath));
    this.#records.set(idOf(key), { key, value });
    return new NullRequest().answer(key);
  }
  add(value: unknown, key?: unknown): NullRequest {
    return this.put(value, key);
  }
  delete(query: unknown): NullRequest {
    if (query instanceof NullKeyRange)
      for (const { primaryKey } of this.entries(query)) this.#records.delete(idOf(primaryKey));
    else this.#records.delete(idOf(query));
    return new NullRequest().answer(undefined);
  }
  clear(): NullRequest {
    this.#records.clear();
    return new NullRequest().answer(undefined);
  }
  count(range?: unknown): NullRequest {
    const count = range === undefined ? this.#records.size : this.entries(range).length;
    return new NullRequest().answer(count);
  }
  getAll(range?: unknown, limit?: number): NullRequest {
    return new NullRequest().answer(
      this.entries(range)
        .slice(0, limit)
        .map((entry) => entry.value),
    );
  }
  getAllKeys(range?: unknown, limit?: number): NullRequest {
    return new NullRequest().answer(
      this.entries(range)
        .slice(0, limit)
        .map((entry) => entry.primaryKey),
    );
  }
  openCursor(range?: unknown): NullRequest {
    return openCursor(this, this.entries(range));
  }
}

class NullIndex {
  readonly #store: NullStore;
  readonly #index: Index;
  constructor(store: NullStore, index: Index) {
    this.#store = store;
    this.#index = index;
  }
  get(range: unknown): NullRequest {
    return new NullRequest().answer(this.#store.entries(range, this.#index)[0]?.value);
  }
  count(range?: unknown): NullRequest {
    return new NullRequest().answer(this.#store.entries(range, this.#index).length);
  }
  getAll(range?: unknown, limit?: number): NullRequest {
    const found = this.#store.entries(range, this.#index).slice(0, limit);
    return new NullRequest().answer(found.map((entry) => entry.value));
  }
  openCursor(range?: unknown): NullRequest {
    return openCursor(this.#store, this.#store.entries(range, this.#index));
  }
}

function openCursor(store: NullStore, entries: readonly Entry[]): NullRequest {
  const request = new NullRequest();
  return request.answer(entries.length > 0 ? new NullCursorWithValue(request, store, entries) : null);
}

const idOf = (key: unknown): unknown => (Array.isArray(key) ? JSON.stringify(key) : key);

function keyAt(value: unknown, path: string | string[]): unknown {
  if (Array.isArray(path)) {
    const parts = path.map((each) => keyAt(value, each));
    return parts.includes(undefined) ? undefined : parts;
  }
  return (value as Record<string, unknown>)[path];
}

function isIn(range: unknown, key: unknown): boolean {
  if (range === undefined || range === null) return true;
  return range instanceof NullKeyRange ? range.includes(key) : compare(range, key) === 0;
}

class NullTransaction {
  onabort: Listener = null;
  onerror: Listener = null;
  error = null;
  readonly db: NullDatabase;
  #oncomplete: Listener = null;
  #isOver = false;
  constructor(db: NullDatabase) {
    this.db = db;
  }
  /** Whoever listens and asks for no commit has nothing more to place once its task is over. */
  set oncomplete(listener: Listener) {
    this.#oncomplete = listener;
    setImmediate(() => this.#complete());
  }
  get oncomplete(): Listener {
    return this.#oncomplete;
  }
  objectStore(name: string): NullStore {
    const store = this.db.stores.get(name);
    if (!store) throw new DOMException(name, "NotFoundError");
    return store;
  }
  commit(): void {
    queueMicrotask(() => this.#complete());
  }
  abort(): void {
    this.#isOver = true;
  }
  #complete(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#oncomplete?.({ type: "complete", target: this });
  }
}

class NullDatabase {
  readonly name: string;
  version = 0;
  onversionchange: Listener = null;
  readonly stores = new Map<string, NullStore>();
  constructor(name: string) {
    this.name = name;
  }
  get objectStoreNames(): string[] & { contains?: (name: string) => boolean; item?: (at: number) => string | null } {
    const names = [...this.stores.keys()];
    return Object.assign(names, {
      contains: (name: string) => names.includes(name),
      item: (at: number) => names[at] ?? null,
    });
  }
  createObjectStore(name: string, options?: { keyPath?: string }): NullStore {
    const store = new NullStore(name, options?.keyPath ?? null);
    this.stores.set(name, store);
    return store;
  }
  deleteObjectStore(name: string): void {
    this.stores.delete(name);
  }
  transaction(): NullTransaction {
    return new NullTransaction(this);
  }
  close(): void {}
}

class NullFactory {
  readonly #databases = new Map<string, NullDatabase>();
  open(name: string, version?: number): NullOpenRequest {
    const request = new NullOpenRequest();
    const database = this.#databases.get(name) ?? new NullDatabase(name);
    this.#databases.set(name, database);
    const oldVersion = database.version;
    const newVersion = version ?? Math.max(1, oldVersion);
    setImmediate(() => this.#open(request, database, { oldVersion, newVersion }));
    return request;
  }
  deleteDatabase(name: string): NullOpenRequest {
    this.#databases.delete(name);
    return new NullOpenRequest().answer(undefined);
  }
  #open(
    request: NullOpenRequest,
    database: NullDatabase,
    { oldVersion, newVersion }: { oldVersion: number; newVersion: number },
  ): void {
    request.result = database;
    if (oldVersion !== newVersion) {
      database.version = newVersion;
      request.transaction = database.transaction();
      request.onupgradeneeded?.({ type: "upgradeneeded", target: request, oldVersion, newVersion });
    }
    // The upgrade has its microtasks behind it then.
    setImmediate(() => {
      request.transaction = null;
      request.answer(database);
    });
  }
}

/** Puts it on the global object, where WASM looks for it. */
export function installNullIndexedDb(): void {
  Object.assign(globalThis, {
    indexedDB: new NullFactory(),
    IDBCursor: NullCursor,
    IDBCursorWithValue: NullCursorWithValue,
    IDBDatabase: NullDatabase,
    IDBFactory: NullFactory,
    IDBIndex: NullIndex,
    IDBKeyRange: NullKeyRange,
    IDBObjectStore: NullStore,
    IDBOpenDBRequest: NullOpenRequest,
    IDBRequest: NullRequest,
    IDBTransaction: NullTransaction,
  });
}
