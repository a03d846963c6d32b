/**
 * Finds Electron's binary, or has it fetched once. Used by start.ts, dev.ts, package.ts and the demo.
 * The npm package does not carry it: its own installer downloads it from Electron's release page. Invariant: where it
 * cannot be had the answer is a sentence that says why, never a hang: the download has a time limit, and one that
 * failed is not tried again for a day.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "./program.ts";

const FETCH_TIMEOUT_MS = 180_000;
const RETRY_AFTER_MS = 24 * 3_600_000;
const packageFolder = join(projectRoot, "node_modules/electron");
const failureNote = join(projectRoot, "node_modules/.cache/lattice-build/electron-not-fetched");

/** Where Electron is, or why there is none. */
export type ElectronSearch = { distPath: string; executablePath: string; version: string } | { reason: string };

/** Looks for Electron: in the folder that ELECTRON_OVERRIDE_DIST_PATH names, in its package, and then by a download. */
export async function findElectron(options: {
  mayFetch: boolean;
  say: (line: string) => void;
}): Promise<ElectronSearch> {
  const override = process.env["ELECTRON_OVERRIDE_DIST_PATH"];
  if (override !== undefined) {
    return (
      electronIn(override) ?? { reason: `ELECTRON_OVERRIDE_DIST_PATH names ${override}, where there is no Electron.` }
    );
  }
  const installed = electronIn(join(packageFolder, "dist"));
  if (installed) return installed;
  if (!existsSync(join(packageFolder, "install.js")))
    return { reason: 'The package "electron" is not installed. Run npm ci first.' };
  if (!options.mayFetch) return { reason: "Electron's binary is not here." };
  const failedAtMs = Number(await readFile(failureNote, "utf8").catch(() => "0"));
  if (Date.now() - failedAtMs < RETRY_AFTER_MS) {
    return {
      reason: `Electron's binary could not be downloaded (tried at ${new Date(failedAtMs).toLocaleString()}; delete ${failureNote} to try now).`,
    };
  }
  options.say("fetching Electron's binary, once (about 120 MB) …");
  const problem = await runInstaller();
  const fetched = electronIn(join(packageFolder, "dist"));
  if (fetched) return fetched;
  await mkdir(join(failureNote, ".."), { recursive: true });
  await writeFile(failureNote, String(Date.now()));
  return { reason: `Electron's binary could not be downloaded: ${problem}` };
}

function electronIn(distPath: string): ElectronSearch | undefined {
  const file =
    process.platform === "darwin"
      ? "Electron.app/Contents/MacOS/Electron"
      : process.platform === "win32"
        ? "electron.exe"
        : "electron";
  const executablePath = join(distPath, file);
  if (!existsSync(executablePath)) return undefined;
  const version = readText(join(distPath, "version")).trim().replace(/^v/u, "");
  const wanted: unknown = JSON.parse(readText(join(packageFolder, "package.json")) || "{}").version;
  const [major, wantedMajor] = [Number(version.split(".")[0]), Number(String(wanted).split(".")[0])];
  if (version !== "" && major < wantedMajor) {
    return { reason: `The Electron in ${distPath} is version ${version}; Lattice needs ${wantedMajor} or newer.` };
  }
  return { distPath, executablePath, version };
}

const readText = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** Runs the package's own installer; gives the last line of what it complained about. */
function runInstaller(): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(packageFolder, "install.js")], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: FETCH_TIMEOUT_MS,
    });
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once("error", (error) => resolve(error.message));
    child.once("close", (_code, signal) => {
      if (signal !== null) return resolve(`it took more than ${FETCH_TIMEOUT_MS / 1000} s.`);
      const line =
        output.split("\n").find((text) => text.trim() !== "" && !text.startsWith("    at ")) ?? "no reason was given";
      resolve(line.trim());
    });
  });
}
