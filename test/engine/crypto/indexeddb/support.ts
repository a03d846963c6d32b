/**
 * What the tests of indexeddb/ share: a fresh file for each test, and promises for requests and transactions.
 * Typed as the DOM's IndexedDB, which is what a program sees; the classes themselves are the engine's.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import * as engine from "../../../../main/engine/crypto/indexeddb/index.ts";

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lattice-idb-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openFile(path = join(temporaryFolder(), "test.db"), cacheBytes?: number) {
  const handle = engine.openIndexedDb(cacheBytes === undefined ? { path } : { path, cacheBytes });
  onTestFinished(() => handle.close());
  return { path, handle, indexedDB: handle.indexedDB as unknown as IDBFactory };
}

export const KeyRange = engine.IDBKeyRange as unknown as typeof IDBKeyRange;

/** The result of a request; its error is thrown. Nothing else than the request is kept from its defaults. */
export function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.addEventListener("error", (event) => {
      event.preventDefault();
      event.stopPropagation();
      reject(request.error);
    });
  });
}

/** How a transaction ends: "complete", or the name of the error that aborted it. */
export function ended(transaction: IDBTransaction): Promise<string> {
  return new Promise((resolve) => {
    transaction.oncomplete = () => resolve("complete");
    transaction.addEventListener("abort", () => resolve(transaction.error?.name ?? "abort"));
  });
}

type Upgrade = (database: IDBDatabase, transaction: IDBTransaction, event: IDBVersionChangeEvent) => void;

export function openDatabase(
  factory: IDBFactory,
  upgrade: Upgrade = () => undefined,
  { name = "test", version = 1 }: { name?: string; version?: number } = {},
): Promise<IDBDatabase> {
  const request = factory.open(name, version);
  request.onupgradeneeded = (event) => upgrade(request.result, request.transaction as IDBTransaction, event);
  return done(request);
}

/** A database with the object store "store" and the records given. */
export async function openStore(
  records: readonly (readonly [value: unknown, key?: IDBValidKey])[] = [],
  options: IDBObjectStoreParameters = {},
  upgrade: (store: IDBObjectStore) => void = () => undefined,
) {
  const file = openFile();
  const database = await openDatabase(file.indexedDB, (opened) => {
    const store = opened.createObjectStore("store", options);
    for (const [value, key] of records) store.add(value, key);
    upgrade(store);
  });
  const store = (mode: IDBTransactionMode = "readonly") => database.transaction("store", mode).objectStore("store");
  return { ...file, database, store };
}

/** The name of what `work` throws: a DOMException's, or the class of another error. */
export function thrownBy(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).name;
  }
  return "nothing";
}

/** All that a cursor visits. */
export async function walk(
  request: IDBRequest<IDBCursor | null> | IDBRequest<IDBCursorWithValue | null>,
): Promise<[IDBValidKey, IDBValidKey][]> {
  const visited: [IDBValidKey, IDBValidKey][] = [];
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(request.error));
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve(visited);
      visited.push([cursor.key, cursor.primaryKey]);
      cursor.continue();
    };
  });
}

/** Lets every task and timer of this moment run. */
export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
