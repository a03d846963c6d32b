/**
 * The door of indexeddb/: a durable IndexedDB over one SQLite file, and what a browser puts on its global object.
 */
export { exceptionReporter } from "./events.ts";
export { StorageFailure } from "./errors.ts";
export { type IndexedDbHandle, type IndexedDbOptions, openIndexedDb } from "./handle.ts";
export { type IndexedDbRouter, openIndexedDbRouter } from "./router.ts";
export { installIndexedDbGlobals } from "./globals.ts";
export { DOMStringList } from "./interfaces/dom-string-list.ts";
export { IDBCursor, IDBCursorWithValue } from "./interfaces/idb-cursor.ts";
export { IDBDatabase } from "./interfaces/idb-database.ts";
export { IDBFactory } from "./interfaces/idb-factory.ts";
export { IDBIndex } from "./interfaces/idb-index.ts";
export { IDBKeyRange } from "./interfaces/idb-key-range.ts";
export { IDBObjectStore } from "./interfaces/idb-object-store.ts";
export { IDBRecord } from "./interfaces/idb-record.ts";
export { IDBOpenDBRequest, IDBRequest } from "./interfaces/idb-request.ts";
export { IDBTransaction } from "./interfaces/idb-transaction.ts";
export { IDBVersionChangeEvent } from "./interfaces/idb-version-change-event.ts";
