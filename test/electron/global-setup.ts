/**
 * Before the Electron tests: finds a binary, brings its build up to date and starts a desktop where there is none.
 * Called by Playwright. Invariant: where there is no binary it says so loudly; the tests then count as skipped.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { startDisplay, missingPackages } from "./display.ts";
import { findElectron, type ElectronBinary } from "./electron-binary.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const BINARY_VARIABLE = "LATTICE_TEST_ELECTRON";
const TRAY_VARIABLE = "LATTICE_TEST_TRAY_HOST";

/** The binary that the setup found, in whichever process of the test run this is called. */
export function electronBinary(): ElectronBinary | undefined {
  const text = process.env[BINARY_VARIABLE];
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as ElectronBinary);
}

/** Whether a host for tray entries of ours is there. */
export const hasOwnDesktop = (): boolean => process.env[TRAY_VARIABLE] === "1";

/** Brings parts of the app up to date for this binary. */
export async function buildParts(binary: ElectronBinary, parts: string[]): Promise<void> {
  if (parts.length === 0) return;
  await run(process.execPath, ["main/tools/build.ts", ...parts], {
    cwd: root,
    env: { ...process.env, LATTICE_BUILD_TARGET: binary.buildTarget },
  });
}

export default async function globalSetup(): Promise<() => Promise<void>> {
  const binary = await findElectron();
  if (!binary) {
    say(
      "NO ELECTRON BINARY: every test of the shell is skipped.",
      "Install it (node node_modules/electron/install.js), or name a folder in ELECTRON_OVERRIDE_DIST_PATH.",
    );
    return async () => {};
  }
  process.env[BINARY_VARIABLE] = JSON.stringify(binary);
  say(`The shell is tested on ${binary.label}.`);
  await buildParts(binary, ["shell", "preload"]);
  if (process.platform !== "linux") return async () => {};
  const missing = missingPackages();
  if (missing.length > 0)
    throw new Error(`The tests of the shell need a desktop. Install: apt-get install ${missing.join(" ")}`);
  const display = await startDisplay();
  Object.assign(process.env, display.env, { [TRAY_VARIABLE]: "1" });
  return async () => display[Symbol.asyncDispose]();
}

function say(...lines: string[]): void {
  const rule = "=".repeat(88);
  process.stderr.write(`\n${rule}\n${lines.join("\n")}\n${rule}\n\n`);
}
