/**
 * Gets the MessagePort to the engine from the host, and makes a FramePort of it. Used by EngineProvider only;
 * everything above speaks frames. The host delivers the port as a `message` event of our own window.
 * Invariant: a port is taken only from this window, with the nonce of this very request, and at most once.
 */
import type { FramePort } from "../../preload/contract/frames.ts";
import type { LatticeHost } from "../../preload/contract/shell-contract.ts";

const PORT_TIMEOUT_MS = 10_000;

/** Wraps a MessagePort. `onClose` also fires when the other side vanishes. */
export function framePortOf(port: MessagePort): FramePort {
  let hasClosed = false;
  const closeListeners: (() => void)[] = [];
  const closed = () => {
    if (hasClosed) return;
    hasClosed = true;
    for (const listener of closeListeners) listener();
  };
  port.addEventListener("close", closed);
  return {
    post: (frame) => {
      if (!hasClosed) port.postMessage(frame);
    },
    onFrame: (listener) => {
      port.addEventListener("message", (event) => listener(event.data));
      port.start();
    },
    onClose: (listener) => {
      closeListeners.push(listener);
    },
    close: () => {
      port.close();
      closed();
    },
  };
}

/** Asks the host for a fresh port; rejects when none comes in time or the signal aborts. */
export function requestFramePort(host: LatticeHost, signal: AbortSignal): Promise<FramePort> {
  return new Promise((resolve, reject) => {
    const nonce = crypto.randomUUID();
    const stop = () => {
      clearTimeout(timer);
      window.removeEventListener("message", onMessage);
      signal.removeEventListener("abort", giveUp);
    };
    const giveUp = () => {
      stop();
      reject(new Error("the host gave no port to the engine"));
    };
    const onMessage = (event: MessageEvent<unknown>) => {
      if (event.source !== window || !carriesNonce(event.data, nonce)) return;
      const port = event.ports[0];
      if (!port) return;
      stop();
      resolve(framePortOf(port));
    };
    const timer = setTimeout(giveUp, PORT_TIMEOUT_MS);
    window.addEventListener("message", onMessage);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) return giveUp();
    host.requestEnginePort(nonce);
  });
}

function carriesNonce(data: unknown, nonce: string): boolean {
  return typeof data === "object" && data !== null && "latticePort" in data && data.latticePort === nonce;
}
