/**
 * `npm run demo`: a real homeserver on loopback, Alice and Bob with a direct room, and the app twice, signed in as
 * each. With a display, two windows to try; without one, or with --headless, a scripted visit that proves itself.
 * Invariant: the last line on stdout of a scripted visit is one JSON object, whatever happened; and nothing is left
 * behind, neither a process nor a file, but the pictures in demo-output/ and, with --keep, the data.
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../main/tools/build.ts";
import { hasDisplay } from "../../main/tools/chromium-window.ts";
import { findElectron } from "../../main/tools/electron-runtime.ts";
import { projectRoot, ToolError, untilAskedToEnd } from "../../main/tools/program.ts";
import { SetupError } from "../support/cache.ts";
import { startHomeserver } from "../support/homeserver.ts";
import { ensureChromium } from "../support/setup.ts";
import { FAKE_DEVICES, launchChromium, openElectron, openHeadless, openWindow, type OpenWindow } from "./apps.ts";
import {
  checkHomeserver,
  isAllEncrypted,
  preparePeople,
  registerOpenly,
  type Credentials,
  type Person,
} from "./people.ts";
import { playVisit, signIn, VisitError, type VisitFigures } from "./visit.ts";

const USAGE = `npm run demo -- [options]
  --headless            play the scripted visit instead of opening windows
  --runtime NAME        "electron" or "browser"; the default is Electron for windows where its binary can be had
  --homeserver URL      use this homeserver instead of starting one
  --alice USER:PASSWORD --bob USER:PASSWORD
                        accounts on it, by the local part of their ids; without them, two are registered
  --docker              run Synapse from its container image
  --real-devices        use the real camera and microphone in the windows (two windows may not be able to share them)
  --keep                keep the homeserver's and the apps' data`;

const outputDir = join(projectRoot, "demo-output");
const startedMs = performance.now();
const seconds = (): number => Math.round((performance.now() - startedMs) / 100) / 10;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Runtime =
  | { name: "electron"; executablePath: string; version: string }
  | { name: "browser"; executablePath: string };

/** What is undone at the end, last first. */
const closers: (() => Promise<unknown>)[] = [];

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) {
    // In order on purpose: windows before hosts, hosts before the homeserver.
    await close().catch((error: unknown) => process.stderr.write(`demo: while tidying up: ${String(error)}\n`));
  }
}

/** True from when the windows are open: being asked to end is then how the demo is meant to end. */
let isShowing = false;

async function run(options: DemoOptions, isScripted: boolean, asked: Promise<unknown>): Promise<void> {
  say("building the app …");
  await build({ say: (line) => say(`  ${line}`) });
  const runtime = await chooseRuntime(options, isScripted);

  const folder = await mkdtemp(join(tmpdir(), "lattice-demo-"));
  if (options.keep) say(`the data are kept in ${folder}`);
  else closers.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const { baseUrl, description, alice, bob } = await prepareHomeserver(options, folder);

  if (!isScripted)
    return showWindows(
      { runtime, baseUrl, alice, bob, folder, devices: options["real-devices"] ? [] : FAKE_DEVICES },
      asked,
    );

  await mkdir(outputDir, { recursive: true });
  for (const file of await readdir(outputDir)) if (file.endsWith(".png")) await rm(join(outputDir, file));
  say(`playing the visit in ${describe(runtime)} …`);
  const visitStartedMs = Date.now();
  const figures = await visitIn(runtime, { baseUrl, alice, bob, folder });
  const encrypted = await isAllEncrypted(baseUrl, alice, bob, visitStartedMs);
  if (!encrypted) throw new VisitError("The server holds nothing encrypted of the visit.");
  say(`pictures of every step are in ${outputDir}`);
  await closeAll();
  say(
    JSON.stringify({
      demo: "ok",
      runtime: runtime.name,
      homeserver: description,
      encrypted,
      ...figures,
      seconds: seconds(),
    }),
  );
}

type Scene = { baseUrl: string; alice: Person; bob: Person; folder: string };

async function visitIn(runtime: Runtime, { baseUrl, alice, bob, folder }: Scene): Promise<VisitFigures> {
  const visit = { homeserverUrl: baseUrl, outputDir, say };
  if (runtime.name === "electron") {
    const options = { executablePath: runtime.executablePath, root: projectRoot, devices: FAKE_DEVICES };
    const first = await openElectron(options, alice, folder, "light");
    closers.push(first.close);
    const second = await openElectron(options, bob, folder, "dark");
    closers.push(second.close);
    return playVisit({ ...visit, alice: first, bob: second });
  }
  const browser = await launchChromium(runtime.executablePath);
  closers.push(() => browser.close());
  const first = await openHeadless(browser, alice, folder, "light");
  closers.push(first.close);
  const second = await openHeadless(browser, bob, folder, "dark");
  closers.push(second.close);
  return playVisit({ ...visit, alice: first, bob: second });
}

type WindowScene = Scene & { runtime: Runtime; devices: readonly string[] };

async function showWindows(
  { runtime, baseUrl, alice, bob, folder, devices }: WindowScene,
  asked: Promise<unknown>,
): Promise<void> {
  const windows: OpenWindow[] = [];
  for (const [index, person] of [alice, bob].entries()) {
    // One after the other: the first start of a browser is the slow one.
    let window: OpenWindow;
    if (runtime.name === "electron") {
      const app = await openElectron(
        { executablePath: runtime.executablePath, root: projectRoot, devices },
        person,
        folder,
        "light",
      );
      await signIn(app, baseUrl);
      window = app;
    } else {
      window = await openWindow(
        { executablePath: runtime.executablePath, homeserverUrl: baseUrl, devices, index },
        person,
        folder,
      );
    }
    windows.push(window);
    closers.push(window.close);
  }
  say("");
  say(`Lattice runs twice, in ${describe(runtime)}: one window is ${alice.name}, the other is ${bob.name}.`);
  say(`Their homeserver: ${baseUrl}`);
  for (const person of [alice, bob]) say(`  ${person.userId}  password: ${person.password}`);
  if (devices.length > 0)
    say("Calls use a test picture and a beep, because two windows cannot share one camera; --real-devices uses yours.");
  say("To stop, press Ctrl+C here, or close both windows.");
  isShowing = true;
  await Promise.race([asked, Promise.all(windows.map((window) => window.closed))]);
  say("stopping …");
  await closeAll();
}

const describe = (runtime: Runtime): string =>
  runtime.name === "electron"
    ? `Electron ${runtime.version}`
    : `Chromium over the browser host (${runtime.executablePath})`;

async function chooseRuntime(options: DemoOptions, isScripted: boolean): Promise<Runtime> {
  const asked = options.runtime;
  // A scripted visit must not open windows on somebody's screen unless that was asked for.
  if (asked === "electron" || (asked === undefined && !isScripted)) {
    const electron = await findElectron({ mayFetch: true, say });
    if (!("reason" in electron)) {
      if (!hasDisplay())
        throw new SetupError(
          "Electron needs a display. Run this in a desktop session or under xvfb-run, or leave --runtime out.",
        );
      return { name: "electron", executablePath: electron.executablePath, version: electron.version };
    }
    if (asked === "electron") throw new SetupError(`Electron cannot be used. ${electron.reason}`);
    say(`Electron cannot be used, so the app opens in Chromium windows over its browser host. ${electron.reason}`);
  }
  return { name: "browser", executablePath: await ensureChromium() };
}

async function prepareHomeserver(
  options: DemoOptions,
  folder: string,
): Promise<Omit<Scene, "folder"> & { description: string }> {
  const suffix = options.homeserver === undefined ? "" : `-${Date.now().toString(36)}`;
  const credentials = (name: string, displayName: string, given: string | undefined): Credentials => {
    const at = given?.indexOf(":") ?? -1;
    if (given !== undefined && at <= 0) throw new SetupError(`--${name} must be given as user:password.`);
    if (given !== undefined) return { localpart: given.slice(0, at), password: given.slice(at + 1) };
    return { localpart: `${name}${suffix}`, password: `${name} in wonderland`, displayName };
  };
  const [alice, bob] = [
    credentials("alice", "Alice Reyes", options.alice),
    credentials("bob", "Bob Marsh", options.bob),
  ];
  if (options.homeserver !== undefined) {
    const baseUrl = options.homeserver.replace(/\/+$/u, "");
    await checkHomeserver(baseUrl);
    if (options.alice === undefined) await registerOpenly(baseUrl, alice);
    if (options.bob === undefined) await registerOpenly(baseUrl, bob);
    return { baseUrl, description: baseUrl, ...(await preparePeople(baseUrl, alice, bob)) };
  }
  say("starting a homeserver (the first time, it is installed: about a minute) …");
  const dataDir = join(folder, "homeserver");
  const homeserver = await startHomeserver({
    dataDir,
    keep: options.keep,
    ...(options.docker ? { docker: true } : {}),
  });
  closers.push(() => homeserver.stop());
  await homeserver.registerUser(alice.localpart, alice.password);
  await homeserver.registerUser(bob.localpart, bob.password);
  say(`  Synapse answers at ${homeserver.baseUrl}`);
  const people = await preparePeople(homeserver.baseUrl, alice, bob);
  return { baseUrl: homeserver.baseUrl, description: `synapse ${homeserver.baseUrl}`, ...people };
}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      headless: { type: "boolean", default: false },
      runtime: { type: "string" },
      homeserver: { type: "string" },
      alice: { type: "string" },
      bob: { type: "string" },
      docker: { type: "boolean", default: false },
      "real-devices": { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.runtime !== undefined && !["electron", "browser"].includes(values.runtime)) {
    throw new SetupError(`--runtime is "electron" or "browser", not "${values.runtime}".`);
  }
  if (values.homeserver !== undefined && !/^https?:\/\/[^/]+/u.test(values.homeserver)) {
    throw new SetupError(`--homeserver must be a URL like https://matrix.example.org, not "${values.homeserver}".`);
  }
  return values;
}
type DemoOptions = ReturnType<typeof parseOptions>;

let isScripted = true;
try {
  const options = parseOptions();
  if (options.help) {
    say(USAGE);
    process.exit(0);
  }
  isScripted = options.headless || !hasDisplay();
  if (isScripted && !options.headless) say("There is no display, so the demo plays a scripted visit.");
  const asked = untilAskedToEnd();
  const work = run(options, isScripted, asked);
  const stopped = asked.then((signal) => {
    if (!isShowing) throw new VisitError(`The demo was stopped (${signal}).`);
    return work;
  });
  await Promise.race([work, stopped]);
  process.exit(0);
} catch (error) {
  const isPlain = error instanceof SetupError || error instanceof VisitError || error instanceof ToolError;
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo: ${!isPlain && error instanceof Error ? (error.stack ?? reason) : reason}\n`);
  await closeAll();
  if (isScripted) say(JSON.stringify({ demo: "failed", reason, seconds: seconds() }));
  process.exit(1);
}
