/**
 * IDBObjectStore: an object store within one transaction. Made by IDBTransaction, always the same for the same name.
 * spec: IndexedDB 4.5 "The IDBObjectStore interface"
 */
import { exception } from "../errors.ts";
import { canInjectKey, extractKey, isValidKeyPath } from "../key-path.ts";
import { fromKey, type Key } from "../keys.ts";
import { deleteRecords, fillIndex, storeRecord } from "../records.ts";
import { type IndexSchema, sortedNames, type StoreSchema } from "../schema.ts";
import type { Transaction } from "../transaction.ts";
import { cloneValue } from "../values.ts";
import {
  construct,
  exposeInterface,
  INTERNAL,
  type Internal,
  type Optional,
  requireArguments,
  toDictionary,
  toDomString,
  toStringOrSequence,
} from "../web-idl.ts";
import { type DOMStringList, toStringList } from "./dom-string-list.ts";
import { IDBIndex } from "./idb-index.ts";
import { requireKey, toRange } from "./idb-key-range.ts";
import { type IDBRequest, placeRequest } from "./idb-request.ts";
import {
  askForCount,
  askForCursor,
  type Asker,
  askForKey,
  askForMany,
  askForValue,
  toDirection,
  toManyOptions,
  toRecordOptions,
} from "./queries.ts";

type StoreState = { readonly transaction: Transaction; readonly store: StoreSchema };

export class IDBObjectStore {
  readonly #state: StoreState;
  readonly #keyPath: string | readonly string[] | null;
  /** One face for an index, for as long as the transaction lives. */
  readonly #indexes = new Map<IndexSchema, IDBIndex>();

  constructor(...internal: Internal<StoreState>) {
    this.#state = construct(internal);
    const { keyPath } = this.#state.store;
    this.#keyPath = keyPath === null || typeof keyPath === "string" ? keyPath : [...keyPath];
  }

  get name(): string {
    return this.#state.store.name;
  }

  set name(value: unknown) {
    const { transaction, store } = this.#state;
    const name = toDomString(value);
    requireAlive(store);
    if (transaction.mode !== "versionchange")
      throw exception("InvalidStateError", "Only an upgrade renames an object store.");
    requireActive(transaction);
    if (name === store.name) return;
    const { stores } = transaction.connection.database.schema;
    if (stores.has(name)) throw exception("ConstraintError", `There is an object store "${name}" already.`);
    stores.delete(store.name);
    stores.set(name, store);
    store.name = name;
    transaction.placeUnasked(() => transaction.storage.renameStore(store, name));
  }

  get keyPath(): string | readonly string[] | null {
    return this.#state && this.#keyPath;
  }

  get indexNames(): DOMStringList {
    return toStringList(sortedNames(this.#state.store.indexes.keys()));
  }

  get transaction(): EventTarget {
    return this.#state.transaction.face as EventTarget;
  }

  get autoIncrement(): boolean {
    return this.#state.store.autoIncrement;
  }

  put(value: unknown, ...[key]: Optional): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.put");
    return this.#store(state, { value, givenKey: key, isNew: false });
  }

  add(value: unknown, ...[key]: Optional): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.add");
    return this.#store(state, { value, givenKey: key, isNew: true });
  }

  #store(
    { transaction, store }: StoreState,
    { value, givenKey, isNew }: { value: unknown; givenKey: unknown; isNew: boolean },
  ): IDBRequest {
    requireAlive(store);
    requireActive(transaction);
    requireWritable(transaction);
    const { keyPath } = store;
    if (keyPath !== null && givenKey !== undefined)
      throw exception("DataError", "The key is in the value already; none can be given beside it.");
    if (keyPath === null && !store.autoIncrement && givenKey === undefined)
      throw exception("DataError", "The object store has no key path and no key generator, so a key is needed.");
    let key: Key | undefined = givenKey === undefined ? undefined : requireKey(givenKey);
    const clone = transaction.whileInactive(() => cloneValue(value));
    if (keyPath !== null) {
      const inside = extractKey(clone, keyPath);
      if (inside === "invalid") throw exception("DataError", "The value at the key path is not a valid key.");
      if (inside !== "none") key = inside;
      else if (!store.autoIncrement) throw exception("DataError", "There is nothing at the key path.");
      else if (!canInjectKey(clone, keyPath as string))
        throw exception("DataError", "The generated key has no place in the value.");
    }
    return placeRequest(transaction, this, () => fromKey(storeRecord(transaction, store, { clone, key, isNew })), {
      writes: true,
    });
  }

  delete(query: unknown): IDBRequest {
    const { transaction, store } = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.delete");
    requireAlive(store);
    requireActive(transaction);
    requireWritable(transaction);
    const range = toRange(query, true);
    return placeRequest(transaction, this, () => deleteRecords(transaction.storage, store, range), { writes: true });
  }

  clear(): IDBRequest {
    const { transaction, store } = this.#state;
    requireAlive(store);
    requireActive(transaction);
    requireWritable(transaction);
    return placeRequest(transaction, this, () => transaction.storage.clearStore(store), { writes: true });
  }

  get(query: unknown): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.get");
    return askForValue(this.#asker(state), query);
  }

  getKey(query: unknown): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.getKey");
    return askForKey(this.#asker(state), query);
  }

  getAll(...[queryOrOptions, count]: Optional): IDBRequest {
    const state = this.#state;
    const options = toManyOptions(queryOrOptions, count);
    return askForMany(this.#asker(state), options, "values");
  }

  getAllKeys(...[queryOrOptions, count]: Optional): IDBRequest {
    const state = this.#state;
    const options = toManyOptions(queryOrOptions, count);
    return askForMany(this.#asker(state), options, "keys");
  }

  getAllRecords(...[options]: Optional): IDBRequest {
    const state = this.#state;
    const read = toRecordOptions(options);
    return askForMany(this.#asker(state), read, "records");
  }

  count(...[query]: Optional): IDBRequest {
    return askForCount(this.#asker(this.#state), query);
  }

  openCursor(...[query, direction]: Optional): IDBRequest {
    const state = this.#state;
    const read = toDirection(direction);
    return askForCursor(this.#asker(state), { query, direction: read, isKeyOnly: false });
  }

  openKeyCursor(...[query, direction]: Optional): IDBRequest {
    const state = this.#state;
    const read = toDirection(direction);
    return askForCursor(this.#asker(state), { query, direction: read, isKeyOnly: true });
  }

  #asker({ transaction, store }: StoreState): Asker {
    requireAlive(store);
    requireActive(transaction);
    return { face: this, place: { store, index: undefined }, transaction };
  }

  index(name: unknown): IDBIndex {
    const { transaction, store } = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.index");
    const text = toDomString(name);
    requireAlive(store);
    if (transaction.isFinished) throw exception("InvalidStateError", "The transaction has finished.");
    const index = store.indexes.get(text);
    if (!index) throw exception("NotFoundError", `There is no index "${text}".`);
    return this.#indexFace(index);
  }

  #indexFace(index: IndexSchema): IDBIndex {
    let face = this.#indexes.get(index);
    if (!face) {
      face = new IDBIndex(INTERNAL, { ...this.#state, index, storeFace: this });
      this.#indexes.set(index, face);
    }
    return face;
  }

  createIndex(name: unknown, keyPath: unknown, ...[options]: Optional): IDBIndex {
    const { transaction, store } = this.#state;
    requireArguments(arguments.length, 2, "IDBObjectStore.createIndex");
    const text = toDomString(name);
    const path = toStringOrSequence(keyPath);
    const { multiEntry, unique } = toDictionary(options);
    const flags = { multiEntry: Boolean(multiEntry), unique: Boolean(unique) };
    if (transaction.mode !== "versionchange") throw exception("InvalidStateError", "Only an upgrade creates an index.");
    requireAlive(store);
    requireActive(transaction);
    if (store.indexes.has(text)) throw exception("ConstraintError", `There is an index "${text}" already.`);
    if (!isValidKeyPath(path)) throw exception("SyntaxError", "The key path is not valid.");
    if (flags.multiEntry && typeof path !== "string")
      throw exception("InvalidAccessError", "An index with many entries has one key path.");
    const { storage } = transaction;
    const index: IndexSchema = {
      id: storage.newId("store_index"),
      name: text,
      keyPath: path,
      ...flags,
      isDeleted: false,
    };
    store.indexes.set(text, index);
    transaction.placeUnasked(() => {
      storage.createIndex(store, index, text);
      // Deleted again before its turn came: nothing needs to be in it.
      if (!index.isDeleted && !store.isDeleted) fillIndex(storage, store, index);
    });
    return this.#indexFace(index);
  }

  deleteIndex(name: unknown): void {
    const { transaction, store } = this.#state;
    requireArguments(arguments.length, 1, "IDBObjectStore.deleteIndex");
    const text = toDomString(name);
    if (transaction.mode !== "versionchange") throw exception("InvalidStateError", "Only an upgrade deletes an index.");
    requireAlive(store);
    requireActive(transaction);
    const index = store.indexes.get(text);
    if (!index) throw exception("NotFoundError", `There is no index "${text}".`);
    store.indexes.delete(text);
    index.isDeleted = true;
    transaction.placeUnasked(() => transaction.storage.deleteIndex(index));
  }
}
exposeInterface(IDBObjectStore);

function requireAlive(store: StoreSchema): void {
  if (store.isDeleted) throw exception("InvalidStateError", "The object store was deleted.");
}

function requireActive(transaction: Transaction): void {
  if (transaction.state !== "active") throw exception("TransactionInactiveError", "The transaction is not active.");
}

function requireWritable(transaction: Transaction): void {
  if (transaction.isReadOnly) throw exception("ReadOnlyError", "The transaction is read-only.");
}
