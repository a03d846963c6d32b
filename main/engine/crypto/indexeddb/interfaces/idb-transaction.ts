/**
 * IDBTransaction. Made by IDBDatabase, and by IDBFactory for an upgrade.
 * spec: IndexedDB 4.9 "The IDBTransaction interface"
 */
import { exception } from "../errors.ts";
import { sortedNames, type StoreSchema } from "../schema.ts";
import type { Transaction } from "../transaction.ts";
import {
  construct,
  exposeInterface,
  INTERNAL,
  type Internal,
  makeEventTarget,
  requireArguments,
  toDomString,
} from "../web-idl.ts";
import { type DOMStringList, toStringList } from "./dom-string-list.ts";
import { IDBObjectStore } from "./idb-object-store.ts";

/** One face for an object store, for as long as the transaction lives. */
let storeFaceOf: (face: IDBTransaction, store: StoreSchema) => IDBObjectStore;

export class IDBTransaction extends EventTarget {
  readonly #transaction: Transaction;
  readonly #stores = new Map<StoreSchema, IDBObjectStore>();

  static {
    storeFaceOf = (face, store) => face.#storeFace(store);
    makeEventTarget(this, (face) => face.#transaction, ["abort", "complete", "error"]);
  }

  constructor(...internal: Internal<Transaction>) {
    const transaction = construct(internal);
    super();
    this.#transaction = transaction;
    transaction.face = this;
  }

  get objectStoreNames(): DOMStringList {
    return toStringList(sortedNames(this.#transaction.stores.keys()));
  }

  get mode(): string {
    return this.#transaction.mode;
  }

  get durability(): string {
    return this.#transaction.durability;
  }

  get db(): EventTarget {
    return this.#transaction.connection.face as EventTarget;
  }

  get error(): DOMException | null {
    return this.#transaction.error;
  }

  objectStore(name: unknown): IDBObjectStore {
    const transaction = this.#transaction;
    requireArguments(arguments.length, 1, "IDBTransaction.objectStore");
    const text = toDomString(name);
    if (transaction.isFinished) throw exception("InvalidStateError", "The transaction has finished.");
    const store = transaction.stores.get(text);
    if (!store) throw exception("NotFoundError", `The object store "${text}" is not in the transaction's scope.`);
    return this.#storeFace(store);
  }

  #storeFace(store: StoreSchema): IDBObjectStore {
    let face = this.#stores.get(store);
    if (!face) {
      face = new IDBObjectStore(INTERNAL, { transaction: this.#transaction, store });
      this.#stores.set(store, face);
    }
    return face;
  }

  commit(): void {
    const transaction = this.#transaction;
    if (transaction.state !== "active") throw exception("InvalidStateError", "The transaction is not active.");
    transaction.commit();
  }

  abort(): void {
    const transaction = this.#transaction;
    if (transaction.state === "committing" || transaction.isFinished)
      throw exception("InvalidStateError", "The transaction is committing or has finished.");
    transaction.abort(null);
  }
}
exposeInterface(IDBTransaction);

export { storeFaceOf };
