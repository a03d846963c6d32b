/**
 * Carries the frames of one MessagePort over one WebSocket to the host. Used by host.ts.
 * Invariant: frames keep their order, also those sent before the socket is open. A page is not told by Chromium that
 * the other end of its port was closed, so a lost socket is reported to host.ts, which tells the page.
 */

/** Address of a socket of this host. */
export const socketUrl = (path: string): string => `ws://${window.location.host}${path}`;

/** Ties the port to a new socket; the returned function ends both. `onLost` is called when the socket ends otherwise. */
export function bridgePort(port: MessagePort, onLost: () => void): () => void {
  let isOurs = true;
  const end = (): void => {
    isOurs = false;
    socket.close();
    port.close();
  };
  const socket = openSocket({
    onFrame: (frame) => port.postMessage(frame),
    onClose: () => {
      if (!isOurs) return;
      end();
      onLost();
    },
  });
  port.addEventListener("message", (event: MessageEvent<unknown>) => socket.send(event.data));
  port.start();
  return end;
}

/** A socket to the engine that speaks frames. */
export type EngineSocket = { send(frame: unknown): void; close(): void };

/** Opens a socket to the engine; what is sent before it is open waits. */
export function openSocket(listeners: { onFrame: (frame: unknown) => void; onClose: () => void }): EngineSocket {
  const socket = new WebSocket(socketUrl("/engine"));
  const waiting: string[] = [];
  socket.addEventListener("open", () => {
    for (const text of waiting.splice(0)) socket.send(text);
  });
  socket.addEventListener("message", (event: MessageEvent<unknown>) => {
    let frame: unknown;
    try {
      frame = JSON.parse(String(event.data));
    } catch {
      return;
    }
    listeners.onFrame(frame);
  });
  socket.addEventListener("close", () => listeners.onClose());
  return {
    send(frame) {
      const text = JSON.stringify(frame);
      if (socket.readyState === WebSocket.CONNECTING) waiting.push(text);
      else if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}
