/**
 * The program of the browser host: `node dist/browser-host/index.js --data DIR [--port N] [--title T]`. Started by
 * npm start, the demo and end-to-end tests; runs from its sources just as well.
 * Prints `{"url":…,"enginePid":…}` on stdout when it is ready, `{"enginePid":…}` when the engine was started again,
 * and nothing else there. Invariant: it ends in order on SIGINT, SIGTERM, SIGHUP or when its parent goes away.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { superviseEngine, type SupervisedEngine } from "./engine-process.ts";
import { PortInUseError, startBrowserHost } from "./server.ts";

/** What is wrong with how the program was called, or with what it was given. */
class UsageError extends Error {}

const USAGE =
  "usage: browser-host --data DIR [--port N] [--title T] [--renderer DIR] [--host-script FILE] [--extra-origin ORIGIN]";

async function run(): Promise<void> {
  const { values } = parseOptions();
  if (values.data === undefined) throw new UsageError(`The data folder is missing. ${USAGE}`);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new UsageError(`--port must be a number from 1 to 65535, not "${values.port}".`);
  }
  const isSource = import.meta.filename.endsWith(".ts");
  const dist = isSource ? join(import.meta.dirname, "../../dist") : join(import.meta.dirname, "..");
  const rendererDir = resolve(values.renderer ?? join(dist, "renderer"));
  const hostScript = resolve(values["host-script"] ?? join(dist, "browser-host-page/host.js"));
  for (const path of [join(rendererDir, "index.html"), hostScript]) {
    if (!existsSync(path)) throw new UsageError(`${path} is missing. Run "npm run build" first.`);
  }
  const dataDir = resolve(values.data);

  let isReady = false;
  const engine = superviseEngine({
    childPath: join(import.meta.dirname, isSource ? "engine-child.ts" : "engine-child.js"),
    dataDir,
    onPid: (enginePid) => {
      if (isReady) print({ enginePid });
    },
  });
  const first = await settledStatus(engine);
  if (first.state === "failed") {
    await engine.close();
    throw new UsageError(`The data in ${dataDir} cannot be opened. ${first.message}`);
  }
  let host: Awaited<ReturnType<typeof startBrowserHost>>;
  try {
    host = await startBrowserHost({
      engine,
      rendererDir,
      hostScript,
      ...(port === undefined ? {} : { port }),
      ...(values.title === undefined ? {} : { title: values.title }),
      extraOrigins: values["extra-origin"] ?? [],
    });
  } catch (error) {
    await engine.close();
    throw error;
  }

  let isEnding = false;
  const end = async (): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    await host.close();
    await engine.close();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end());
  // Started with an IPC channel, it belongs to its parent, which may ask for a fresh engine or a fresh address.
  process.on("disconnect", () => void end());
  process.on("message", (message) => {
    if (message === "restart-engine") engine.restart();
    if (message === "mint-url") print({ url: host.mintUrl() });
  });
  isReady = true;
  print({ url: host.mintUrl(), enginePid: engine.pid });
}

/** The first status that says whether the engine can run with these data at all. */
function settledStatus(engine: SupervisedEngine): Promise<EngineStatus> {
  return new Promise((settle) => {
    const stop = engine.onStatus((status) => {
      if (status.state !== "running" && status.state !== "failed") return;
      stop();
      settle(status);
    });
  });
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        data: { type: "string" },
        port: { type: "string" },
        title: { type: "string" },
        renderer: { type: "string" },
        "host-script": { type: "string" },
        "extra-origin": { type: "string", multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} ${USAGE}`);
  }
}

const print = (line: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  await run();
} catch (error) {
  const isPlain = error instanceof UsageError || error instanceof PortInUseError;
  process.stderr.write(
    `browser-host: ${error instanceof Error ? (isPlain ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
  );
  process.exit(1);
}
