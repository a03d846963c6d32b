/**
 * A desktop for tests on a machine without one: an X server, a session bus, a window manager, a notification server
 * and a host for tray entries. Called by global-setup.ts. Invariant: everything it started ends with `stop`, and
 * nothing else is touched; a program that is missing is an error that names its package.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { accessSync, constants } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startTrayHost, type TrayHost } from "./tray-host.ts";

export interface Display extends AsyncDisposable {
  /** What a program needs to find the desktop. */
  readonly env: Record<string, string>;
  readonly trayHost: TrayHost;
}

const packages = { Xvfb: "xvfb", "dbus-daemon": "dbus", openbox: "openbox", dunst: "dunst" } as const;
/** Everything stays until it is closed, and the history tells how urgent it was. */
const dunstSettings = [
  "[global]\nhistory_length = 100\n",
  ...["low", "normal", "critical"].map(
    (urgency) => `[urgency_${urgency}]\ntimeout = 0\nformat = "${urgency}: %s: %b"\n`,
  ),
].join("");
const START_TIMEOUT_MS = 10_000;

/** Names of the packages without which no desktop can be started. */
export function missingPackages(): string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const isThere = (program: string): boolean =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  return Object.entries(packages).flatMap(([program, name]) => (isThere(program) ? [] : [name]));
}

/** Starts the desktop. */
export async function startDisplay(): Promise<Display> {
  const folder = await mkdtemp(join(tmpdir(), "lattice-display-"));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const x = start("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {});
    children.push(x);
    const env: Record<string, string> = {
      DISPLAY: `:${await firstLine(x, "Xvfb")}`,
      XDG_RUNTIME_DIR: folder,
      XDG_CURRENT_DESKTOP: "",
      XDG_SESSION_TYPE: "x11",
    };
    const bus = start("dbus-daemon", ["--session", "--nofork", "--print-address=3"], env);
    children.push(bus);
    env["DBUS_SESSION_BUS_ADDRESS"] = await firstLine(bus, "dbus-daemon");
    const trayHost = await startTrayHost(env["DBUS_SESSION_BUS_ADDRESS"]);
    children.push(start("openbox", [], env));
    const dunstConfig = join(folder, "dunstrc");
    await writeFile(dunstConfig, dunstSettings);
    children.push(start("dunst", ["-config", dunstConfig], env));
    await sleep(500);
    return {
      env,
      trayHost,
      async [Symbol.asyncDispose]() {
        trayHost.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The program writes what we need to know of it to its file descriptor 3. */
function start(program: string, args: string[], env: Record<string, string>): ChildProcess {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  child.on("error", () => {});
  return child;
}

async function firstLine(child: ChildProcess, program: string): Promise<string> {
  const stream = child.stdio[3];
  if (!stream || !("on" in stream)) throw new Error(`${program} cannot be started.`);
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} did not start in time.`)), START_TIMEOUT_MS);
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split("\n")[0];
      if (line !== undefined && text.includes("\n")) {
        clearTimeout(timer);
        resolve(line.trim());
      }
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${code}.`));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
  await ended;
  clearTimeout(timer);
}
