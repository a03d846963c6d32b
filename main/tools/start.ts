/**
 * Starts the app from its sources (`npm start`): in Electron where its binary can be had, else as a Chromium window
 * over the browser host, saying why. Invariant: it builds only what has changed, and it ends when the window is
 * closed, leaving no process behind.
 *
 *   npm start -- [--browser] [--profile DIR] [--port N] [--no-window]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { findChromium, hasDisplay, openAppWindow } from "./chromium-window.ts";
import { findElectron } from "./electron-runtime.ts";
import { choosePort, startHostProcess } from "./host-process.ts";
import { projectRoot, runProgram, ToolError, untilAskedToEnd } from "./program.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const USAGE = `npm start -- [options]
  --browser      a Chromium window over the browser host, even where Electron is there
  --profile DIR  keep the accounts in this folder instead of the usual one
  --port N       the browser host's port (default: a free one, kept for the profile)
  --no-window    only run the browser host, and print the address to open`;

type StartOptions = { isBrowser: boolean; hasWindow: boolean; profile: string | undefined; port: number | undefined };

async function run(): Promise<void> {
  const options = parseOptions();
  if (!options) return say(USAGE);
  if (options.hasWindow && !hasDisplay()) {
    throw new ToolError(
      "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). Start it in a desktop session, under xvfb-run, or with --no-window.",
    );
  }
  await build({ say });
  if (options.isBrowser || !options.hasWindow) return runBrowser(options);
  const electron = await findElectron({ mayFetch: true, say });
  if ("reason" in electron) {
    say(`Electron cannot be used, so Lattice opens in a Chromium window over its browser host. ${electron.reason}`);
    return runBrowser(options);
  }
  say(`starting Lattice in Electron ${electron.version}`);
  return runElectron(electron.executablePath, options.profile);
}

async function runElectron(executablePath: string, profile: string | undefined): Promise<void> {
  const args = [
    // Chromium refuses to sandbox what root started.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ...(profile === undefined ? [] : [`--user-data-dir=${profile}`]),
    projectRoot,
  ];
  const child = spawn(executablePath, args, { stdio: "inherit" });
  void untilAskedToEnd().then(() => child.kill("SIGTERM"));
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0 && code !== null)
    throw new ToolError(`Electron ended with exit code ${code}. What it printed above says why.`);
}

async function runBrowser(options: StartOptions): Promise<void> {
  const executablePath = findChromium();
  if (options.hasWindow && executablePath === undefined) {
    throw new ToolError(
      "No browser of the Chromium family was found. Install Chromium or Google Chrome, name one with LATTICE_CHROMIUM=/path/to/it, or use --no-window.",
    );
  }
  const profile = options.profile ?? defaultProfile();
  await mkdir(profile, { recursive: true, mode: 0o700 });
  const dataDir = join(profile, "engine");
  const host = await startHostProcess({ dataDir, port: options.port ?? (await keptPort(profile)) });
  const asked = untilAskedToEnd();
  try {
    if (!options.hasWindow || executablePath === undefined) {
      say(`Open this address once, in Chromium: ${host.url}`);
      say("Press Ctrl+C to stop.");
      await Promise.race([asked, host.ended.then(failEarly)]);
      return;
    }
    const window = await openAppWindow({ executablePath, url: host.url, profileDir: join(profile, "browser") });
    say(`Lattice runs in ${executablePath}. Its data are in ${profile}. Close the window, or press Ctrl+C, to stop.`);
    const closed = once(window, "exit");
    await Promise.race([asked, closed, host.ended.then(failEarly)]);
    if (window.exitCode === null) window.kill("SIGTERM");
    await closed;
  } finally {
    await host.close();
  }
}

function failEarly(): never {
  throw new ToolError("The browser host ended by itself. Start it again with LATTICE_DEBUG=1 to see what it says.");
}

/** The page's origin should stay the same from start to start: it owns the page's own settings. */
async function keptPort(profile: string): Promise<number> {
  const path = join(profile, "port");
  const kept = Number(await readFile(path, "utf8").catch(() => ""));
  const hasKept = Number.isInteger(kept) && kept > 1_023 && kept < 65_536;
  const port = await choosePort(hasKept ? kept : undefined);
  if (!hasKept) await writeFile(path, String(port));
  return port;
}

function defaultProfile(): string {
  const home = homedir();
  if (process.platform === "darwin") return join(home, "Library/Application Support/Lattice Browser");
  if (process.platform === "win32")
    return join(process.env["LOCALAPPDATA"] ?? join(home, "AppData/Local"), "Lattice Browser");
  return join(process.env["XDG_DATA_HOME"] ?? join(home, ".local/share"), "lattice-browser");
}

function parseOptions(): StartOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        browser: { type: "boolean", default: false },
        "no-window": { type: "boolean", default: false },
        profile: { type: "string" },
        port: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    const port = values.port === undefined ? undefined : Number(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
      throw new Error(`--port must be a number from 1 to 65535, not "${values.port}".`);
    return {
      isBrowser: values.browser,
      hasWindow: !values["no-window"],
      profile: values.profile === undefined ? undefined : resolve(values.profile),
      port,
    };
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

await runProgram("start", run);
