/**
 * The host's script in a real Chromium, with a small page in the place of the renderer: port, restart, notification,
 * policy. Invariant under test: the page gets a real MessagePort for its nonce, and after a lost engine a fresh one;
 * nothing the script does needs an exception in the content security policy.
 */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startBrowserHost, type BrowserHost } from "../../main/browser-host/server.ts";
import { build } from "../../main/tools/build.ts";
import type { CallRequest, LatticeHost } from "../../preload/contract/shell-contract.ts";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import { ensureChromium } from "../support/setup.ts";
import { stubEngine, type StubEngine } from "./stub-engine.ts";

/** Keeps what the host tells it; asks for a port at once and with every engine that starts. */
const PAGE = `
const seen = (window.seen = { statuses: [], frames: [], routes: [], requests: [], ports: 0 });
const host = window.latticeHost;
let nonce;
const ask = () => host.requestEnginePort((nonce = crypto.randomUUID()));
window.addEventListener("message", (event) => {
  if (event.source !== window || event.data?.latticePort !== nonce) return;
  const [port] = event.ports;
  seen.ports += 1;
  port.onmessage = ({ data }) => seen.frames.push(data);
  port.postMessage({ t: "call", id: seen.ports, command: "sync.retryNow", args: {} });
});
host.onEngineStatus((status) => {
  const isBack = status.state === "running" && seen.statuses.some((one) => one.state === "restarting");
  seen.statuses.push(status);
  if (isBack) ask();
});
host.onRoute((route) => seen.routes.push(route));
host.onCallRequest((request) => seen.requests.push(request));
ask();
`;

type Seen = {
  statuses: { state: string }[];
  frames: { t: string }[];
  routes: unknown[];
  requests: CallRequest[];
  ports: number;
};

let browser: Browser;
let folder: string;
let host: BrowserHost;
let engine: StubEngine;
let page: Page;
let problems: string[];

beforeAll(async () => {
  const [executablePath] = await Promise.all([ensureChromium(), build({ only: ["browser-host-page"] })]);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
}, 120_000);
afterAll(() => browser?.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-page-test-"));
  await mkdir(join(folder, "assets"));
  await writeFile(
    join(folder, "index.html"),
    '<html><head><title>x</title><link rel="icon" href="data:,"></head><body><script type="module" src="./assets/page.js"></script></body></html>',
  );
  await writeFile(join(folder, "assets/page.js"), PAGE);
  engine = stubEngine();
  host = await startBrowserHost({
    engine,
    rendererDir: folder,
    hostScript: join(import.meta.dirname, "../../dist/browser-host-page/host.js"),
    title: "Alice",
  });
  const context = await browser.newContext();
  await context.grantPermissions(["notifications"], { origin: host.origin });
  await context.addInitScript(() => {
    const Real = window.Notification;
    const shown: { title: string; body: string; notification: Notification }[] = [];
    Object.assign(window, { shown });
    window.Notification = class extends Real {
      constructor(title: string, options: NotificationOptions = {}) {
        super(title, options);
        shown.push({ title, body: options.body ?? "", notification: this });
      }
    };
  });
  page = await context.newPage();
  problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
});
afterEach(async () => {
  await page.context().close();
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the page does in its own time. */
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 8_000 });

const seen = (): Promise<Seen> => page.evaluate(() => (window as unknown as { seen: Seen }).seen);

test("the page gets its port, and a fresh one after the engine was lost", async () => {
  await page.goto(host.mintUrl());
  expect(page.url()).toBe(`${host.origin}/`);
  expect(await page.title()).toBe("Alice");
  await eventually(async () => (await seen()).frames.map((frame) => frame.t)).toEqual(["hello", "reply"]);
  expect(await page.evaluate(() => (window as unknown as { latticeHost: LatticeHost }).latticeHost.info)).toMatchObject(
    { runtime: "browser", role: "main", mediaBase: "/media/" },
  );

  engine.setStatus({ state: "restarting", attempt: 1, delayMs: 250 });
  for (const port of engine.ports.splice(0)) port.close();
  await eventually(async () => (await seen()).statuses.at(-1)?.state).toBe("restarting");
  engine.setStatus({ state: "running" });
  await eventually(async () => (await seen()).frames.length).toBe(4);
  expect((await seen()).ports).toBe(2);
  expect(problems).toEqual([]);
});

test("a port that was lost without its engine is renewed", async () => {
  await page.goto(host.mintUrl());
  await eventually(async () => (await seen()).frames.length).toBe(2);
  for (const port of engine.ports.splice(0)) port.close();
  await eventually(async () => (await seen()).frames.length).toBe(4);
  expect((await seen()).statuses.map((status) => status.state).slice(-3)).toEqual(["running", "restarting", "running"]);
});

test("a port that is asked for before the engine runs comes when it does", async () => {
  engine.setStatus({ state: "starting" });
  await page.goto(host.mintUrl());
  await eventually(async () => (await seen()).statuses.at(-1)?.state).toBe("starting");
  expect((await seen()).ports).toBe(0);
  engine.setStatus({ state: "running" });
  await eventually(async () => (await seen()).ports).toBe(1);
});

test("a host that went away shows as a restarting engine", async () => {
  await page.goto(host.mintUrl());
  await eventually(async () => (await seen()).statuses.at(-1)?.state).toBe("running");
  await host.close();
  await eventually(async () => (await seen()).statuses.at(-1)?.state).toBe("restarting");
});

test("a notification is shown once, leads to its room, and goes with its item", async () => {
  await page.goto(host.mintUrl());
  await eventually(() => engine.subscriptions.length).toBe(1);
  const [subscription] = engine.subscriptions;
  const item = {
    key: "n1",
    accountId: "abcdefghijklmnop",
    roomId: "!room",
    kind: "message",
    title: "Alice Reyes",
    body: "Hello",
    isHighlight: false,
    shownAtMs: Date.now(),
  };
  const old = { ...item, key: "n0", title: "Old news", shownAtMs: 1 };
  subscription?.post({ t: "patch", id: 1, rev: 1, ops: [{ op: "reset", items: [old, item, "no item"] }] });
  subscription?.post({
    t: "patch",
    id: 1,
    rev: 2,
    ops: [{ op: "replace", at: 1, item: { ...item, body: "Hello again" } }],
  });
  const titles = () =>
    page.evaluate(() =>
      (window as unknown as { shown: { title: string; body: string }[] }).shown.map(
        ({ title, body }) => `${title}: ${body}`,
      ),
    );
  await eventually(titles).toEqual(["Alice Reyes: Hello"]);
  await page.evaluate(() =>
    (window as unknown as { shown: { notification: Notification }[] }).shown[0]?.notification.dispatchEvent(
      new Event("click"),
    ),
  );
  expect((await seen()).routes).toEqual([{ to: "room", accountId: "abcdefghijklmnop", roomId: "!room" }]);

  // A gap in the revisions is answered by asking for the whole list.
  subscription?.post({ t: "patch", id: 1, rev: 4, ops: [{ op: "cut", at: 0 }] });
  await eventually(() => engine.resyncs).toBe(1);
  subscription?.post({
    t: "patch",
    id: 1,
    rev: 1,
    ops: [{ op: "reset", items: [{ ...item, key: "n2", kind: "call", title: "Bob Marsh", body: "Video call" }] }],
  });
  await eventually(titles).toEqual(["Alice Reyes: Hello", "Bob Marsh: Video call"]);
  expect(problems).toEqual([]);
});

test("calls are asked of a window of their own: once each, in one window, also after the rooms' page was loaded anew", async () => {
  await page.goto(host.mintUrl());
  await eventually(async () => (await seen()).ports).toBe(1);
  const accountId = "abcdefghijklmnop" as AccountId;
  const place: CallRequest = { ask: "place", accountId, roomId: "!room" as RoomId, media: "voice" };
  const openCall = (request: CallRequest) =>
    page.evaluate((asked) => (window as unknown as { latticeHost: LatticeHost }).latticeHost.openCall(asked), request);

  // There is nothing to show, and nothing is left of having looked.
  expect(await openCall({ ask: "show", accountId })).toBe(false);
  await eventually(() => page.context().pages().length).toBe(1);

  const opening = page.waitForEvent("popup");
  // Twice, before the window has loaded.
  expect(await openCall(place)).toBe(true);
  expect(await openCall({ ...place, media: "video" })).toBe(true);
  const calls = await opening;
  const asked = () => calls.evaluate(() => (window as unknown as { seen: Seen }).seen.requests.map(({ ask }) => ask));
  const hostOf = (of: Page) =>
    of.evaluate(() => {
      const { info, openCall: ask } = (window as unknown as { latticeHost: LatticeHost }).latticeHost;
      return { role: info.role, opened: ask({ ask: "show", accountId: "abcdefghijklmnop" as AccountId }) };
    });
  await eventually(asked).toEqual(["place", "place"]);
  expect(await hostOf(calls)).toEqual({ role: "calls", opened: false });

  await page.reload();
  await eventually(async () => (await seen()).ports).toBe(1);
  expect(await openCall({ ask: "show", accountId })).toBe(true);
  await eventually(asked).toEqual(["place", "place", "show"]);
  expect(page.context().pages()).toHaveLength(2);

  // What cannot be read, and what comes from another origin, is dropped.
  await calls.evaluate(() => {
    window.postMessage({ lattice: "call", request: { ask: "place" } }, window.location.origin);
    window.postMessage("{", window.location.origin);
    window.dispatchEvent(
      new MessageEvent("message", {
        origin: "https://example.org",
        data: { lattice: "call", request: { ask: "show", accountId: "abcdefghijklmnop" } },
      }),
    );
  });
  await calls.evaluate(() =>
    (window as unknown as { latticeHost: LatticeHost }).latticeHost.openMain({ to: "settings" }),
  );
  await eventually(async () => (await seen()).routes).toEqual([{ to: "settings" }]);
  expect(await asked()).toEqual(["place", "place", "show"]);

  await calls.evaluate(() => (window as unknown as { latticeHost: LatticeHost }).latticeHost.closeWindow());
  await eventually(() => page.context().pages().length).toBe(1);
  expect(problems).toEqual([]);
});
