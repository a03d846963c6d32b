/**
 * An engine for tests of the browser host: answers `media.fetch`, echoes every other call, and notes who connected.
 * Used by the tests of this folder. Invariant: it says hello first, as the real one does.
 */
import type { HostedEngine } from "../../main/browser-host/hosted-engine.ts";
import type { FramePort } from "../../preload/contract/frames.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";

export type StubEngine = HostedEngine & {
  ports: FramePort[];
  /** Ports that subscribed to the topic `notifications`. */
  subscriptions: FramePort[];
  resyncs: number;
  setStatus(status: EngineStatus): void;
};

/** A new engine that runs. */
export function stubEngine(
  media: { contentType: string; bytes: Uint8Array } = { contentType: "image/png", bytes: new Uint8Array([1, 2, 3, 4]) },
): StubEngine {
  let status: EngineStatus = { state: "running" };
  const listeners = new Set<(status: EngineStatus) => void>();
  const ports: FramePort[] = [];
  const subscriptions: FramePort[] = [];
  const stub: StubEngine = {
    ports,
    subscriptions,
    resyncs: 0,
    get status() {
      return status;
    },
    setStatus(next) {
      status = next;
      for (const listener of listeners) listener(next);
    },
    onStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    connect(port) {
      ports.push(port);
      port.post({ t: "hello", contractVersion: 1, engineId: "stub" });
      port.onFrame((data) => {
        const frame = data as { t: string; id: number; command?: string; topic?: string; args?: unknown };
        if (frame.t === "subscribe" && frame.topic === "notifications") subscriptions.push(port);
        if (frame.t === "resync") stub.resyncs += 1;
        if (frame.t !== "call") return;
        const value = frame.command === "media.fetch" ? media : { echo: frame };
        port.post({ t: "reply", id: frame.id, value });
      });
    },
    close: () => Promise.resolve(),
  };
  return stub;
}
