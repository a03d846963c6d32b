/**
 * Carries frames over Electron's MessagePortMain. Made by index.ts for the shell's own connection to the engine.
 * Invariant: `onClose` fires once, whichever side ended.
 */
import type { MessagePortMain } from "electron";
import type { FramePort } from "../../preload/contract/frames.ts";

/** The frame port over one end of a channel, started. */
export function openFramePort(port: MessagePortMain): FramePort {
  let isOpen = true;
  const closeListeners: (() => void)[] = [];
  const onClosed = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const listener of closeListeners) listener();
  };
  port.on("close", onClosed);
  return {
    post: (frame) => {
      if (isOpen) port.postMessage(frame);
    },
    onFrame: (listener) => {
      port.on("message", (event) => listener(event.data));
      port.start();
    },
    onClose: (listener) => void closeListeners.push(listener),
    close: () => {
      if (!isOpen) return;
      port.close();
      onClosed();
    },
  };
}
