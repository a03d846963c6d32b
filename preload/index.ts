/**
 * The preload of the app's window: puts `window.latticeHost` before the page and hands over the engine's port.
 * Loaded by main/shell/window.ts in a sandbox. Invariant: the page gets a frozen set of functions that take and give
 * plain data; never ipcRenderer, never an event object. What the shell says before the page listens is kept.
 */
import { contextBridge, ipcRenderer } from "electron";
import * as v from "valibot";
import {
  engineStatusSchema,
  hostInfoSchema,
  routeSchema,
  shellChannels,
  type EngineStatus,
  type LatticeHost,
  type Route,
} from "./contract/shell-contract.ts";

const MAX_KEPT_ROUTES = 10;

/** Listeners of one kind. `replay` says what a newcomer hears first. */
function openListeners<T>(replay: () => readonly T[]): {
  add(listener: (value: T) => void): () => void;
  tell(value: T): boolean;
} {
  const listeners = new Set<(value: T) => void>();
  return {
    add(listener) {
      const own = (value: T): void => listener(value);
      listeners.add(own);
      for (const value of replay()) own(value);
      return () => void listeners.delete(own);
    },
    tell(value) {
      for (const listener of listeners) listener(value);
      return listeners.size > 0;
    },
  };
}

let status: EngineStatus = { state: "starting" };
let keptRoutes: Route[] = [];
const statusListeners = openListeners<EngineStatus>(() => [status]);
const routeListeners = openListeners<Route>(() => keptRoutes.splice(0));

ipcRenderer.on(shellChannels.engineStatus, (_event, data: unknown) => {
  const parsed = v.safeParse(engineStatusSchema, data);
  if (!parsed.success) return;
  status = parsed.output;
  statusListeners.tell(status);
});

ipcRenderer.on(shellChannels.route, (_event, data: unknown) => {
  const parsed = v.safeParse(routeSchema, data);
  if (!parsed.success) return;
  if (!routeListeners.tell(parsed.output)) keptRoutes = [...keptRoutes, parsed.output].slice(-MAX_KEPT_ROUTES);
});

ipcRenderer.on(shellChannels.enginePort, (event, data: unknown) => {
  const parsed = v.safeParse(v.object({ nonce: v.string() }), data);
  const [port] = event.ports;
  if (parsed.success && port) window.postMessage({ latticePort: parsed.output.nonce }, window.location.origin, [port]);
});

const info = v.safeParse(hostInfoSchema, ipcRenderer.sendSync(shellChannels.hostInfo));

// A page that is not ours gets no answer, and then no host either.
if (info.success) {
  const host: LatticeHost = {
    info: info.output,
    requestEnginePort: (nonce) => ipcRenderer.send(shellChannels.requestEnginePort, nonce),
    onEngineStatus: (listener) => statusListeners.add(listener),
    onRoute: (listener) => routeListeners.add(listener),
    showWindow: () => ipcRenderer.send(shellChannels.showWindow),
    openExternal: (url) => ipcRenderer.send(shellChannels.openExternal, url),
    saveFile: (file) => ipcRenderer.send(shellChannels.saveFile, file),
  };
  contextBridge.exposeInMainWorld("latticeHost", host);
}
