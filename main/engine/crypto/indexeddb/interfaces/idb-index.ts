/**
 * IDBIndex: an index within one transaction. Made by IDBObjectStore, always the same for the same name.
 * spec: IndexedDB 4.6 "The IDBIndex interface"
 */
import { exception } from "../errors.ts";
import type { IndexSchema, StoreSchema } from "../schema.ts";
import type { Transaction } from "../transaction.ts";
import { construct, exposeInterface, type Internal, type Optional, requireArguments, toDomString } from "../web-idl.ts";
import type { IDBRequest } from "./idb-request.ts";
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

type IndexState = {
  readonly transaction: Transaction;
  readonly store: StoreSchema;
  readonly index: IndexSchema;
  /** The face of the object store that it was taken from. */
  readonly storeFace: object;
};

export class IDBIndex {
  readonly #state: IndexState;
  readonly #keyPath: string | readonly string[];

  constructor(...internal: Internal<IndexState>) {
    this.#state = construct(internal);
    const { keyPath } = this.#state.index;
    this.#keyPath = typeof keyPath === "string" ? keyPath : [...keyPath];
  }

  get name(): string {
    return this.#state.index.name;
  }

  set name(value: unknown) {
    const { transaction, store, index } = this.#state;
    const name = toDomString(value);
    if (transaction.mode !== "versionchange") throw exception("InvalidStateError", "Only an upgrade renames an index.");
    requireActive(transaction);
    requireAlive(this.#state);
    if (name === index.name) return;
    if (store.indexes.has(name)) throw exception("ConstraintError", `There is an index "${name}" already.`);
    store.indexes.delete(index.name);
    store.indexes.set(name, index);
    index.name = name;
    transaction.placeUnasked(() => transaction.storage.renameIndex(index, name));
  }

  get objectStore(): object {
    return this.#state.storeFace;
  }

  get keyPath(): string | readonly string[] {
    return this.#state && this.#keyPath;
  }

  get multiEntry(): boolean {
    return this.#state.index.multiEntry;
  }

  get unique(): boolean {
    return this.#state.index.unique;
  }

  get(query: unknown): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBIndex.get");
    return askForValue(this.#asker(state), query);
  }

  getKey(query: unknown): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBIndex.getKey");
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

  #asker(state: IndexState): Asker {
    requireAlive(state);
    requireActive(state.transaction);
    return { face: this, place: { store: state.store, index: state.index }, transaction: state.transaction };
  }
}
exposeInterface(IDBIndex);

function requireAlive({ store, index }: IndexState): void {
  if (store.isDeleted || index.isDeleted) throw exception("InvalidStateError", "The index was deleted.");
}

function requireActive(transaction: Transaction): void {
  if (transaction.state !== "active") throw exception("TransactionInactiveError", "The transaction is not active.");
}
