/**
 * An engine in a process of its own, for tests that kill it: the parent's half, and below the child's program.
 * Used by TestEngine where `isOwnProcess` is set. Invariant: the child ends with its parent.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { FramePort } from "../../preload/contract/frames.ts";
import { openEngine, type EngineClient } from "../../main/engine/entry.node.ts";
import { openLocalClient } from "../../main/engine/port/local-client.ts";

export interface EngineProcess {
  /** To be asked for once. */
  client(): EngineClient;
  close(): Promise<void>;
  /** As a power cut for the engine: SIGKILL, and gone when this resolves. */
  kill(): Promise<void>;
}

type FromChild = { ready: true } | { failed: string } | { frame: unknown };
type ToChild =
  | { open: { dataDir: string; profileKey: string } }
  | { connect: true }
  | { frame: unknown }
  | { end: true };

/** Starts a process with an engine on this folder; it is open when this resolves. */
export async function startEngineProcess(dataDir: string, profileKey: Uint8Array): Promise<EngineProcess> {
  const child = fork(import.meta.filename, ["engine"], {
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const tell = (message: ToChild) => {
    if (child.connected) child.send(message, () => {});
  };
  tell({ open: { dataDir, profileKey: Buffer.from(profileKey).toString("base64") } });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`the engine's process ended (${signal ?? code})`)));
    child.once("message", (message) => {
      const said = message as FromChild;
      if ("ready" in said) resolve();
      else reject(new Error("failed" in said ? said.failed : "the engine's process speaks out of turn"));
    });
  });
  const end = async (act: () => void) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    act();
    await ended;
  };
  return {
    client() {
      const client = openLocalClient(portOf(child, tell));
      tell({ connect: true });
      return client;
    },
    close: () => end(() => tell({ end: true })),
    kill: () => end(() => child.kill("SIGKILL")),
  };
}

function portOf(child: ChildProcess, tell: (message: ToChild) => void): FramePort {
  let isOpen = true;
  const onClosed: (() => void)[] = [];
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const listener of onClosed) listener();
  };
  child.once("exit", close);
  return {
    post: (frame) => {
      if (isOpen) tell({ frame });
    },
    onFrame: (listener) =>
      child.on("message", (message) => {
        const said = message as FromChild;
        if (isOpen && "frame" in said) listener(said.frame);
      }),
    onClose: (listener) => void onClosed.push(listener),
    close,
  };
}

const say = (message: FromChild): void => void process.send?.(message, undefined, undefined, () => {});

/** The child's end: frames go through as they are. */
const portToParent = (): FramePort => ({
  post: (frame) => say({ frame }),
  onFrame: (listener) =>
    process.on("message", (message) => {
      const told = message as ToChild;
      if ("frame" in told) listener(told.frame);
    }),
  onClose: () => {},
  close: () => {},
});

async function serve(dataDir: string, profileKey: string): Promise<void> {
  const engine = await openEngine({ dataDir, profileKey: Buffer.from(profileKey, "base64") });
  process.on("message", (message) => {
    const told = message as ToChild;
    if ("connect" in told) engine.connect(portToParent());
    else if ("end" in told) void engine.close().then(() => process.exit(0));
  });
  say({ ready: true });
}

if (process.argv[2] === "engine" && process.send) {
  process.on("disconnect", () => process.exit(0));
  process.once("message", (message) => {
    const told = message as ToChild;
    if (!("open" in told)) return;
    serve(told.open.dataDir, told.open.profileKey).catch((error: unknown) => {
      say({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
  });
}
