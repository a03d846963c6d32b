/**
 * HostedEngine: the engine as the browser host sees it, wherever it runs. Used by server.ts; engine-process.ts is the
 * one that runs in a child process.
 * Invariant: a port handed to `connect` is either tied to a running engine or closed; it never hangs.
 */
import type { FramePort } from "../../preload/contract/frames.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";

/** What the host needs of an engine. */
export interface HostedEngine {
  readonly status: EngineStatus;
  /** Calls with every change of the status until the returned function is called. */
  onStatus(listener: (status: EngineStatus) => void): () => void;
  /** Ties a port to the engine that runs now, or closes it where none does. */
  connect(port: FramePort): void;
  close(): Promise<void>;
}
