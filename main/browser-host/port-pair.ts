/**
 * Two frame ports in one process, each the other's far side: for the host's own calls to the engine.
 * Used by engine-caller.ts and by tests. Invariant: frames arrive in order and never inside the call that posted
 * them; closing either end closes both.
 */
import type { FramePort } from "../../preload/contract/frames.ts";

/** Two connected ports. */
export function openPortPair(): [FramePort, FramePort] {
  const near = new LocalPort();
  const far = new LocalPort();
  near.peer = far;
  far.peer = near;
  return [near, far];
}

class LocalPort implements FramePort {
  peer: LocalPort | undefined;
  #isOpen = true;
  readonly #waiting: unknown[] = [];
  #frameListener: ((frame: unknown) => void) | undefined;
  readonly #closeListeners: (() => void)[] = [];

  post(frame: unknown): void {
    if (this.#isOpen) queueMicrotask(() => this.peer?.receive(frame));
  }

  receive(frame: unknown): void {
    if (!this.#isOpen) return;
    if (this.#frameListener) this.#frameListener(frame);
    else this.#waiting.push(frame);
  }

  onFrame(listener: (frame: unknown) => void): void {
    this.#frameListener = listener;
    for (const frame of this.#waiting.splice(0)) listener(frame);
  }

  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const listener of this.#closeListeners) listener();
    queueMicrotask(() => this.peer?.close());
  }
}
