/**
 * The cache folder of tests and demo: where it is, one installer at a time in it, and the progress lines of long steps.
 * Called by setup.ts only, beside SetupError, which every program that sets up prints.
 * Invariant: a folder counts as installed only when its stamp file is there, and the stamp is written last; so an
 * interrupted install is done again, and two runs at once share one install.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Something the machine lacks: the message says what, and what to do about it. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** The folder that keeps what was installed, between runs. */
export function cacheFolder(): string {
  return process.env["LATTICE_CACHE"] ?? join(homedir(), ".cache", "lattice");
}

/** Says on stderr that a long step runs, and how long it took. */
export async function step<T>(what: string, run: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  process.stderr.write(`[setup] ${what} …\n`);
  try {
    const value = await run();
    process.stderr.write(`[setup] ${what}: done in ${seconds(startedMs)}\n`);
    return value;
  } catch (error) {
    process.stderr.write(`[setup] ${what}: failed after ${seconds(startedMs)}\n`);
    throw error;
  }
}

const seconds = (startedMs: number): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;

/** What a finished command left: `code` is undefined where the program could not be started or ran out of time. */
export type CommandResult = { code: number | undefined; output: string };

/** Runs a command to its end without a shell and without input; never throws. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    // Our own timer: spawn's timeout option leaves its timer behind where the program does not exist.
    const late = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 600_000);
    const settle = (result: CommandResult) => {
      clearTimeout(late);
      resolve(result);
    };
    child.once("error", (error) => settle({ code: undefined, output: error.message }));
    child.once("close", (code) => settle({ code: code ?? undefined, output }));
  });
}

/** The last lines of a command's output, for an error message. */
export const tail = (output: string, lines = 12): string => output.trimEnd().split("\n").slice(-lines).join("\n");

const STAMP = "installed.json";
const HEARTBEAT_MS = 2_000;
const STALE_AFTER_MS = 30_000;

/** The folder `name` of the cache, filled by `install` unless it already is and `isUsable` agrees. */
export async function cached(
  name: string,
  isUsable: (folder: string) => boolean,
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), name);
  const isReady = () => existsSync(join(folder, STAMP)) && isUsable(folder);
  if (isReady()) return folder;
  await withLock(name, async () => {
    if (isReady()) return;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await install(folder);
    await writeFile(join(folder, STAMP), `${JSON.stringify({ installedAt: new Date().toISOString() })}\n`);
  });
  return folder;
}

/** Runs `run` while holding the lock folder `name`; a lock whose holder stopped beating is taken over. */
async function withLock(name: string, run: () => Promise<void>): Promise<void> {
  const lock = join(cacheFolder(), `${name}.lock`);
  await createParent();
  for (let waits = 0; ; waits += 1) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    if (waits === 0) process.stderr.write(`[setup] another run is installing ${name}; waiting for it …\n`);
    await dropIfStale(lock);
    await sleep(200);
  }
  const heartbeat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    await run();
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { recursive: true, force: true });
  }
}

async function createParent(): Promise<void> {
  try {
    await mkdir(cacheFolder(), { recursive: true });
  } catch (error) {
    throw new SetupError(
      `The cache folder ${cacheFolder()} cannot be made (${String(error)}). Set LATTICE_CACHE to a folder you can write to.`,
    );
  }
}

async function dropIfStale(lock: string): Promise<void> {
  const beatMs = (await stat(lock).catch(() => undefined))?.mtimeMs;
  if (beatMs === undefined || Date.now() - beatMs < STALE_AFTER_MS) return;
  // The rename is atomic: of several waiters only one takes the dead lock away.
  const grave = `${lock}.${process.pid}`;
  await rename(lock, grave).catch(() => {});
  await rm(grave, { recursive: true, force: true });
}
