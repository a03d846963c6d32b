/**
 * IDBRequest and IDBOpenDBRequest: how a script sees a request. Made by the other faces.
 * spec: IndexedDB 4.1 "The IDBRequest interface"
 */
import { exception } from "../errors.ts";
import { Request } from "../request.ts";
import type { Transaction } from "../transaction.ts";
import { construct, exposeInterface, INTERNAL, type Internal, makeEventTarget } from "../web-idl.ts";

let requestOf: (face: IDBRequest) => Request;

export class IDBRequest extends EventTarget {
  readonly #request: Request;

  static {
    requestOf = (face) => face.#request;
  }

  constructor(...internal: Internal<Request>) {
    const request = construct(internal);
    super();
    this.#request = request;
    request.face = this;
  }

  get result(): unknown {
    if (!this.#request.isDone) throw exception("InvalidStateError", "The request is not done yet.");
    return this.#request.result;
  }

  get error(): DOMException | null {
    if (!this.#request.isDone) throw exception("InvalidStateError", "The request is not done yet.");
    return this.#request.error;
  }

  get source(): object | null {
    return this.#request.source;
  }

  get transaction(): EventTarget | null {
    return this.#request.transaction?.face ?? null;
  }

  get readyState(): "pending" | "done" {
    return this.#request.isDone ? "done" : "pending";
  }
}
makeEventTarget(IDBRequest, requestOf, ["success", "error"]);
exposeInterface(IDBRequest);

export class IDBOpenDBRequest extends IDBRequest {
  readonly #request: Request;

  static {
    makeEventTarget(this, (face) => face.#request, ["blocked", "upgradeneeded"]);
  }

  constructor(...internal: Internal<Request>) {
    super(...internal);
    this.#request = internal[1] as Request;
  }
}
exposeInterface(IDBOpenDBRequest);

/** Queues `run` as a request of `source`, an object store's, index's or cursor's face. */
export function placeRequest(
  transaction: Transaction,
  source: object,
  run: () => unknown,
  { writes = false }: { writes?: boolean } = {},
): IDBRequest {
  const request = new Request(source, transaction);
  const face = new IDBRequest(INTERNAL, request);
  transaction.place(request, run, writes);
  return face;
}
