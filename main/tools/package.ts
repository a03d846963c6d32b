/**
 * Packages the built app with electron-builder (`npm run package`), as electron-builder.yml says: `dir` and `deb` on
 * Linux, `dir` elsewhere, or the targets that are named. Called from the command line.
 * Invariant: it says beforehand what is missing and how to supply it, rather than failing after long downloads; and it
 * publishes nothing.
 *
 *   npm run package -- [TARGET…]        e.g. dir deb AppImage rpm
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { build } from "./build.ts";
import { findElectron } from "./electron-runtime.ts";
import { projectRoot, runProgram, ToolError } from "./program.ts";

const BUILDER_TIMEOUT_MS = 600_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function run(): Promise<void> {
  const asked = process.argv.slice(2);
  const wrong = asked.find((target) => !/^[A-Za-z0-9.]+$/u.test(target));
  if (wrong !== undefined)
    throw new ToolError(
      `"${wrong}" is no target. Known ones are those of electron-builder: dir, deb, AppImage, rpm, nsis, dmg …`,
    );
  const targets = asked.length > 0 ? asked : process.platform === "linux" ? ["dir", "deb"] : ["dir"];
  if (!existsSync(join(projectRoot, "electron-builder.yml")))
    throw new ToolError("electron-builder.yml is missing, so there is nothing to package by.");

  await build({ say });
  const electron = await findElectron({ mayFetch: true, say });
  if ("reason" in electron) {
    throw new ToolError(
      `The package needs Electron's binary. ${electron.reason} Unpack the zip of its release somewhere and name that folder with ELECTRON_OVERRIDE_DIST_PATH.`,
    );
  }
  const done: string[] = [];
  const failed: string[] = [];
  for (const target of targets) {
    say(`packaging ${target} with Electron ${electron.version} …`);
    // One after the other on purpose: they share the unpacked app.
    const problem = await packageTarget(target, electron.distPath, electron.version);
    if (problem === undefined) done.push(target);
    else failed.push(`${target}: ${problem}`);
  }
  if (done.length > 0) say(`packaged ${done.join(", ")} into ${join(projectRoot, "dist-package")}`);
  if (failed.length > 0) throw new ToolError(failed.join("\n"));
}

/** Runs electron-builder for one target; gives what went wrong. */
async function packageTarget(
  target: string,
  electronDist: string,
  electronVersion: string,
): Promise<string | undefined> {
  const needsFpm = ["deb", "rpm", "pacman", "apk", "freebsd"].includes(target);
  const hasFpm = process.env["CUSTOM_FPM_PATH"] !== undefined || isOnPath("fpm");
  if (needsFpm && !hasFpm) say("  fpm is not on the PATH; electron-builder tries to download its own");
  const platform = process.platform === "darwin" ? "--mac" : process.platform === "win32" ? "--win" : "--linux";
  const args = [
    join(projectRoot, "node_modules/electron-builder/cli.js"),
    platform,
    target,
    "--publish=never",
    `-c.electronDist=${electronDist}`,
    ...(electronVersion === "" ? [] : [`-c.electronVersion=${electronVersion}`]),
    "-c.npmRebuild=false",
    "-c.directories.output=dist-package",
  ];
  const { code, output } = await runBuilder(args, {
    ...process.env,
    ...(needsFpm && isOnPath("fpm") ? { USE_SYSTEM_FPM: "true" } : {}),
  });
  if (code === 0) return undefined;
  if (needsFpm && !hasFpm && /download|fetch|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|timed? ?out/iu.test(output)) {
    return 'fpm could not be downloaded. Install it ("gem install fpm"), or name a copy with CUSTOM_FPM_PATH.';
  }
  return `electron-builder failed. Its last words:\n${output.trimEnd().split("\n").slice(-12).join("\n")}`;
}

function runBuilder(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: BUILDER_TIMEOUT_MS,
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
      process.stdout.write(chunk.toString().replaceAll(/^(?=.)/gmu, "  "));
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

const isOnPath = (name: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)));

await runProgram("package", run);
