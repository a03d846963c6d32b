/**
 * What the page finds around it: Vite's client types and the host object that the preload or the browser host
 * provides. Invariant: `latticeHost` may be absent (a plain dev server); whoever reads it says what happens then.
 */
/// <reference types="vite/client" />

interface Window {
  readonly latticeHost?: import("../preload/contract/shell-contract.ts").LatticeHost;
  readonly latticeIncomingCall?: import("../preload/contract/shell-contract.ts").IncomingCallHost;
}
