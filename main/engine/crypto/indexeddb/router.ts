/**
 * The router: one `indexedDB` for the process, that leads each database name to the file that is mounted for it.
 * For programs that take IndexedDB from the global object, as WASM does, while each account has a file of its own.
 * Invariant: a name belongs to the longest prefix that is mounted; one that belongs to none cannot be opened.
 */
import { exception } from "./errors.ts";
import type { IndexedDbHandle } from "./handle.ts";
import { IDBFactory } from "./interfaces/idb-factory.ts";
import type { OpenQueue } from "./open-queue.ts";
import { INTERNAL } from "./web-idl.ts";

export interface IndexedDbRouter {
  readonly indexedDB: IDBFactory;
  /** Leads the names that begin with `prefix` to this file, until the returned function is called. */
  mount(prefix: string, handle: IndexedDbHandle): () => void;
}

export function openIndexedDbRouter(): IndexedDbRouter {
  const mounts = new Map<string, IndexedDbHandle>();
  const queueFor = (name: string): OpenQueue => {
    let best: string | undefined;
    for (const prefix of mounts.keys())
      if (name.startsWith(prefix) && (best === undefined || prefix.length > best.length)) best = prefix;
    const handle = best === undefined ? undefined : mounts.get(best);
    if (!handle) throw exception("UnknownError", `No file is mounted for the database "${name}".`);
    return handle.queue;
  };
  return {
    indexedDB: new IDBFactory(INTERNAL, {
      queueFor,
      queues: () => new Set([...mounts.values()].map((handle) => handle.queue)),
    }),
    mount(prefix, handle) {
      if (mounts.has(prefix)) throw new Error(`"${prefix}" is mounted already`);
      mounts.set(prefix, handle);
      return () => {
        if (mounts.get(prefix) === handle) mounts.delete(prefix);
      };
    },
  };
}
