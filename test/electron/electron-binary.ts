/**
 * Which Electron the tests run on: the one that the package installed, one that the environment names, or, for a smoke
 * test where neither can be had, an older one with a compatibility layer. Used by global-setup.ts.
 * Invariant: every result carries the version it ran on; without a binary nothing passes silently.
 *
 * - ELECTRON_OVERRIDE_DIST_PATH: the folder of an Electron.
 * - LATTICE_ELECTRON_SMOKE: the folder with the compatibility layer; the build in `dist-legacy/` is used.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { cached, step } from "../support/cache.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

export type ElectronBinary = {
  executablePath: string;
  version: string;
  /** Modules to load before the app. */
  requires: string[];
  /** The built app: `dist` or `dist-legacy`. */
  buildFolder: string;
  buildTarget: "current" | "legacy-electron";
  /** How reports name it. */
  label: string;
};

/** The Electron to test on, or undefined where there is none. */
export async function findElectron(): Promise<ElectronBinary | undefined> {
  const smoke = process.env["LATTICE_ELECTRON_SMOKE"];
  const given = process.env["ELECTRON_OVERRIDE_DIST_PATH"];
  const folder = given
    ? resolve(given)
    : smoke
      ? await fetchOldElectron(resolve(smoke))
      : join(root, "node_modules/electron/dist");
  const executablePath = join(folder, executableName());
  if (!existsSync(executablePath)) return undefined;
  const version = (await readFile(join(folder, "version"), "utf8").catch(() => "unknown")).trim();
  const isLegacy = Boolean(smoke);
  return {
    executablePath,
    version,
    requires: smoke ? [join(resolve(smoke), "shim.cjs"), join(import.meta.dirname, "fixtures/newer-electron.cjs")] : [],
    buildFolder: join(root, isLegacy ? "dist-legacy" : "dist"),
    buildTarget: isLegacy ? "legacy-electron" : "current",
    label: isLegacy ? `Electron ${version} with a compatibility layer` : `Electron ${version}`,
  };
}

function executableName(): string {
  if (process.platform === "darwin") return "Electron.app/Contents/MacOS/Electron";
  return process.platform === "win32" ? "electron.exe" : "electron";
}

async function fetchOldElectron(smoke: string): Promise<string> {
  const folder = await cached(
    "electron-smoke",
    (path) => existsSync(join(path, "electron/electron")),
    (path) =>
      step(
        "getting an older Electron for the smoke test",
        async () => void (await run("bash", [join(smoke, "get-electron.sh"), join(path, "electron")])),
      ),
  );
  return join(folder, "electron");
}
