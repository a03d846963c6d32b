/**
 * Starts the built shell in a real Electron for one test: an app folder of its own, a profile of its own, and either
 * the real engine and page or pretended ones that the test commands. Used by every spec of this folder.
 * Invariant: the shell and the preload are exactly what the build made; only engine and page may be exchanged.
 */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { _electron, test as base, type ElectronApplication, type Page } from "@playwright/test";
import { CONTRACT_VERSION } from "../../preload/contract/engine-contract.ts";
import { buildParts, electronBinary } from "./global-setup.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const assets = join(import.meta.dirname, "../../assets");

/** A test's handle on the pretended engine. */
export interface StubEngine {
  setTopic(topic: string, items: readonly unknown[]): Promise<void>;
  /** Ends the engine process. */
  exit(code: number): Promise<void>;
  seen(): Promise<{ keyBytes: number; ports: number; argv: string[]; calls: { command: string; args: unknown }[] }>;
}

export interface RunningApp extends AsyncDisposable {
  readonly electron: ElectronApplication;
  readonly page: Page;
  readonly userFolder: string;
  readonly engine: StubEngine;
  /** Arguments with which a second process of the same app is started. */
  readonly command: { executablePath: string; args: string[] };
  /** Quits, and starts the same app on the same profile. */
  restart(): Promise<RunningApp>;
}

export type AppOptions = {
  /** The page of fixtures/ unless the real one is asked for. */
  page?: "real";
  /** The pretended engine unless the real one is asked for. */
  engine?: "real";
  args?: string[];
  /** Called with the profile folder before the start. */
  prepare?: (userFolder: string) => Promise<void>;
};

/** The test function of this folder: skipped, and counted, where there is no Electron. */
export const test = base.extend<{ launch: (options?: AppOptions) => Promise<RunningApp> }>({
  launch: async ({}, use, testInfo) => {
    const binary = electronBinary();
    test.skip(binary === undefined, "there is no Electron binary on this machine");
    if (binary) testInfo.annotations.push({ type: "electron", description: binary.label });
    const running: RunningApp[] = [];
    await use(async (options = {}) => {
      const app = await launchApp(options);
      running.push(app);
      return app;
    });
    for (const app of running) await app[Symbol.asyncDispose]();
  },
});

async function launchApp(options: AppOptions): Promise<RunningApp> {
  const binary = electronBinary();
  if (!binary) throw new Error("there is no Electron binary");
  const folder = await mkdtemp(join(tmpdir(), "lattice-shell-"));
  const userFolder = join(folder, "user");
  const appFolder = join(folder, "app");
  await mkdir(userFolder, { recursive: true });
  await buildParts(binary, [
    ...(options.page === "real" ? ["renderer"] : []),
    ...(options.engine === "real" ? ["engine"] : []),
  ]);
  await makeAppFolder(appFolder, binary.buildFolder, options);
  await options.prepare?.(userFolder);
  const args = [
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ...binary.requires.flatMap((path) => ["-r", path]),
    `--user-data-dir=${userFolder}`,
    "--password-store=basic",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    appFolder,
    ...(options.args ?? []),
  ];
  const command = { executablePath: binary.executablePath, args };
  const removeFolder = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  return startApp(command, userFolder, removeFolder);
}

async function startApp(
  command: RunningApp["command"],
  userFolder: string,
  removeFolder: () => Promise<void>,
): Promise<RunningApp> {
  const env = { ...process.env, ENGINE_NODE: process.execPath } as Record<string, string>;
  const electron = await _electron.launch({ ...command, env, timeout: 30_000 });
  if (process.env["LATTICE_DEBUG"]) {
    electron.process().stdout?.pipe(process.stderr);
    electron.process().stderr?.pipe(process.stderr);
  }
  const child = electron.process();
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (): Promise<void> => {
    if (!hasEnded()) await Promise.race([electron.close(), sleep(8_000)]);
    if (hasEnded()) return;
    child.kill("SIGKILL");
    throw new Error("the app did not quit");
  };
  let successor: RunningApp | undefined;
  const page = await electron.firstWindow();
  if (process.env["LATTICE_DEBUG"]) page.on("console", (message) => process.stderr.write(`[page] ${message.text()}\n`));
  await page.waitForLoadState();
  return {
    electron,
    page,
    userFolder,
    engine: stubEngine(userFolder),
    command,
    async restart() {
      await end();
      return (successor = await startApp(command, userFolder, async () => {}));
    },
    async [Symbol.asyncDispose]() {
      try {
        await end();
      } finally {
        await successor?.[Symbol.asyncDispose]();
        await removeFolder();
      }
    },
  };
}

/** The build with its own package.json beside it, as a package has it; assets lie where the shell looks for them. */
async function makeAppFolder(appFolder: string, buildFolder: string, options: AppOptions): Promise<void> {
  await mkdir(join(appFolder, "dist/engine"), { recursive: true });
  for (const part of ["shell", "preload"])
    await cp(join(buildFolder, part), join(appFolder, "dist", part), { recursive: true });
  if (options.page === "real") {
    await cp(join(buildFolder, "renderer"), join(appFolder, "dist/renderer"), { recursive: true });
    if (binaryIsLegacy()) await addNewerWeb(join(appFolder, "dist/renderer"));
  } else {
    await mkdir(join(appFolder, "dist/renderer"));
    await cp(join(fixtures, "page.html"), join(appFolder, "dist/renderer/index.html"));
    await cp(join(fixtures, "page.js"), join(appFolder, "dist/renderer/page.js"));
  }
  if (options.engine === "real")
    await cp(join(buildFolder, "engine"), join(appFolder, "dist/engine"), { recursive: true });
  else {
    const source = await readFile(join(fixtures, "stub-engine.ts"), "utf8");
    const program = stripTypeScriptTypes(source).replaceAll("CONTRACT_VERSION", String(CONTRACT_VERSION));
    await writeFile(join(appFolder, "dist/engine/entry.utility.js"), program);
  }
  await symlink(assets, join(appFolder, "assets"));
  const main = binaryIsLegacy() ? "dist/shell/index.cjs" : "dist/shell/index.js";
  const manifest = {
    name: "lattice",
    productName: "Lattice",
    version: "0.1.0",
    type: "module",
    desktopName: "lattice.desktop",
    main,
  };
  await writeFile(join(appFolder, "package.json"), JSON.stringify(manifest));
}

/** An older Chromium gets the functions that the real page takes for granted. */
async function addNewerWeb(rendererFolder: string): Promise<void> {
  await cp(join(fixtures, "newer-web.js"), join(rendererFolder, "newer-web.js"));
  const html = await readFile(join(rendererFolder, "index.html"), "utf8");
  await writeFile(
    join(rendererFolder, "index.html"),
    html.replace(/<head[^>]*>/iu, (head) => `${head}<script src="/newer-web.js"></script>`),
  );
}

const binaryIsLegacy = (): boolean => electronBinary()?.buildTarget === "legacy-electron";

function stubEngine(userFolder: string): StubEngine {
  const ask = async (path: string, body?: unknown): Promise<unknown> => {
    for (let tries = 0; ; tries += 1) {
      try {
        const { port } = JSON.parse(await readFile(join(userFolder, "profile/stub-engine.json"), "utf8")) as {
          port: number;
        };
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          method: "POST",
          body: JSON.stringify(body ?? {}),
        });
        return await response.json();
      } catch (error) {
        if (tries >= 100) throw error;
        await sleep(100);
      }
    }
  };
  return {
    setTopic: async (topic, items) => void (await ask("/topic", { topic, items })),
    exit: async (code) => void (await ask("/exit", { code })),
    seen: async () => (await ask("/seen")) as Awaited<ReturnType<StubEngine["seen"]>>,
  };
}
