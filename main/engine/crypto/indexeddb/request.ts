/**
 * Request: one thing asked of a database, its outcome, and where it came from. Made by the faces, settled by its
 * transaction or by the open queue.
 * Invariant: result and error are told only when it is done, and never both.
 * spec: IndexedDB 2.8 "Requests"
 */
import { EventNode } from "./events.ts";

export class Request extends EventNode {
  /** The face of the object store, index or cursor that it was made through. */
  readonly source: object | null;
  /** The transaction it belongs to; an open request's only while its upgrade runs. */
  transaction: EventNode | null;
  isDone = false;
  #result: unknown;
  #error: DOMException | null = null;

  constructor(source: object | null, transaction: EventNode | null) {
    super(transaction ?? undefined);
    this.source = source;
    this.transaction = transaction;
  }

  get result(): unknown {
    return this.#result;
  }

  get error(): DOMException | null {
    return this.#error;
  }

  succeed(result: unknown): void {
    this.isDone = true;
    this.#result = result;
    this.#error = null;
  }

  fail(error: DOMException): void {
    this.isDone = true;
    this.#result = undefined;
    this.#error = error;
  }

  /** A cursor's request waits anew for each step. */
  restart(): void {
    this.isDone = false;
    this.#result = undefined;
    this.#error = null;
  }
}
