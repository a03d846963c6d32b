/**
 * IDBDatabase: a connection to a database. Made by IDBFactory when an open request has an answer.
 * spec: IndexedDB 4.4 "The IDBDatabase interface"
 */
import type { Connection } from "../database.ts";
import { exception } from "../errors.ts";
import { isValidKeyPath } from "../key-path.ts";
import { sortedNames, type StoreSchema } from "../schema.ts";
import { type Durability, Transaction, type TransactionMode } from "../transaction.ts";
import {
  construct,
  exposeInterface,
  INTERNAL,
  type Internal,
  type Optional,
  makeEventTarget,
  requireArguments,
  toDictionary,
  toDomString,
  toEnum,
  toStringOrSequence,
} from "../web-idl.ts";
import { type DOMStringList, toStringList } from "./dom-string-list.ts";
import type { IDBObjectStore } from "./idb-object-store.ts";
import { IDBTransaction, storeFaceOf } from "./idb-transaction.ts";

const MODES: readonly TransactionMode[] = ["readonly", "readwrite", "versionchange"];
const DURABILITIES: readonly Durability[] = ["default", "strict", "relaxed"];

export class IDBDatabase extends EventTarget {
  readonly #connection: Connection;

  static {
    const eventTypes = ["abort", "close", "error", "versionchange"];
    makeEventTarget(this, (face) => face.#connection, eventTypes);
  }

  constructor(...internal: Internal<Connection>) {
    const connection = construct(internal);
    super();
    this.#connection = connection;
    connection.face = this;
  }

  get name(): string {
    return this.#connection.database.schema.name;
  }

  get version(): number {
    return this.#connection.version;
  }

  get objectStoreNames(): DOMStringList {
    return toStringList(sortedNames(this.#connection.stores.keys()));
  }

  transaction(storeNames: unknown, ...[mode, options]: Optional): IDBTransaction {
    const connection = this.#connection;
    requireArguments(arguments.length, 1, "IDBDatabase.transaction");
    const asked = toStringOrSequence(storeNames);
    const askedMode = mode === undefined ? "readonly" : toEnum(mode, MODES, "IDBTransactionMode");
    const { durability } = toDictionary(options);
    const hint = durability === undefined ? "default" : toEnum(durability, DURABILITIES, "IDBTransactionDurability");
    if (connection.upgrade) throw exception("InvalidStateError", "An upgrade is running.");
    if (connection.isClosePending) throw exception("InvalidStateError", "The connection is closed.");
    const scope = new Map<string, StoreSchema>();
    for (const name of typeof asked === "string" ? [asked] : asked) {
      const store = connection.stores.get(name);
      if (!store) throw exception("NotFoundError", `There is no object store "${name}".`);
      scope.set(name, store);
    }
    if (scope.size === 0) throw exception("InvalidAccessError", "A transaction needs an object store.");
    if (askedMode === "versionchange") throw new TypeError("Only open() makes an upgrade transaction.");
    const transaction = new Transaction(connection, askedMode, scope, hint);
    const face = new IDBTransaction(INTERNAL, transaction);
    transaction.schedule();
    return face;
  }

  close(): void {
    this.#connection.close();
  }

  createObjectStore(name: unknown, ...[options]: Optional): IDBObjectStore {
    const connection = this.#connection;
    requireArguments(arguments.length, 1, "IDBDatabase.createObjectStore");
    const text = toDomString(name);
    const { autoIncrement, keyPath } = toDictionary(options);
    const hasGenerator = Boolean(autoIncrement);
    const path = keyPath === undefined || keyPath === null ? null : toStringOrSequence(keyPath);
    const transaction = requireUpgrade(connection);
    if (path !== null && !isValidKeyPath(path)) throw exception("SyntaxError", "The key path is not valid.");
    const { schema } = connection.database;
    if (schema.stores.has(text)) throw exception("ConstraintError", `There is an object store "${text}" already.`);
    if (hasGenerator && (path === "" || Array.isArray(path)))
      throw exception("InvalidAccessError", "A key generator needs a key path of one place in the value.");
    const { storage } = transaction;
    const store: StoreSchema = {
      id: storage.newId("object_store"),
      name: text,
      keyPath: path,
      autoIncrement: hasGenerator,
      nextKey: 1,
      indexes: new Map(),
      isDeleted: false,
    };
    schema.stores.set(text, store);
    transaction.placeUnasked(() => storage.createStore(schema, store, text));
    return storeFaceOf(transaction.face as IDBTransaction, store);
  }

  deleteObjectStore(name: unknown): void {
    const connection = this.#connection;
    requireArguments(arguments.length, 1, "IDBDatabase.deleteObjectStore");
    const text = toDomString(name);
    const transaction = requireUpgrade(connection);
    const { stores } = connection.database.schema;
    const store = stores.get(text);
    if (!store) throw exception("NotFoundError", `There is no object store "${text}".`);
    stores.delete(text);
    store.isDeleted = true;
    for (const index of store.indexes.values()) index.isDeleted = true;
    // Its face shows no indexes from now on; what was in them goes with the store.
    store.indexes = new Map();
    transaction.placeUnasked(() => transaction.storage.deleteStore(store));
  }
}
exposeInterface(IDBDatabase);

function requireUpgrade(connection: Connection): Transaction {
  const { upgrade } = connection;
  if (!(upgrade instanceof Transaction)) throw exception("InvalidStateError", "No upgrade is running.");
  if (upgrade.state !== "active") throw exception("TransactionInactiveError", "The upgrade is not active.");
  return upgrade;
}
