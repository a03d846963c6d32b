/**
 * What the shell does for calls: notifications with answers, the small window, what can be shared, and what it asks of
 * the computer. The engine is pretended, the page is the real one.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, type Locator, type Page } from "@playwright/test";
import type { AccountId } from "../../preload/contract/ids.ts";
import type { CallRequest, LatticeHost } from "../../preload/contract/shell-contract.ts";
import { test, type RunningApp } from "./app.ts";
import { hasOwnDesktop } from "./global-setup.ts";
import { callsPage, smallPage } from "./windows.ts";

const run = promisify(execFile);
const accountId = "a1b2c3d4e5f6g7h8";
const account = {
  key: accountId,
  accountId,
  userId: "@me:example.org",
  displayName: "Me",
  deviceId: "DEVICE",
  homeserverUrl: "https://example.org",
  state: "signed-in",
};
const ringing = {
  key: "abc",
  callId: "abc",
  roomId: "!room:example.org",
  roomName: "Bob",
  peer: { userId: "@bob:example.org", displayName: "Bob Marsh" },
  direction: "incoming",
  media: "video",
  isEncrypted: true,
  state: "ringing",
  isAudible: true,
  startedAtMs: 1,
  isMediaHere: false,
  isOnHold: false,
  canRenegotiate: true,
  canTakeTones: false,
};
const told = {
  key: "call abc",
  accountId,
  roomId: "!room:example.org",
  callId: "abc",
  kind: "call",
  title: "Bob Marsh",
  body: "Video call",
  isHighlight: true,
  sound: "ring",
  shownAtMs: 1,
};

type Seen = { command: string; args: unknown };
const callCommands = async (app: RunningApp): Promise<Seen[]> =>
  (await app.engine.seen()).calls.filter(({ command }) => command.startsWith("calls."));
const isPrepare = ({ command }: Seen): boolean => command === "calls.prepare";
/** What the user decided; an answer is made ready while it rings, whatever he then does. */
const commands = async (app: RunningApp): Promise<Seen[]> =>
  (await callCommands(app)).filter((seen) => !isPrepare(seen));

test.beforeEach(() => test.skip(!hasOwnDesktop(), "needs the desktop that the tests start on Linux"));
test.afterEach(async () => {
  if (hasOwnDesktop()) await run("dunstctl", ["close-all"]);
});

/** Signed in, with the notice of the first start gone. */
async function start(app: RunningApp): Promise<void> {
  await app.engine.setTopic("accounts", [account]);
  await app.page.getByRole("button", { name: "Account: Me" }).waitFor();
  await run("dunstctl", ["close-all"]);
}
const displayed = async (): Promise<number> => Number((await run("dunstctl", ["count", "displayed"])).stdout.trim());

/** Every window but the first, as the system has it. */
const smallWindows = (app: RunningApp) =>
  app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .filter((window) => window.getTitle() === "Incoming call")
      .map((window) => ({
        isVisible: window.isVisible(),
        isFocused: window.isFocused(),
        isOnTop: window.isAlwaysOnTop(),
        bounds: window.getBounds(),
        preferences: (
          window.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> }
        ).getLastWebPreferences(),
      })),
  );
const hideMain = (app: RunningApp) =>
  app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice")!
      .hide(),
  );
const isMainShown = (app: RunningApp) =>
  app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice")!
      .isVisible(),
  );
/** The window of calls, as the system has it. */
const callsWindow = (app: RunningApp) =>
  app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .filter((window) => window.getTitle() === "Lattice: call")
      .map((window) => ({
        isVisible: window.isVisible(),
        isOnTop: window.isAlwaysOnTop(),
        bounds: window.getBounds(),
        preferences: (
          window.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> }
        ).getLastWebPreferences(),
      }))
      .at(0),
  );

/** Presses what closes the small window, which may be gone before the click has been reported. */
async function pressLast(button: Locator): Promise<void> {
  try {
    await button.click();
  } catch (error) {
    if (!String(error).includes("has been closed")) throw error;
  }
}

/** Keeps the notifications, whose buttons the test's desktop may not have. */
const keepNotifications = (app: RunningApp) =>
  app.electron.evaluate(({ Notification }) => {
    const kept: Electron.Notification[] = [];
    Object.assign(globalThis, { kept });
    const { show } = Notification.prototype;
    Notification.prototype.show = function keepAndShow() {
      kept.push(this);
      show.call(this);
    };
  });
const press = (app: RunningApp, actionIndex: number) =>
  app.electron.evaluate((_electron, index) => {
    const { kept } = globalThis as unknown as { kept: Electron.Notification[] };
    kept.at(-1)!.emit("action", { actionIndex: index }, index);
  }, actionIndex);

test("a call's notification answers in the window of calls, declines, and goes within a second", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await keepNotifications(app);
  await hideMain(app);
  await app.engine.setTopic("calls", [ringing]);
  await app.engine.setTopic("notifications", [told]);
  await expect.poll(displayed).toBe(1);
  const actions = await app.electron.evaluate(() =>
    (globalThis as unknown as { kept: Electron.Notification[] }).kept.at(-1)!.actions.map(({ text }) => text),
  );
  expect(actions).toEqual(["Answer", "Decline"]);
  await press(app, 0);
  await expect
    .poll(() => commands(app))
    .toEqual([{ command: "calls.answer", args: { accountId, callId: "abc", media: "video" } }]);
  await expect.poll(async () => (await callsWindow(app))?.isVisible).toBe(true);
  expect(await isMainShown(app)).toBe(false);
  await expect.poll(displayed).toBe(0);

  await app.engine.setTopic("notifications", []);
  await app.engine.setTopic("notifications", [{ ...told, key: "call two", callId: "two" }]);
  await expect.poll(displayed).toBe(1);
  await press(app, 1);
  await expect
    .poll(async () => (await commands(app)).at(-1))
    .toEqual({ command: "calls.reject", args: { accountId, callId: "two" } });

  await app.engine.setTopic("notifications", [{ ...told, key: "call three", callId: "three" }]);
  await expect.poll(displayed).toBe(1);
  const startedMs = performance.now();
  await app.engine.setTopic("notifications", []);
  await expect.poll(displayed, { intervals: [20] }).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

test("the small window rings above all else without taking the keyboard, and leads into the call", async ({
  launch,
}, testInfo) => {
  const app = await launch({ page: "real" });
  await start(app);
  const portsBefore = (await app.engine.seen()).ports;
  await hideMain(app);
  const startedMs = performance.now();
  await app.engine.setTopic("calls", [ringing]);
  const page = await smallPage(app);
  await expect.poll(async () => (await smallWindows(app))[0]?.isVisible).toBe(true);
  testInfo.annotations.push({ type: "shown after", description: `${Math.round(performance.now() - startedMs)} ms` });
  await expect.poll(async () => (await smallWindows(app))[0]?.isOnTop).toBe(true);
  const [small] = await smallWindows(app);
  expect(small).toMatchObject({
    isFocused: false,
    preferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true },
  });
  expect(small!.bounds.width).toBe(352);
  const card = await page.getByRole("alertdialog").boundingBox();
  expect(Math.abs(small!.bounds.height - card!.height)).toBeLessThanOrEqual(1);
  const surface = await page.evaluate(() => ({
    host: typeof (globalThis as Record<string, unknown>)["latticeHost"],
    keys: Object.keys((globalThis as unknown as { latticeIncomingCall: object }).latticeIncomingCall).toSorted(),
    isFrozen: Object.isFrozen((globalThis as unknown as { latticeIncomingCall: object }).latticeIncomingCall),
  }));
  expect(surface).toEqual({ host: "undefined", keys: ["fitHeight", "mediaBase", "onCalls", "reply"], isFrozen: true });
  expect(
    await page.evaluate(() =>
      navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 1,
        () => 0,
      ),
    ),
  ).toBe(0);
  // The window of calls is loaded in case, and has the one port more; the small window has none.
  await expect.poll(async () => (await app.engine.seen()).ports).toBe(portsBefore + 1);
  expect(await callsWindow(app)).toMatchObject({ isVisible: false });
  await page.screenshot({ path: join(testInfo.outputDir, "small-window.png") });

  await pressLast(page.getByRole("button", { name: "Answer", exact: true }));
  await expect
    .poll(() => commands(app))
    .toEqual([{ command: "calls.answer", args: { accountId, callId: "abc", media: "video" } }]);
  await expect.poll(async () => (await callsWindow(app))?.isVisible).toBe(true);
  expect(await isMainShown(app)).toBe(false);
  await expect.poll(async () => (await smallWindows(app)).length).toBe(0);
});

const running = { ...ringing, direction: "outgoing", state: "connected", connectedAtMs: 1 };

test("the window of calls is loaded while it rings, and goes where nobody answered", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await app.engine.setTopic("calls", [{ ...ringing, isAudible: false }]);
  await app.page.waitForTimeout(500);
  expect(await callsWindow(app)).toBeUndefined();
  await app.engine.setTopic("calls", [ringing]);
  await expect
    .poll(() => callsWindow(app))
    .toMatchObject({
      isVisible: false,
      preferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true },
    });
  const page = await callsPage(app);
  // It is the one page that makes the answer ready; the rooms' page shows the same call, and does not.
  await expect
    .poll(async () => (await callCommands(app)).filter(isPrepare))
    .toEqual([{ command: "calls.prepare", args: { accountId, callId: "abc" } }]);
  await app.engine.setTopic("calls", [{ ...ringing, state: "ended", endReason: "answered-elsewhere" }]);
  await expect.poll(() => callsWindow(app)).toBeUndefined();
  await expect.poll(() => page.isClosed()).toBe(true);
});

test("a call that is placed opens its window; that can be small, and hangs up when it is closed", async ({
  launch,
}, testInfo) => {
  const app = await launch({ page: "real" });
  await start(app);
  const ask = (of: Page, request: unknown) =>
    of.evaluate(
      (asked) => (globalThis as unknown as { latticeHost: LatticeHost }).latticeHost.openCall(asked as CallRequest),
      request,
    );
  const place = { ask: "place", accountId, roomId: "!room:example.org", media: "voice" };
  for (const wrong of [null, { ...place, roomId: "room" }, { ask: "shut" }]) await ask(app.page, wrong);
  await app.page.waitForTimeout(300);
  expect(await callsWindow(app)).toBeUndefined();
  // Twice, before the page listens.
  expect([await ask(app.page, place), await ask(app.page, { ...place, media: "video" })]).toEqual([true, true]);
  const page = await callsPage(app);
  await expect
    .poll(async () => (await commands(app)).map(({ command, args }) => [command, (args as { media: string }).media]))
    .toEqual([
      ["calls.place", "voice"],
      ["calls.place", "video"],
    ]);
  await expect.poll(async () => (await callsWindow(app))?.isVisible).toBe(true);
  await app.engine.setTopic("calls", [{ ...running, isMediaHere: true }]);
  await page.getByRole("region", { name: "Call with Bob Marsh" }).waitFor();
  expect(await ask(page, place)).toBe(false);
  // What belongs to the other page is refused to each.
  await app.page.evaluate(() => (globalThis as unknown as { latticeHost: LatticeHost }).latticeHost.closeWindow());
  await page.screenshot({ path: join(testInfo.outputDir, "call.png") });

  const before = (await callsWindow(app))!.bounds;
  await page.getByRole("button", { name: "Make the call small" }).click();
  await expect.poll(() => callsWindow(app)).toMatchObject({ isOnTop: true, bounds: { width: 336, height: 232 } });
  await page.screenshot({ path: join(testInfo.outputDir, "small-call.png") });
  await page.getByRole("button", { name: "Back to the call" }).click();
  const { width, height } = before;
  await expect.poll(() => callsWindow(app)).toMatchObject({ isOnTop: false, bounds: { width, height } });
  // Window managers of X11 count their frame in one way when asked, and in another when told.
  const { x, y } = (await callsWindow(app))!.bounds;
  expect([Math.abs(x - before.x) < 40, Math.abs(y - before.y) < 40]).toEqual([true, true]);

  await app.page.reload();
  await app.page.getByRole("button", { name: "Account: Me" }).waitFor();
  expect(page.isClosed()).toBe(false);
  await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice: call")!
      .close(),
  );
  await expect
    .poll(async () => (await commands(app)).at(-1))
    .toEqual({ command: "calls.hangUp", args: { accountId, callId: "abc" } });
  await expect.poll(() => callsWindow(app)).toBeUndefined();
});

test("without a rooms' window one is opened to ring, and closing it while a call runs ends nothing", async ({
  launch,
}) => {
  const app = await launch({ page: "real" });
  await start(app);
  await app.engine.setTopic("calls", [running]);
  await app.page.evaluate((id) => {
    const host = (globalThis as unknown as { latticeHost: LatticeHost }).latticeHost;
    host.openCall({ ask: "show", accountId: id as AccountId });
  }, accountId);
  await expect.poll(async () => (await callsWindow(app))?.isVisible).toBe(true);
  const mainWindows = () =>
    app.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()
        .filter((window) => window.getTitle() === "Lattice")
        .map((window) => window.isVisible()),
    );
  await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice")!
      .destroy(),
  );
  await expect.poll(mainWindows).toEqual([]);
  expect((await commands(app)).filter(({ command }) => command === "calls.hangUp")).toEqual([]);
  await app.engine.setTopic("calls", [running, { ...ringing, key: "two", callId: "two" }]);
  await expect.poll(mainWindows).toEqual([false]);
});

test("the small window goes at once when the ringing ends, and when the engine ends", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await hideMain(app);
  await app.engine.setTopic("calls", [ringing]);
  await smallPage(app);
  const startedMs = performance.now();
  await app.engine.setTopic("calls", [{ ...ringing, state: "ended", endReason: "answered-elsewhere" }]);
  await expect.poll(async () => (await smallWindows(app)).length, { intervals: [20] }).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(1_000);

  await app.engine.setTopic("notifications", [told]);
  await app.engine.setTopic("calls", [{ ...ringing, callId: "two", key: "two" }]);
  await smallPage(app);
  await expect.poll(displayed).toBe(1);
  await app.engine.exit(9);
  await expect.poll(async () => (await smallWindows(app)).length).toBe(0);
  await expect.poll(displayed).toBe(0);
});

test("no small window for a silent call, nor while the user has the main window before him", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await hideMain(app);
  await app.engine.setTopic("calls", [{ ...ringing, isAudible: false }]);
  await app.page.waitForTimeout(1_000);
  expect(await smallWindows(app)).toEqual([]);
  await app.engine.setTopic("calls", [ringing]);
  await smallPage(app);
  await app.electron.evaluate(({ BrowserWindow }) => {
    const main = BrowserWindow.getAllWindows().find((window) => window.getTitle() === "Lattice")!;
    main.show();
    main.focus();
  });
  await expect.poll(async () => (await smallWindows(app)).length).toBe(0);
  await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice")!
      .minimize(),
  );
  await smallPage(app);
});

test("in the small window a call is silenced, hidden, declined, and answered by a message", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await hideMain(app);
  const isMuted = () =>
    app.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()
        .find((window) => window.getTitle() === "Lattice")!
        .webContents.isAudioMuted(),
    );
  const two = { ...ringing, callId: "two", key: "two", media: "voice", startedAtMs: 2 };
  await app.engine.setTopic("calls", [ringing, two]);
  const page = await smallPage(app);
  const cards = page.getByRole("alertdialog");
  await expect(cards).toHaveCount(2);
  await cards
    .first()
    .getByRole("button", { name: /^Silence/u })
    .click();
  await expect.poll(isMuted).toBe(true);
  await cards.first().getByRole("button", { name: /^Hide/u }).click();
  await expect(cards).toHaveCount(1);
  expect(await commands(app)).toEqual([]);
  await pressLast(cards.first().getByRole("button", { name: "Decline" }));
  await expect.poll(() => commands(app)).toEqual([{ command: "calls.reject", args: { accountId, callId: "two" } }]);
  await expect.poll(async () => (await smallWindows(app)).length).toBe(0);
  await app.engine.setTopic("calls", []);
  await expect.poll(isMuted).toBe(false);

  await app.engine.setTopic("calls", [{ ...ringing, callId: "three", key: "three" }]);
  await pressLast((await smallPage(app)).getByRole("button", { name: "Reply with a message" }));
  await expect
    .poll(async () => (await commands(app)).at(-1))
    .toEqual({ command: "calls.reject", args: { accountId, callId: "three" } });
  await expect.poll(() => isMainShown(app)).toBe(true);
  await expect.poll(() => app.page.url()).toContain(encodeURIComponent("!room:example.org"));
});

test("the small window stands where the user put it, and a quit while it rings is a quit", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  await hideMain(app);
  await app.engine.setTopic("calls", [ringing]);
  await smallPage(app);
  await expect.poll(async () => (await smallWindows(app))[0]?.isVisible).toBe(true);
  await expect.poll(async () => (await smallWindows(app))[0]?.bounds).toMatchObject({ x: 1_280 - 352 - 16, y: 16 });
  await app.page.waitForTimeout(1_000);
  await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Incoming call")!
      .setPosition(200, 300),
  );
  await app.page.waitForTimeout(800);
  await app.engine.setTopic("calls", []);
  await expect.poll(async () => (await smallWindows(app)).length).toBe(0);
  await app.engine.setTopic("calls", [{ ...ringing, callId: "two", key: "two" }]);
  await smallPage(app);
  await expect.poll(async () => (await smallWindows(app))[0]?.bounds).toMatchObject({ x: 200, y: 300 });
  const child = app.electron.process();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await app.electron.evaluate(({ app: electronApp }) => void setTimeout(() => electronApp.quit(), 50));
  expect(await ended).toBe(0);
});

/** Asks for a screen as a call does; the answer is kept in the page. */
async function askForScreen(page: Page): Promise<{ answer: () => Promise<string> }> {
  await page.evaluate(() => {
    const kept = globalThis as unknown as { screenAnswer?: string; screenTrack?: MediaStreamTrack };
    delete kept.screenAnswer;
    navigator.mediaDevices.getDisplayMedia({ video: true, audio: true }).then(
      (stream) => {
        kept.screenTrack = stream.getVideoTracks()[0]!;
        kept.screenAnswer = stream
          .getTracks()
          .map((track) => `${track.kind} ${track.readyState}`)
          .join(", ");
      },
      (error: unknown) => void (kept.screenAnswer = error instanceof Error ? error.name : "unknown"),
    );
  });
  return {
    answer: () => page.evaluate(() => (globalThis as unknown as { screenAnswer?: string }).screenAnswer ?? "waits"),
  };
}

test("a screen is shared only during a call, and only when the user chose it", async ({ launch }, testInfo) => {
  const app = await launch({ page: "real" });
  await start(app);
  const refused = /Error$/u;
  await expect.poll((await askForScreen(app.page)).answer).toMatch(refused);

  await app.engine.setTopic("calls", [running]);
  await app.page.waitForTimeout(300);
  const dialog = app.page.getByRole("dialog", { name: "Share your screen" });
  const cancelled = await askForScreen(app.page);
  await dialog.waitFor();
  expect(await cancelled.answer()).toBe("waits");
  await app.page.screenshot({ path: join(testInfo.outputDir, "share.png") });
  await expect(dialog.getByRole("button", { name: "Share" })).toBeDisabled();
  await dialog.press("Escape");
  await expect.poll(cancelled.answer).toMatch(refused);
  await expect(dialog).toHaveCount(0);

  // By keyboard alone.
  const chosen = await askForScreen(app.page);
  await dialog.getByRole("tab", { name: "Screens" }).press("ArrowRight");
  await expect(dialog.getByRole("tab", { name: "Windows" })).toHaveAttribute("aria-selected", "true");
  await app.page.keyboard.press("ArrowLeft");
  await app.page.keyboard.press("Tab");
  await app.page.keyboard.press("ArrowDown");
  await app.page.keyboard.press("Space");
  await dialog.getByRole("button", { name: "Share" }).press("Enter");
  await expect.poll(chosen.answer).toBe("video live");
  const width = () =>
    app.page.evaluate(
      () => (globalThis as unknown as { screenTrack: MediaStreamTrack }).screenTrack.getSettings().width ?? 0,
    );
  await expect.poll(width).toBeGreaterThan(300);

  const overtaken = await askForScreen(app.page);
  await dialog.waitFor();
  await app.engine.setTopic("calls", []);
  await expect.poll(overtaken.answer).toMatch(refused);
  await expect(dialog).toHaveCount(0);
});

test("a source that was not offered is not granted, and a page of ours in a strange window gets none", async ({
  launch,
}) => {
  const app = await launch({ page: "real" });
  await start(app);
  await app.engine.setTopic("calls", [running]);
  await app.page.waitForTimeout(300);
  await app.page.evaluate(() => {
    type Request = { requestId: string; sources: { id: string }[] } | null;
    const host = (
      globalThis as unknown as {
        latticeHost: {
          onScreenSources(listener: (request: Request) => void): void;
          chooseScreenSource(choice: unknown): void;
        };
      }
    ).latticeHost;
    host.onScreenSources((request) => {
      if (!request) return;
      host.chooseScreenSource({ requestId: "not-this-request", sourceId: request.sources[0]!.id, withSound: false });
      host.chooseScreenSource({ requestId: request.requestId, sourceId: "screen:99:0", withSound: true });
    });
  });
  await expect.poll((await askForScreen(app.page)).answer).toMatch(/Error$/u);

  const answer = await app.electron.evaluate(async ({ BrowserWindow }) => {
    const stranger = new BrowserWindow({ show: false });
    await stranger.loadURL("app://lattice/index.html");
    const screen: unknown = await stranger.webContents.executeJavaScript(
      "navigator.mediaDevices.getDisplayMedia({ video: true }).then(() => 'granted', (error) => error.name)",
      true,
    );
    const device: unknown = await stranger.webContents.executeJavaScript(
      "navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'granted', (error) => error.name)",
      true,
    );
    stranger.destroy();
    return [screen, device];
  });
  expect(answer).not.toContain("granted");
});

test("the computer is kept awake while a call runs, and its sleep hangs up", async ({ launch }) => {
  const app = await launch({ page: "real" });
  await start(app);
  const isBlocked = () =>
    app.electron.evaluate(({ powerSaveBlocker }) => [0, 1, 2].some((id) => powerSaveBlocker.isStarted(id)));
  await app.engine.setTopic("calls", [
    { ...running, media: "voice" },
    { ...ringing, callId: "two", key: "two" },
  ]);
  await expect.poll(isBlocked).toBe(true);
  await app.electron.evaluate(({ powerMonitor }) => powerMonitor.emit("suspend"));
  await expect.poll(() => commands(app)).toEqual([{ command: "calls.hangUp", args: { accountId, callId: "abc" } }]);
  await app.engine.exit(9);
  await expect.poll(isBlocked).toBe(false);
});
