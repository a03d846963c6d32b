/**
 * The engine as a utility process of Electron: opens the profile that the shell names, then serves every port that
 * the shell hands over. Started by main/shell/engine-supervisor.ts.
 * Invariant: the profile key comes by message, never by argument or environment, where other programs could read it.
 * What cannot be opened is told once, with a message fit to show, before the process ends.
 */
import * as v from "valibot";
import type { FramePort } from "../../preload/contract/frames.ts";
import { toErrorData } from "./base/errors.ts";
import { Logger, stderrSink } from "./base/logger.ts";
import { openEngineCore } from "./session/engine.ts";
import { openPortServer } from "./port/port-server.ts";

/** One end of a channel, as a utility process of Electron sees it; the engine knows Electron only by this shape. */
interface HostPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (event: { data: unknown; ports: HostPort[] }) => void): void;
  on(event: "close", listener: () => void): void;
  start(): void;
  close(): void;
}

const openMessageSchema = v.object({
  dataDir: v.pipe(v.string(), v.minLength(1)),
  profileKey: v.pipe(v.instance(Uint8Array), v.length(32)),
});
const laterMessageSchema = v.union([v.object({ port: v.string() }), v.object({ close: v.literal(true) })]);

type Engine = { connect(port: FramePort): void; close(): Promise<void> };

const log = new Logger(stderrSink);
const { parentPort } = process as unknown as { parentPort?: HostPort };
if (!parentPort)
  throw new Error("This file runs as a utility process of the Lattice app. Programs import entry.node.ts.");
serve(parentPort);

function serve(shell: HostPort): void {
  let opening: Promise<Engine | undefined> | undefined;
  shell.on("message", ({ data, ports }) => {
    if (!opening) {
      const first = v.safeParse(openMessageSchema, data);
      if (first.success) opening = open(shell, first.output);
      else log.warn("the first message does not open a profile");
      return;
    }
    const message = v.safeParse(laterMessageSchema, data);
    if (!message.success) return log.warn("a message of the shell cannot be read");
    if ("close" in message.output) return void end(opening);
    void connect(opening, ports);
  });
}

async function open(shell: HostPort, options: v.InferOutput<typeof openMessageSchema>): Promise<Engine | undefined> {
  try {
    const core = await openEngineCore({ ...options, logSink: stderrSink });
    const server = openPortServer(core);
    shell.postMessage({ state: "opened" });
    return {
      connect: server.connect,
      async close() {
        server.close();
        await core.close();
      },
    };
  } catch (error) {
    log.error("the profile cannot be opened", error);
    shell.postMessage({ state: "failed", message: toErrorData(error).message });
    return undefined;
  }
}

async function connect(opening: Promise<Engine | undefined>, ports: readonly HostPort[]): Promise<void> {
  const engine = await opening;
  for (const port of ports) {
    if (engine) engine.connect(framePort(port));
    else port.close();
  }
}

async function end(opening: Promise<Engine | undefined>): Promise<void> {
  try {
    await (await opening)?.close();
    process.exit(0);
  } catch (error) {
    log.error("the engine did not close cleanly", error);
    process.exit(1);
  }
}

/** Carries frames over a port of Electron; `onClose` fires once, whichever side ended. */
function framePort(port: HostPort): FramePort {
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
