/**
 * openIndexedDb(): an IndexedDB over one SQLite file. Called by the crypto store's owner; programs and tests may, too.
 * Invariant: a file has one handle at a time, which holds the file's lock until it is closed.
 */
import type { DatabaseFile } from "./database.ts";
import type { StorageFailure } from "./errors.ts";
import { IDBDatabase } from "./interfaces/idb-database.ts";
import { IDBFactory } from "./interfaces/idb-factory.ts";
import { IDBTransaction } from "./interfaces/idb-transaction.ts";
import { IDBVersionChangeEvent } from "./interfaces/idb-version-change-event.ts";
import { OpenQueue } from "./open-queue.ts";
import { Scheduler } from "./scheduler.ts";
import { Storage } from "./storage.ts";
import { INTERNAL } from "./web-idl.ts";

export type IndexedDbOptions = {
  /** The file; made where it is missing, readable by its owner only. Its folder must exist. */
  path: string;
  /** How much memory may be spent on what was read lately. */
  cacheBytes?: number;
  /** Called when the open file fails: a script whose transaction is aborted is not always told why. */
  onFailure?: (failure: StorageFailure) => void;
};

const CACHE_BYTES = 8 * 1024 * 1024;

export interface IndexedDbHandle {
  readonly indexedDB: IDBFactory;
  /** What the router leads to. */
  readonly queue: OpenQueue;
  /**
   * Runs `work` with one sync at its end for all that it commits to these object stores alone, in place of one for each
   * commit. To be used for what is done again where `work` does not end.
   */
  syncOnce<T>(storeNames: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Aborts what runs and closes the file. Everything of it fails afterwards. */
  close(): void;
}

/** Throws a StorageFailure where the file is damaged, is none of ours, or is open elsewhere. It is left as it is. */
export function openIndexedDb({ path, cacheBytes = CACHE_BYTES, onFailure }: IndexedDbOptions): IndexedDbHandle {
  const storage = Storage.open(path, cacheBytes, onFailure);
  const file: DatabaseFile = { storage, scheduler: new Scheduler(storage), isClosed: false };
  const queue = new OpenQueue(file, {
    versionEvent: (type, oldVersion, newVersion) => new IDBVersionChangeEvent(type, { oldVersion, newVersion }),
    connectionFace: (connection) => new IDBDatabase(INTERNAL, connection),
    transactionFace: (transaction) => void new IDBTransaction(INTERNAL, transaction),
  });
  return {
    indexedDB: new IDBFactory(INTERNAL, { queueFor: () => queue, queues: () => [queue] }),
    queue,
    syncOnce: (storeNames, work) => file.scheduler.syncOnce(storeNames, work),
    close() {
      if (file.isClosed) return;
      queue.closeAll();
      file.isClosed = true;
      storage.close();
    },
  };
}
