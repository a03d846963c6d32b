/**
 * The preload of the app's windows: puts `window.latticeHost` before the page and hands over the engine's port; in the
 * small window of a ringing call it puts `window.latticeIncomingCall` there instead, and nothing else.
 * Loaded by main/shell in a sandbox. Invariant: the page gets a frozen set of functions that take and give plain data;
 * never ipcRenderer, never an event object. What the shell says before the page listens is kept. Which channels a
 * window may use is the shell's to say; a host that pretends to be another's gets no answer.
 */
import { contextBridge, ipcRenderer } from "electron";
import * as v from "valibot";
import {
  callRequestSchema,
  engineStatusSchema,
  hostInfoSchema,
  INCOMING_CALL_ARGUMENT,
  ringingCallsSchema,
  routeSchema,
  screenRequestSchema,
  shellChannels,
  type CallRequest,
  type EngineStatus,
  type IncomingCallHost,
  type LatticeHost,
  type RingingCall,
  type Route,
  type ScreenRequest,
} from "./contract/shell-contract.ts";

/** Of each kind of what waits for the page. */
const MAX_KEPT = 10;

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

/** Tells the listeners what the shell says on a channel; what cannot be read is dropped. */
function hear<S extends v.GenericSchema>(channel: string, schema: S, tell: (value: v.InferOutput<S>) => void): void {
  ipcRenderer.on(channel, (_event, data: unknown) => {
    const parsed = v.safeParse(schema, data);
    if (parsed.success) tell(parsed.output);
  });
}

function exposeHost(): void {
  let status: EngineStatus = { state: "starting" };
  let keptRoutes: Route[] = [];
  let screenRequest: ScreenRequest = null;
  const statusListeners = openListeners<EngineStatus>(() => [status]);
  const routeListeners = openListeners<Route>(() => keptRoutes.splice(0));
  const screenListeners = openListeners<ScreenRequest>(() => [screenRequest]);
  let keptRequests: CallRequest[] = [];
  const requestListeners = openListeners<CallRequest>(() => keptRequests.splice(0));

  hear(shellChannels.engineStatus, engineStatusSchema, (next) => {
    status = next;
    statusListeners.tell(status);
  });
  hear(shellChannels.route, routeSchema, (route) => {
    if (!routeListeners.tell(route)) keptRoutes = [...keptRoutes, route].slice(-MAX_KEPT);
  });
  hear(shellChannels.screenSources, screenRequestSchema, (request) => {
    screenRequest = request;
    screenListeners.tell(request);
  });
  hear(shellChannels.callRequest, callRequestSchema, (request) => {
    if (!requestListeners.tell(request)) keptRequests = [...keptRequests, request].slice(-MAX_KEPT);
  });
  ipcRenderer.on(shellChannels.enginePort, (event, data: unknown) => {
    const parsed = v.safeParse(v.object({ nonce: v.string() }), data);
    const [port] = event.ports;
    if (parsed.success && port)
      window.postMessage({ latticePort: parsed.output.nonce }, window.location.origin, [port]);
  });

  const info = v.safeParse(hostInfoSchema, ipcRenderer.sendSync(shellChannels.hostInfo));
  // A page that is not ours gets no answer, and then no host either.
  if (!info.success) return;
  const host: LatticeHost = {
    info: info.output,
    requestEnginePort: (nonce) => ipcRenderer.send(shellChannels.requestEnginePort, nonce),
    onEngineStatus: (listener) => statusListeners.add(listener),
    onRoute: (listener) => routeListeners.add(listener),
    showWindow: () => ipcRenderer.send(shellChannels.showWindow),
    openExternal: (url) => ipcRenderer.send(shellChannels.openExternal, url),
    saveFile: (file) => ipcRenderer.send(shellChannels.saveFile, file),
    onScreenSources: (listener) => screenListeners.add(listener),
    chooseScreenSource: (choice) => ipcRenderer.send(shellChannels.chooseScreenSource, choice),
    openCall: (request) => {
      if (info.output.role === "calls") return false;
      ipcRenderer.send(shellChannels.openCall, request);
      return true;
    },
    onCallRequest: (listener) => requestListeners.add(listener),
    openMain: (route) => ipcRenderer.send(shellChannels.openMain, route),
    closeWindow: () => ipcRenderer.send(shellChannels.closeWindow),
    setCompact: (isCompact) => ipcRenderer.send(shellChannels.setCompact, isCompact),
  };
  contextBridge.exposeInMainWorld("latticeHost", host);
}

function exposeIncomingCallHost(): void {
  let calls: readonly RingingCall[] = [];
  const callListeners = openListeners<readonly RingingCall[]>(() => [calls]);
  hear(shellChannels.incomingCalls, ringingCallsSchema, (next) => {
    calls = next;
    callListeners.tell(calls);
  });
  const info = v.safeParse(v.object({ mediaBase: v.string() }), ipcRenderer.sendSync(shellChannels.incomingCallInfo));
  if (!info.success) return;
  const host: IncomingCallHost = {
    mediaBase: info.output.mediaBase,
    onCalls: (listener) => callListeners.add(listener),
    reply: (reply) => ipcRenderer.send(shellChannels.incomingCallReply, reply),
    fitHeight: (heightPx) => ipcRenderer.send(shellChannels.incomingCallHeight, heightPx),
  };
  contextBridge.exposeInMainWorld("latticeIncomingCall", host);
}

if (process.argv.includes(INCOMING_CALL_ARGUMENT)) exposeIncomingCallHost();
else exposeHost();
