/**
 * installIndexedDbGlobals(): puts `indexedDB` and its classes on a global object, as a browser has them.
 * spec: Web IDL 3.7 "Interfaces" (interface objects are writable, configurable and not enumerable)
 */
import { DOMStringList } from "./interfaces/dom-string-list.ts";
import { IDBCursor, IDBCursorWithValue } from "./interfaces/idb-cursor.ts";
import { IDBDatabase } from "./interfaces/idb-database.ts";
import { IDBFactory } from "./interfaces/idb-factory.ts";
import { IDBIndex } from "./interfaces/idb-index.ts";
import { IDBKeyRange } from "./interfaces/idb-key-range.ts";
import { IDBObjectStore } from "./interfaces/idb-object-store.ts";
import { IDBRecord } from "./interfaces/idb-record.ts";
import { IDBOpenDBRequest, IDBRequest } from "./interfaces/idb-request.ts";
import { IDBTransaction } from "./interfaces/idb-transaction.ts";
import { IDBVersionChangeEvent } from "./interfaces/idb-version-change-event.ts";

const INTERFACES = {
  IDBCursor,
  IDBCursorWithValue,
  IDBDatabase,
  IDBFactory,
  IDBIndex,
  IDBKeyRange,
  IDBObjectStore,
  IDBOpenDBRequest,
  IDBRecord,
  IDBRequest,
  IDBTransaction,
  IDBVersionChangeEvent,
};

export function installIndexedDbGlobals(factory: IDBFactory, target: object = globalThis): void {
  const classes = "DOMStringList" in target ? INTERFACES : { ...INTERFACES, DOMStringList };
  for (const [name, value] of Object.entries(classes))
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
  const attribute = {
    get indexedDB(): IDBFactory {
      return factory;
    },
  };
  const descriptor = Object.getOwnPropertyDescriptor(attribute, "indexedDB");
  Object.defineProperty(target, "indexedDB", descriptor as PropertyDescriptor);
}
