/**
 * What the WASM needs of its surroundings: an `indexedDB` with its classes, as in a browser. Called by machine.ts.
 * Invariant: there is one for the process, put in place before the first machine; it leads each account's stores
 * to that account's file, and knows no others.
 */
import { installIndexedDbGlobals, openIndexedDbRouter } from "./indexeddb/index.ts";

let router: ReturnType<typeof openIndexedDbRouter> | undefined;

export function indexedDbRouter(): ReturnType<typeof openIndexedDbRouter> {
  if (!router) {
    router = openIndexedDbRouter();
    installIndexedDbGlobals(router.indexedDB);
  }
  return router;
}
