/**
 * What tests and demo need beyond npm's packages: a Synapse, a Chromium, a TURN server, system packages.
 * Called by homeserver.ts, run-tests.ts and the demo; each `ensure…` finds it, or installs it into the cache folder.
 * Invariant: a second call costs next to nothing, and a failure is a SetupError that says what to do.
 */
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cached, runCommand, SetupError, step, tail } from "./cache.ts";

/** The release that tests and demo run against. */
export const SYNAPSE_VERSION = "1.163.2";

const SYNAPSE_PACKAGE = `matrix-synapse[url-preview,oidc]==${SYNAPSE_VERSION}`;

/** Where the installer itself is put, until it has done its work. */
const BOOTSTRAPS = ["bootstrap", "bootstrap-plain"] as const;

/** The Python of an environment that can run Synapse. */
export async function ensureSynapse(): Promise<{ python: string }> {
  const pythonOf = (folder: string) => join(folder, "environment", "bin", "python");
  const folder = await cached(
    `synapse-${SYNAPSE_VERSION}`,
    (candidate) => existsSync(pythonOf(candidate)),
    async (candidate) => {
      const python = await findPython();
      await step(`installing Synapse ${SYNAPSE_VERSION} (about 230 MB, once)`, () => installSynapse(python, candidate));
      for (const name of BOOTSTRAPS) await rm(join(candidate, name), { recursive: true, force: true });
    },
  );
  return { python: pythonOf(folder) };
}

async function findPython(): Promise<string> {
  const asked = process.env["LATTICE_PYTHON"];
  const known = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
  const seen: string[] = [];
  for (const python of asked === undefined ? known : [asked]) {
    // In order on purpose: the first that fits is taken.
    const { code, output } = await runCommand(python, ["-c", "import sys; print(*sys.version_info[:2])"], {
      timeoutMs: 20_000,
    });
    const [major = 0, minor = 0] = output.trim().split(" ").map(Number);
    if (code === 0 && major === 3 && minor >= 10) return python;
    if (code === 0) seen.push(`${python} is ${major}.${minor}`);
  }
  const found =
    seen.length > 0
      ? `Found only: ${seen.join(", ")}.`
      : asked === undefined
        ? "Found none on PATH."
        : `LATTICE_PYTHON names ${asked}, which does not run.`;
  throw new SetupError(
    `Python 3.10 or newer is needed to run the homeserver. ${found} Install it (Debian and Ubuntu: ` +
      `"apt-get install python3 python3-venv"), or name one with LATTICE_PYTHON=/path/to/python3.`,
  );
}

async function installSynapse(python: string, folder: string): Promise<void> {
  const failures: string[] = [];
  const environment = join(folder, "environment");
  const uv = await findUv(python, folder, failures);
  if (uv !== undefined) {
    const made = await uv(["venv", "--quiet", "--python", python, environment]);
    const args = ["pip", "install", "--quiet", "--no-cache", "--compile-bytecode"];
    const target = ["--python", join(environment, "bin", "python"), SYNAPSE_PACKAGE];
    const installed = made.code === 0 ? await uv([...args, ...target]) : made;
    if (installed.code === 0) return;
    failures.push(installed.output);
  }
  // Slower, but it knows the machine's own pip configuration, which uv does not read.
  const made = await runCommand(python, ["-m", "venv", "--clear", environment]);
  const pip = ["-m", "pip", "install", "--quiet", "--no-cache-dir", SYNAPSE_PACKAGE];
  const installed = made.code === 0 ? await runCommand(join(environment, "bin", "python"), pip) : made;
  if (installed.code !== 0) throw installFailure([...failures, installed.output].join("\n"));
}

type Uv = (args: readonly string[]) => ReturnType<typeof runCommand>;

/** uv from PATH, else from pip in an environment of its own, else from pip into a plain folder; Debian may lack either. */
async function findUv(python: string, folder: string, failures: string[]): Promise<Uv | undefined> {
  const env = { ...process.env, UV_PYTHON_DOWNLOADS: "never" };
  if ((await runCommand("uv", ["--version"])).code === 0) return (args) => runCommand("uv", args, { env });

  const [bootstrap, plain] = [join(folder, BOOTSTRAPS[0]), join(folder, BOOTSTRAPS[1])];
  const pip = ["-m", "pip", "install", "--quiet"];
  const attempt = async (): Promise<Uv | undefined> => {
    const made = await runCommand(python, ["-m", "venv", "--clear", bootstrap]);
    const inside = join(bootstrap, "bin", "python");
    const installed = made.code === 0 ? await runCommand(inside, [...pip, "uv"]) : made;
    if (installed.code === 0) return (args) => runCommand(inside, ["-m", "uv", ...args], { env });
    failures.push(installed.output);

    const placed = await runCommand(python, [...pip, "--target", plain, "uv"]);
    if (placed.code === 0) {
      return (args) => runCommand(python, ["-m", "uv", ...args], { env: { ...env, PYTHONPATH: plain } });
    }
    failures.push(placed.output);
    return undefined;
  };
  const found = await attempt();
  if (found !== undefined || !/ensurepip|No module named (pip|venv)/.test(failures.join("\n"))) return found;
  return (await ensureAptPackages(["python3-venv"])) ? attempt() : undefined;
}

function installFailure(output: string): SetupError {
  if (looksOffline(output)) {
    return new SetupError(
      `The Python package index cannot be reached, so Synapse cannot be installed. Check the network, the proxy ` +
        `settings and pip's configuration ("pip config list"), then run this again. What pip said:\n${tail(output)}`,
    );
  }
  if (/No matching distribution|no wheels|not a supported wheel/i.test(output)) {
    return new SetupError(
      `Synapse ${SYNAPSE_VERSION} cannot be installed for this Python. Try another with LATTICE_PYTHON, or use the ` +
        `container image (npm run demo -- --docker). What pip said:\n${tail(output)}`,
    );
  }
  if (/ensurepip|No module named (pip|venv)/.test(output)) {
    return new SetupError(
      `This Python cannot make virtual environments. Install what it lacks (Debian and Ubuntu: ` +
        `"sudo apt-get install python3-venv"), then run this again. What it said:\n${tail(output)}`,
    );
  }
  return new SetupError(`Synapse could not be installed. What the installer said:\n${tail(output, 25)}`);
}

const looksOffline = (output: string): boolean =>
  /from versions: none|Temporary failure in name resolution|NewConnectionError|Failed to establish a new connection|dns error|error sending request|Network is unreachable|Connection (refused|timed out|reset)|ProxyError|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|Could not resolve|Failed to fetch/i.test(
    output,
  );

/** Whether the packages are there afterwards; elsewhere than on Debian as root, says why not and gives false. */
export async function ensureAptPackages(names: readonly string[]): Promise<boolean> {
  const installed = await runCommand("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names]);
  const present = new Set(
    installed.output.split("\n").flatMap((line) => (line.endsWith(" installed") ? [line.split(" ")[0]] : [])),
  );
  const missing = names.filter((name) => !present.has(name));
  if (missing.length === 0) return true;
  const reason =
    installed.code === undefined || !existsSync("/usr/bin/apt-get")
      ? "this is not a Debian-like system"
      : process.getuid?.() !== 0
        ? `not root; "sudo apt-get install ${missing.join(" ")}" would do it`
        : undefined;
  if (reason !== undefined) {
    process.stderr.write(`[setup] cannot install ${missing.join(", ")}: ${reason}\n`);
    return false;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  const install = ["install", "--yes", "--quiet", "--no-install-recommends", ...lock, ...missing];
  try {
    await step(`installing ${missing.join(", ")} with apt-get`, async () => {
      await runCommand("apt-get", ["update", "--quiet", ...lock], { env });
      const { code, output } = await runCommand("apt-get", install, { env });
      if (code !== 0) throw new SetupError(tail(output));
    });
    return true;
  } catch (error) {
    process.stderr.write(`[setup] apt-get failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

/** The path of a coturn, or undefined where it cannot be had; says why then. Only calls over a relay need it. */
export async function ensureTurnServer(): Promise<string | undefined> {
  const path = "/usr/bin/turnserver";
  if (existsSync(path)) return path;
  // The package starts a server for the whole network where a service manager runs.
  if (existsSync("/run/systemd/system")) {
    process.stderr.write(
      `[setup] no coturn: "apt-get install coturn" brings it; end the service that it starts with ` +
        `"systemctl disable --now coturn"\n`,
    );
    return undefined;
  }
  await ensureAptPackages(["coturn"]);
  return existsSync(path) ? path : undefined;
}

const CHROMIUMS = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/chromium-browser",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The path of a Chromium that starts. */
export async function ensureChromium(): Promise<string> {
  const asked = process.env["LATTICE_CHROMIUM"];
  if (asked !== undefined) {
    if (await isChromium(asked)) return asked;
    throw new SetupError(`LATTICE_CHROMIUM names ${asked}, which does not start. Name another one, or unset it.`);
  }
  const found = await firstChromium(CHROMIUMS);
  if (found !== undefined) return found;
  // Ubuntu's package of this name is a stub for a snap; the look after the install decides.
  if (isDebian() && process.getuid?.() === 0 && (await ensureAptPackages(["chromium"]))) {
    const installed = await firstChromium(CHROMIUMS);
    if (installed !== undefined) return installed;
  }
  return playwrightChromium();
}

const isDebian = (): boolean =>
  existsSync("/etc/os-release") && /^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"));

async function firstChromium(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    // In order on purpose: the first that fits is taken.
    if (existsSync(path) && (await isChromium(path))) return path;
  }
  return undefined;
}

/** Windows' Chrome prints no version, so being there must do. */
async function isChromium(path: string): Promise<boolean> {
  if (process.platform === "win32") return existsSync(path);
  const { code, output } = await runCommand(path, ["--version"], { timeoutMs: 20_000 });
  return code === 0 && /(Chromium|Chrome)\D*\d+\./.test(output);
}

async function playwrightChromium(): Promise<string> {
  const root = join(import.meta.dirname, "../..");
  // In a process of its own, because Playwright looks at this variable only once, while it is loaded.
  const environment = (folder: string) => ({ cwd: root, env: { ...process.env, PLAYWRIGHT_BROWSERS_PATH: folder } });
  const withLibraries = process.platform === "linux" && process.getuid?.() === 0 ? ["--with-deps"] : [];
  const folder = await cached("chromium", existsSync, (candidate) =>
    step("downloading Chromium with Playwright (about 170 MB, once)", async () => {
      const cli = join(root, "node_modules/playwright/cli.js");
      const args = [cli, "install", "chromium", "--no-shell", ...withLibraries];
      const { code, output } = await runCommand(process.execPath, args, environment(candidate));
      if (code !== 0) throw noChromium(output);
    }),
  );
  const script = `import("playwright").then(({ chromium }) => console.log(chromium.executablePath()))`;
  const path = (await runCommand(process.execPath, ["--eval", script], environment(folder))).output.trim();
  if (await isChromium(path)) return path;
  throw noChromium((await runCommand(path, ["--version"])).output);
}

function noChromium(output: string): SetupError {
  return new SetupError(
    `No Chromium could be found or installed. Install one (Debian: "sudo apt-get install chromium"; Ubuntu: Google ` +
      `Chrome's .deb), or name one with LATTICE_CHROMIUM=/path/to/chromium. What it said:\n${tail(output)}`,
  );
}
