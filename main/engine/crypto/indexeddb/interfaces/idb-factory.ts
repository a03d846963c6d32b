/**
 * IDBFactory: opens and deletes databases. Made by openIndexedDb() over one file, and by the router over many.
 * spec: IndexedDB 4.3 "The IDBFactory interface"
 */
import { compareKeys } from "../keys.ts";
import type { OpenQueue } from "../open-queue.ts";
import { Request } from "../request.ts";
import { enqueueTurn } from "../turns.ts";
import {
  construct,
  exposeInterface,
  INTERNAL,
  type Internal,
  type Optional,
  requireArguments,
  toDomString,
  toEnforcedInteger,
} from "../web-idl.ts";
import { requireKey } from "./idb-key-range.ts";
import { IDBOpenDBRequest } from "./idb-request.ts";

/** Where a factory finds its databases. */
export type DatabaseSource = {
  /** The queue that has the database of this name. May throw. */
  queueFor(name: string): OpenQueue;
  queues(): Iterable<OpenQueue>;
};

export class IDBFactory {
  readonly #source: DatabaseSource;

  constructor(...internal: Internal<DatabaseSource>) {
    this.#source = construct(internal);
  }

  open(name: unknown, ...[version]: Optional): IDBOpenDBRequest {
    const source = this.#source;
    requireArguments(arguments.length, 1, "IDBFactory.open");
    const text = toDomString(name);
    const number = version === undefined ? undefined : toEnforcedInteger(version, 64);
    if (number === 0) throw new TypeError("A version is at least 1.");
    const queue = source.queueFor(text);
    const request = new Request(null, null);
    const face = new IDBOpenDBRequest(INTERNAL, request);
    queue.open(text, number, request);
    return face;
  }

  deleteDatabase(name: unknown): IDBOpenDBRequest {
    const source = this.#source;
    requireArguments(arguments.length, 1, "IDBFactory.deleteDatabase");
    const text = toDomString(name);
    const queue = source.queueFor(text);
    const request = new Request(null, null);
    const face = new IDBOpenDBRequest(INTERNAL, request);
    queue.delete(text, request);
    return face;
  }

  async databases(): Promise<{ name: string; version: number }[]> {
    const source = this.#source;
    await new Promise<void>((resolve) => {
      enqueueTurn(() => {
        resolve();
        return undefined;
      });
    });
    return [...source.queues()].flatMap((queue) => queue.databases());
  }

  cmp(first: unknown, second: unknown): number {
    const source = this.#source;
    requireArguments(arguments.length, 2, "IDBFactory.cmp");
    return source && compareKeys(requireKey(first), requireKey(second));
  }
}
exposeInterface(IDBFactory);
