/**
 * The program of the child process that runs the engine: `engine-child <data folder>`, forked by engine-process.ts.
 * It is a process of its own so that a crash of the engine leaves the host and its windows standing, as it does in
 * the Electron app. Invariant: it never outlives its host, and it ends only after the engine has closed in order.
 */
import * as v from "valibot";
import type { FramePort } from "../../preload/contract/frames.ts";
import { openEngine } from "../engine/entry.node.ts";
import { toChildSchema, type FromChild } from "./engine-channel.ts";
import { openProfileKey } from "./profile-key.ts";

const FINAL_CODES: ReadonlySet<unknown> = new Set(["store-newer", "store-corrupt"]);

/** One port of the host, as the engine sees it. */
class ChildPort implements FramePort {
  readonly #portId: number;
  readonly #onClosed: () => void;
  #isOpen = true;
  #frameListener: ((frame: unknown) => void) | undefined;
  readonly #closeListeners: (() => void)[] = [];

  constructor(portId: number, onClosed: () => void) {
    this.#portId = portId;
    this.#onClosed = onClosed;
  }

  post(frame: unknown): void {
    if (this.#isOpen) tell({ kind: "frame", portId: this.#portId, frame });
  }
  onFrame(listener: (frame: unknown) => void): void {
    this.#frameListener = listener;
  }
  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }
  close(): void {
    if (!this.#isOpen) return;
    tell({ kind: "close", portId: this.#portId });
    this.closedByHost();
  }

  receive(frame: unknown): void {
    if (this.#isOpen) this.#frameListener?.(frame);
  }
  closedByHost(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onClosed();
    for (const listener of this.#closeListeners) listener();
  }
}

function tell(message: FromChild): void {
  // A host that is gone makes this fail; the disconnect that follows ends the process.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function run(dataDir: string): Promise<void> {
  const engine = await openEngine({ dataDir, profileKey: await openProfileKey(dataDir) });
  const ports = new Map<number, ChildPort>();
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void engine.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };

  process.on("message", (data) => {
    const message = v.safeParse(toChildSchema, data);
    if (!message.success) return;
    const told = message.output;
    if (told.kind === "end") return end();
    if (told.kind === "frame") return ports.get(told.portId)?.receive(told.frame);
    if (told.kind === "close") return ports.get(told.portId)?.closedByHost();
    const port = new ChildPort(told.portId, () => ports.delete(told.portId));
    ports.set(told.portId, port);
    engine.connect(port);
  });
  process.on("disconnect", end);
  if (!process.connected) return end();
  tell({ kind: "ready" });
}

// The terminal sends its signals to the whole group; the host decides when the engine ends.
for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => {});

const dataDir = process.argv[2];
if (dataDir === undefined || !process.connected) {
  process.stderr.write("engine-child: this program is started by the browser host, not by hand.\n");
  process.exitCode = 1;
} else {
  run(dataDir).catch((error: unknown) => {
    const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
    const message = error instanceof Error ? error.message : String(error);
    // The engine's own errors are fit to show; only a bug needs its stack.
    process.stderr.write(
      `engine-child: ${code === undefined && error instanceof Error ? (error.stack ?? message) : message}\n`,
    );
    tell({ kind: "failed", message, isFinal: FINAL_CODES.has(code) });
    process.exitCode = 1;
    process.disconnect();
  });
}
