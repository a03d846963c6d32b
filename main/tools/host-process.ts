/**
 * Starts the browser host as a child process and reads what it prints. Used by start.ts, dev.ts, the demo and tests.
 * Invariant: the child ends with its parent, whatever happens to that; a child that cannot start is a ToolError with
 * its own words.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot, ToolError } from "./program.ts";

const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 10_000;

export type HostProcessOptions = {
  dataDir: string;
  port?: number;
  title?: string;
  /** Runs the sources instead of what was built. */
  fromSources?: boolean;
  extraArgs?: readonly string[];
};

export interface HostProcess extends AsyncDisposable {
  /** Opens the app once. */
  readonly url: string;
  /** The process that runs the engine now. */
  readonly enginePid: number | undefined;
  /** Resolves when the host has ended. */
  readonly ended: Promise<void>;
  /** A further address that opens the app once. */
  mintUrl(): Promise<string>;
  restartEngine(): void;
  close(): Promise<void>;
}

/** Starts the host and waits until it answers. */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const program = join(
    projectRoot,
    options.fromSources === true ? "main/browser-host/index.ts" : "dist/browser-host/index.js",
  );
  const child = fork(
    program,
    [
      `--data=${options.dataDir}`,
      ...(options.port === undefined ? [] : [`--port=${options.port}`]),
      ...(options.title === undefined ? [] : [`--title=${options.title}`]),
      ...(options.extraArgs ?? []),
    ],
    { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [], detached: true },
  );
  const ended = once(child, "exit").then(() => {});
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString()}`.slice(-4_000);
    if (process.env["LATTICE_DEBUG"] !== undefined) process.stderr.write(chunk);
  });

  let enginePid: number | undefined;
  const urls: string[] = [];
  const waiting: ((url: string) => void)[] = [];
  const onLine = (line: string): void => {
    const said = parseLine(line);
    if (said.enginePid !== undefined) enginePid = said.enginePid;
    if (said.url === undefined) return;
    const taker = waiting.shift();
    if (taker) taker(said.url);
    else urls.push(said.url);
  };
  if (child.stdout) createInterface({ input: child.stdout }).on("line", onLine);
  const nextUrl = async (): Promise<string> => {
    const printed = urls.shift();
    if (printed !== undefined) return printed;
    const result = await Promise.race([
      new Promise<string>((resolve) => waiting.push(resolve)),
      ended.then(() => undefined),
      sleep(START_TIMEOUT_MS, undefined, { ref: false }),
    ]);
    if (result !== undefined) return result;
    child.kill("SIGKILL");
    // Its own last words, where it had any; else whatever was said.
    throw new ToolError(
      `The browser host did not start. ${
        complaint
          .split(/^browser-host: /mu)
          .at(-1)
          ?.trim() ?? ""
      }`,
    );
  };
  const url = await nextUrl();

  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    if (await Promise.race([ended.then(() => false), sleep(END_TIMEOUT_MS, true, { ref: false })]))
      child.kill("SIGKILL");
    await ended;
  };
  return {
    url,
    get enginePid() {
      return enginePid;
    },
    ended,
    mintUrl() {
      tell(child, "mint-url");
      return nextUrl();
    },
    restartEngine: () => tell(child, "restart-engine"),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A port of 127.0.0.1 that nobody uses now: the preferred one where that is free. */
export async function choosePort(preferred?: number): Promise<number> {
  for (const port of preferred === undefined ? [0] : [preferred, 0]) {
    const server = createServer();
    try {
      server.listen(port, "127.0.0.1");
      // In order on purpose: the second is asked for only where the first is taken.
      await once(server, "listening");
    } catch {
      continue;
    }
    const { port: free } = server.address() as AddressInfo;
    server.close();
    return free;
  }
  throw new ToolError("No free port was found on this computer.");
}

const tell = (child: ChildProcess, message: string): void => void (child.connected && child.send(message, () => {}));

function parseLine(line: string): { url?: string; enginePid?: number } {
  try {
    return JSON.parse(line) as { url?: string; enginePid?: number };
  } catch {
    return {};
  }
}
