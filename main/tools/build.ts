/**
 * Builds everything that runs into `dist/`: renderer, shell, preload, engine, browser host (`npm run build`).
 * Called from the command line, and by start.ts, package.ts and the demo before they start something.
 * Invariant: a target is rebuilt exactly when a file it can be made of, or the way it is built, has changed; the
 * stamp that says so is written after its output.
 *
 * LATTICE_BUILD_TARGET=legacy-electron builds for an older Electron (Chromium 114, Node 18) into `dist-legacy/`.
 * LATTICE_BUILD_MODE=development leaves names and line breaks in.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { InlineConfig } from "vite";
import { preloadConfig } from "../../preload/vite.config.ts";
import { rendererConfig } from "../../renderer/vite.config.ts";
import { browserHostConfig, engineConfig, hostPageConfig, shellConfig, type BuildSettings } from "../vite.config.ts";
import { projectRoot, readPackage, runProgram, ToolError } from "./program.ts";

type Target = {
  name: string;
  /** All of them must be there, or the target is left out. */
  entries: string[];
  /** Files and folders whose content decides whether it is built again. */
  inputs: string[];
  /** Where it is put, below the output folder. */
  folder: string;
  /** The files that prove that it was built, below the output folder. */
  outputs: string[];
  config: (settings: BuildSettings) => InlineConfig;
};

const CONTRACT = "preload/contract";

const targets = (isLegacy: boolean): Target[] => [
  {
    name: "renderer",
    folder: "renderer",
    entries: ["renderer/index.html", "renderer/main.tsx"],
    inputs: ["renderer", CONTRACT, "assets"],
    outputs: ["renderer/index.html"],
    config: rendererConfig,
  },
  {
    name: "shell",
    folder: "shell",
    entries: ["main/shell/index.ts"],
    inputs: ["main/shell", CONTRACT, "renderer/text", "assets"],
    outputs: [isLegacy ? "shell/index.cjs" : "shell/index.js"],
    config: shellConfig,
  },
  {
    name: "preload",
    folder: "preload",
    entries: ["preload/index.ts"],
    inputs: ["preload"],
    outputs: ["preload/index.cjs"],
    config: preloadConfig,
  },
  {
    name: "engine",
    folder: "engine",
    entries: ["main/engine/entry.utility.ts", "main/engine/entry.node.ts"],
    inputs: ["main/engine", CONTRACT],
    outputs: ["engine/entry.utility.js", "engine/entry.node.js"],
    config: engineConfig,
  },
  {
    name: "browser-host",
    folder: "browser-host",
    entries: ["main/browser-host/index.ts", "main/engine/entry.node.ts"],
    inputs: ["main/browser-host", "main/engine", CONTRACT],
    outputs: ["browser-host/index.js", "browser-host/engine-child.js"],
    config: browserHostConfig,
  },
  {
    name: "browser-host-page",
    folder: "browser-host-page",
    entries: ["main/browser-host/page/host.ts"],
    inputs: ["main/browser-host/page", CONTRACT],
    outputs: ["browser-host-page/host.js"],
    config: hostPageConfig,
  },
];

/** Also decide every build: the versions of all packages, and how they are used. */
const COMMON_INPUTS = [
  "package.json",
  "package-lock.json",
  "main/vite.config.ts",
  "preload/vite.config.ts",
  "renderer/vite.config.ts",
  "main/tools/build.ts",
];

/** What was asked of a build, and what it did. */
export type BuildResult = { outDir: string; built: string[]; unchanged: string[]; absent: string[] };

/** Brings the output folder up to date; `only` limits it to the named targets. */
export async function build(options: { only?: string[]; say?: (line: string) => void } = {}): Promise<BuildResult> {
  const isLegacy = process.env["LATTICE_BUILD_TARGET"] === "legacy-electron";
  const outDir = join(projectRoot, isLegacy ? "dist-legacy" : "dist");
  const { version } = await readPackage();
  const isMinified = process.env["LATTICE_BUILD_MODE"] !== "development";
  const settings: BuildSettings = { root: projectRoot, outDir, isLegacy, isMinified, version };
  const stampDir = join(projectRoot, "node_modules/.cache/lattice-build", isLegacy ? "legacy" : "current");
  const scratchRoot = join(projectRoot, "node_modules/.cache/lattice-build/scratch");
  const common = await hashOf(COMMON_INPUTS);

  const result: BuildResult = { outDir, built: [], unchanged: [], absent: [] };
  for (const target of targets(isLegacy)) {
    if (options.only && !options.only.includes(target.name)) continue;
    if (!target.entries.every((path) => existsSync(join(projectRoot, path)))) {
      result.absent.push(target.name);
      continue;
    }
    // One after the other on purpose: each build uses every core by itself.
    const stamp = `${common} ${await hashOf(target.inputs)} ${isMinified}`;
    const stampPath = join(stampDir, target.name);
    const isThere = target.outputs.every((path) => existsSync(join(outDir, path)));
    if (isThere && (await readFile(stampPath, "utf8").catch(() => "")) === stamp) {
      result.unchanged.push(target.name);
      continue;
    }
    await rm(stampPath, { force: true });
    const startedMs = performance.now();
    await mkdir(scratchRoot, { recursive: true });
    // Loaded late: a start with nothing to build must not wait for the bundler.
    const vite = await import("vite");
    const scratchDir = await mkdtemp(join(scratchRoot, `${target.name}-`));
    try {
      await vite.build(target.config({ ...settings, outDir: scratchDir }));
      await putInPlace(join(scratchDir, target.folder), join(outDir, target.folder));
    } catch (error) {
      throw new ToolError(
        `The build of "${target.name}" failed. ${error instanceof Error ? stripVTControlCharacters(error.message) : String(error)}`,
      );
    } finally {
      await rm(scratchDir, { recursive: true, force: true });
    }
    await mkdir(stampDir, { recursive: true });
    await writeFile(stampPath, stamp);
    result.built.push(target.name);
    options.say?.(`built ${target.name} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  if (isLegacy && existsSync(outDir)) await writeLegacyPackage(outDir);
  return result;
}

/** A program that starts meanwhile finds the old files or the new ones, but for an instant. */
async function putInPlace(made: string, place: string): Promise<void> {
  const old = `${made}-old`;
  await mkdir(join(place, ".."), { recursive: true });
  await rename(place, old).catch(() => {});
  await rename(made, place);
}

/** An Electron that is started on the output folder itself needs to be told there which file is the program. */
async function writeLegacyPackage(outDir: string): Promise<void> {
  const { name, productName, version, desktopName } = await readPackage();
  const manifest = { name, productName, version, desktopName, type: "module", main: "shell/index.cjs" };
  await writeFile(join(outDir, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** One name for the content of files and folders; what is not there counts as empty. */
async function hashOf(paths: string[]): Promise<string> {
  const hash = createHash("sha256");
  const files = (await Promise.all(paths.map(filesBelow))).flat();
  const contents = await Promise.all(files.map((file) => readFile(join(projectRoot, file))));
  for (const [index, file] of files.entries())
    hash
      .update(`${file}\0`)
      .update(contents[index] ?? "")
      .update("\0");
  return hash.digest("hex");
}

async function filesBelow(path: string): Promise<string[]> {
  const full = join(projectRoot, path);
  if (!existsSync(full)) return [];
  const entries = await readdir(full, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (!entries) return [path];
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".tsbuildinfo"))
    .map((entry) => join(entry.parentPath, entry.name).slice(projectRoot.length + 1))
    .toSorted();
}

if (import.meta.main) {
  await runProgram("build", async () => {
    const only = process.argv.slice(2);
    const known = targets(false).map((target) => target.name);
    const wrong = only.find((name) => !known.includes(name));
    if (wrong !== undefined) throw new ToolError(`There is no build target "${wrong}". Known: ${known.join(", ")}.`);
    const result = await build({
      say: (line) => process.stdout.write(`${line}\n`),
      ...(only.length > 0 ? { only } : {}),
    });
    if (result.unchanged.length > 0) process.stdout.write(`unchanged: ${result.unchanged.join(", ")}\n`);
    if (result.absent.length > 0) process.stdout.write(`left out, no source: ${result.absent.join(", ")}\n`);
  });
}
