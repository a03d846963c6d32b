/**
 * Carries frames over a WebSocket as JSON text, one socket per port. Used by server.ts for every window.
 * Invariant: what is not one JSON object is dropped and counted; a reader that does not keep up is cut off rather
 * than filling the memory; and commands with bytes, which JSON cannot carry, are refused here.
 */
import { WebSocket } from "ws";
import type { ClientFrame, EngineFrame, FramePort } from "../../preload/contract/frames.ts";

/** The longest frame that a window may send: a session description of the longest kind, twice. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
const WITH_BYTES: ReadonlySet<unknown> = new Set(["media.fetch", "files.append", "files.read"]);

/** The socket as a port. */
export class SocketPort implements FramePort {
  readonly #socket: WebSocket;
  #droppedCount = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    // The close that follows an error is what counts.
    socket.on("error", () => {});
  }

  /** How many frames did not parse. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  post(frame: ClientFrame | EngineFrame): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#socket.terminate();
    else this.#socket.send(JSON.stringify(frame));
  }

  onFrame(listener: (frame: unknown) => void): void {
    // With the default binaryType, ws hands over a Buffer.
    this.#socket.on("message", (data, isBinary) => {
      const frame = isBinary ? undefined : parseObject((data as Buffer).toString());
      if (frame === undefined) this.#droppedCount += 1;
      else if (carriesBytes(frame)) this.#refuse(frame);
      else listener(frame);
    });
  }

  onClose(listener: () => void): void {
    if (this.#socket.readyState === WebSocket.CLOSED) queueMicrotask(listener);
    else this.#socket.once("close", listener);
  }

  close(): void {
    this.#socket.close();
  }

  #refuse(frame: object): void {
    const id: unknown = Reflect.get(frame, "id");
    if (typeof id !== "number") return;
    const message = "Files go by their address, not over this port.";
    this.post({ t: "failed", id, error: { code: "invalid-request", message } });
  }
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const carriesBytes = (frame: object): boolean =>
  Reflect.get(frame, "t") === "call" && WITH_BYTES.has(Reflect.get(frame, "command"));
