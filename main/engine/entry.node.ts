/**
 * The SDK door: openEngine() for Node programs, the browser host and tests. Needs neither Electron nor a page.
 * Invariant: what is offered here is the contract, so that a program can do all that the app can, and no more.
 */
import type { FramePort } from "../../preload/contract/frames.ts";
import { openEngineCore, type EngineOptions } from "./session/engine.ts";
import { openLocalClient, portPair, type EngineClient } from "./port/local-client.ts";
import { openPortServer } from "./port/port-server.ts";

export type { EngineClient, EngineOptions };
export { EngineError } from "./base/errors.ts";
export { stderrSink } from "./base/logger.ts";

export interface Engine extends AsyncDisposable {
  /** Serves the contract to a client at the other end of this port. */
  connect(port: FramePort): void;
  /** A client in this process. */
  client(): EngineClient;
  /** Ends all accounts' work in order; nothing is lost. */
  close(): Promise<void>;
}

/**
 * Opens the data folder and starts every account in it. Throws EngineError `rejected` where another engine has
 * the folder, `store-newer` or `store-corrupt` where a database cannot be used.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const core = await openEngineCore(options);
  const server = openPortServer(core);
  const close = async () => {
    server.close();
    await core.close();
  };
  return {
    connect: server.connect,
    client() {
      const [near, far] = portPair();
      server.connect(far);
      return openLocalClient(near);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
