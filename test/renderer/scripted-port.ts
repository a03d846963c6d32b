/**
 * A FramePort whose other side is the test: it records what the client sends and delivers what the test says.
 * Used by the engine client's tests. Invariant: delivery is synchronous, and nothing arrives after a close.
 */
import { CONTRACT_VERSION } from "../../preload/contract/engine-contract.ts";
import type { ClientFrame, FramePort } from "../../preload/contract/frames.ts";

/** The test's end of a port. */
export class ScriptedPort implements FramePort {
  readonly sent: ClientFrame[] = [];
  isClosed = false;
  readonly #frameListeners: ((frame: unknown) => void)[] = [];
  readonly #closeListeners: (() => void)[] = [];

  post(frame: unknown): void {
    this.sent.push(frame as ClientFrame);
  }
  onFrame(listener: (frame: unknown) => void): void {
    this.#frameListeners.push(listener);
  }
  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const listener of this.#closeListeners) listener();
  }

  /** A frame from the engine, whatever it is. */
  deliver(frame: unknown): void {
    if (this.isClosed) return;
    for (const listener of this.#frameListeners) listener(frame);
  }
  hello(engineId = "engine-1", contractVersion: number = CONTRACT_VERSION): void {
    this.deliver({ t: "hello", contractVersion, engineId });
  }
  sentOf<T extends ClientFrame["t"]>(t: T): Extract<ClientFrame, { t: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { t: T }> => frame.t === t);
  }
}
