/**
 * Follows the engine's status over the host's own socket, and notices when the host itself is gone. Used by host.ts.
 * Invariant: a lost host shows as a restarting engine, and is looked for again until the window closes.
 */
import * as v from "valibot";
import { engineStatusSchema, type EngineStatus } from "../../../preload/contract/shell-contract.ts";
import { socketUrl } from "./port-bridge.ts";

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 5_000;
/** After so many tries in a row the host is taken to have been ended. */
const TELL_AFTER_TRIES = 7;

/** Calls with every change of the status. */
export function followEngineStatus(onStatus: (status: EngineStatus) => void): void {
  let tries = 0;
  const connect = (): void => {
    const socket = new WebSocket(socketUrl("/host"));
    socket.addEventListener("message", (event: MessageEvent<unknown>) => {
      const status = parseStatus(event.data);
      if (!status) return;
      tries = 0;
      onStatus(status);
    });
    socket.addEventListener("close", () => {
      tries += 1;
      const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(tries - 1, 20));
      onStatus(
        tries < TELL_AFTER_TRIES
          ? { state: "restarting", attempt: tries, delayMs }
          : {
              state: "failed",
              message: "The program behind this window has ended. Close the window and start Lattice again.",
            },
      );
      setTimeout(connect, delayMs);
    });
  };
  connect();
}

function parseStatus(data: unknown): EngineStatus | undefined {
  try {
    const parsed = v.safeParse(engineStatusSchema, JSON.parse(String(data)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
