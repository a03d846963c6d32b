/**
 * The script that the browser host puts before the page: `window.latticeHost` as Electron's preload provides it, with
 * WebSockets to the host behind it. Built into `dist/browser-host-page/host.js`.
 * Invariant: the page cannot tell the difference: it gets a real MessagePort by `window.postMessage`, and one port at
 * a time; what happens before it listens is kept for it.
 */
import { fileUrl } from "../../../preload/contract/file-address.ts";
import type { EngineStatus, HostInfo, LatticeHost, Route } from "../../../preload/contract/shell-contract.ts";
import { openCallsSide, openRoomsSide, roleOfPage } from "./calls-window.ts";
import { followEngineStatus } from "./engine-status.ts";
import { showNotifications } from "./notifications.ts";
import { bridgePort } from "./port-bridge.ts";

declare global {
  interface ImportMeta {
    /** Set by the build. */
    readonly env: { readonly LATTICE_VERSION: string };
  }
}

const role = roleOfPage();
const info: HostInfo = {
  runtime: "browser",
  role,
  version: import.meta.env.LATTICE_VERSION,
  platform: navigator.platform,
  mediaBase: "/media/",
  canPlaceWindows: false,
};

/** The news that the engine ended comes over another socket, and may be the slower one. */
const LOST_PORT_WAIT_MS = 500;

let status: EngineStatus = { state: "starting" };
const statusListeners = new Set<(status: EngineStatus) => void>();
const routeListeners = new Set<(route: Route) => void>();

/** The request for a port that waits for the engine to run. */
let awaitingNonce: string | undefined;
let closeBridge: (() => void) | undefined;

function deliverPort(nonce: string): void {
  closeBridge?.();
  awaitingNonce = undefined;
  const { port1, port2 } = new MessageChannel();
  const close = bridgePort(port1, () => setTimeout(() => closeBridge === close && renewLostPort(), LOST_PORT_WAIT_MS));
  closeBridge = close;
  window.postMessage({ latticePort: nonce }, window.location.origin, [port2]);
}

/** Where an engine that ended does not explain the loss, the page hears of a short restart, and asks for a new port. */
function renewLostPort(): void {
  if (status.state !== "running") return;
  tell({ state: "restarting", attempt: 1, delayMs: 0 });
  tell({ state: "running" });
}

function lead(route: Route): void {
  for (const listener of routeListeners) listener(route);
}

const openCall = role === "main" ? openCallsSide(lead) : () => false;
const rooms = role === "calls" ? openRoomsSide() : undefined;

function tell(next: EngineStatus): void {
  status = next;
  for (const listener of statusListeners) listener(next);
}

const latticeHost: LatticeHost = {
  info: Object.freeze(info),
  requestEnginePort(nonce) {
    if (status.state === "running") deliverPort(nonce);
    else awaitingNonce = nonce;
  },
  onEngineStatus(listener) {
    statusListeners.add(listener);
    listener(status);
    return () => statusListeners.delete(listener);
  },
  onRoute(listener) {
    routeListeners.add(listener);
    return () => routeListeners.delete(listener);
  },
  showWindow: () => window.focus(),
  openExternal(url) {
    if (!URL.canParse(url)) return;
    const { protocol, href } = new URL(url);
    if (protocol === "https:" || protocol === "http:" || protocol === "mailto:")
      window.open(href, "_blank", "noopener,noreferrer");
  },
  saveFile(file) {
    const link = document.createElement("a");
    link.href = fileUrl(info.mediaBase, file, { toSave: true });
    // The name is the answer's.
    link.download = "";
    link.click();
  },
  // The browser has a dialog of its own for this.
  onScreenSources: () => () => {},
  chooseScreenSource: () => {},
  openCall,
  onCallRequest: (listener) => rooms?.onRequest(listener) ?? (() => {}),
  openMain: (route) => rooms?.openMain(route),
  closeWindow: () => window.close(),
  setCompact: () => {},
};

Object.defineProperty(window, "latticeHost", { value: Object.freeze(latticeHost), enumerable: true });

// Two windows of one app tell everything once.
const notifications =
  role === "main"
    ? showNotifications((route) => {
        window.focus();
        lead(route);
      })
    : undefined;

followEngineStatus((next) => {
  // The page first: it asks for a new port by itself, which replaces a request that waits.
  tell(next);
  if (next.state === "running" && awaitingNonce !== undefined) deliverPort(awaitingNonce);
  notifications?.onEngineStatus(next);
});
