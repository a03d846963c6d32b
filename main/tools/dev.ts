/**
 * Develops the app (`npm run dev`): the page from Vite's server with hot reload; the engine and the host from their
 * sources, restarted when these change. `--electron` runs the built app in Electron instead and rebuilds and restarts
 * it. Invariant: the page reaches the host under the development server's own origin, which the host is told to
 * accept; nothing else about the host's checks is relaxed.
 *
 *   npm run dev -- [--electron] [--profile DIR] [--no-window]
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Plugin, ViteDevServer } from "vite";
import { rendererConfig } from "../../renderer/vite.config.ts";
import { pageDefines } from "../vite.config.ts";
import { build } from "./build.ts";
import { findChromium, hasDisplay, openAppWindow } from "./chromium-window.ts";
import { findElectron } from "./electron-runtime.ts";
import { choosePort, startHostProcess, type HostProcess } from "./host-process.ts";
import { projectRoot, readPackage, runProgram, ToolError, untilAskedToEnd } from "./program.ts";

const SETTLE_MS = 200;
const PAGE_PORT = 5_173;
const hostScript = join(projectRoot, "main/browser-host/page/host.ts");

const say = (line: string): void => void process.stdout.write(`[dev] ${line}\n`);

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      electron: { type: "boolean", default: false },
      profile: { type: "string" },
      "no-window": { type: "boolean", default: false },
    },
  });
  const profile = resolve(values.profile ?? join(projectRoot, "node_modules/.cache/lattice-dev"));
  await mkdir(profile, { recursive: true });
  const hasWindow = !values["no-window"] && hasDisplay();
  await (values.electron ? developInElectron(profile) : developInBrowser(profile, hasWindow));
}

async function developInBrowser(profile: string, hasWindow: boolean): Promise<void> {
  const hostPort = await choosePort();
  const page = await servePage(hostPort);
  const pageOrigin = new URL(page.resolvedUrls?.local[0] ?? `http://127.0.0.1:${PAGE_PORT}`).origin;
  const startHost = (): Promise<HostProcess> =>
    startHostProcess({
      dataDir: join(profile, "engine"),
      port: hostPort,
      fromSources: true,
      extraArgs: [
        `--renderer=${join(projectRoot, "renderer")}`,
        `--host-script=${hostScript}`,
        `--extra-origin=${pageOrigin}`,
      ],
    });
  const pageUrl = (host: HostProcess): string => host.url.replace(new URL(host.url).origin, pageOrigin);
  let host = await startHost();
  const asked = untilAskedToEnd();
  const windows = new Set<ChildProcess>();
  const open = async (): Promise<void> => {
    const executablePath = hasWindow ? findChromium() : undefined;
    if (executablePath === undefined) return say(`open this address, once: ${pageUrl(host)}`);
    const window = await openAppWindow({ executablePath, url: pageUrl(host), profileDir: join(profile, "browser") });
    windows.add(window);
    window.once("exit", () => windows.delete(window));
  };
  await open();
  say(`the gallery of all views: ${pageOrigin}/#/gallery`);

  onChange(["main/engine", "preload/contract"], () => {
    say("restarting the engine");
    host.restartEngine();
  });
  onChange(["main/browser-host"], async () => {
    say("restarting the browser host");
    await host.close();
    host = await startHost();
    // The old window's session went with the old host.
    for (const window of windows) window.kill("SIGTERM");
    await open();
  });
  await asked;
  for (const window of windows) window.kill("SIGTERM");
  await host.close();
  await page.close();
}

/** Vite's server for the page, with the host's addresses passed on. */
async function servePage(hostPort: number): Promise<ViteDevServer> {
  const { createServer } = await import("vite");
  const { version } = await readPackage();
  const config = rendererConfig({
    root: projectRoot,
    outDir: join(projectRoot, "dist"),
    isLegacy: false,
    isMinified: false,
  });
  const addHostScript: Plugin = {
    name: "lattice-host-script",
    transformIndexHtml: () => [
      { tag: "script", attrs: { type: "module", src: `/@fs/${hostScript}` }, injectTo: "head-prepend" },
    ],
  };
  const target = `http://127.0.0.1:${hostPort}`;
  const server = await createServer({
    ...config,
    logLevel: "info",
    base: "/",
    define: pageDefines(version),
    plugins: [...(config.plugins ?? []), addHostScript],
    server: {
      host: "127.0.0.1",
      port: PAGE_PORT,
      fs: { allow: [projectRoot] },
      proxy: {
        "^/enter\\?": { target, changeOrigin: true },
        "^/media/": { target, changeOrigin: true },
        "^/(host|engine)$": { target, changeOrigin: true, ws: true },
      },
    },
  });
  await server.listen();
  return server;
}

async function developInElectron(profile: string): Promise<void> {
  const electron = await findElectron({ mayFetch: true, say });
  if ("reason" in electron)
    throw new ToolError(
      `Electron cannot be used. ${electron.reason} Without --electron, the app is developed in Chromium.`,
    );
  const start = (): ChildProcess => {
    const args = [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--user-data-dir=${profile}/electron`,
      projectRoot,
    ];
    return spawn(electron.executablePath, args, { stdio: "inherit" });
  };
  process.env["LATTICE_BUILD_MODE"] ??= "development";
  await build({ say });
  let app = start();
  onChange(["main/engine", "main/shell", "preload", "renderer"], async () => {
    await build({ say });
    say("restarting Electron");
    const ended = once(app, "exit");
    app.kill("SIGTERM");
    await ended;
    app = start();
  });
  await untilAskedToEnd();
  app.kill("SIGTERM");
}

/** Runs after changes below the folders have settled; a failure is shown, and the next change tries again. */
function onChange(folders: readonly string[], react: () => void | Promise<void>): void {
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running
        .then(react)
        .catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
    }, SETTLE_MS);
  };
  for (const folder of folders) watch(join(projectRoot, folder), { recursive: true }, changed);
}

await runProgram("dev", run);
process.exit();
