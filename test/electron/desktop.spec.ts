/**
 * What the user sees of the shell on the desktop: notifications, the tray, the badge, closing and coming back.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "@playwright/test";
import { test, type RunningApp } from "./app.ts";
import { hasOwnDesktop } from "./global-setup.ts";

const run = promisify(execFile);
const account = "a1b2c3d4e5f6g7h8";

test.beforeEach(() => test.skip(!hasOwnDesktop(), "needs the desktop that the tests start on Linux"));
test.afterEach(async () => {
  if (hasOwnDesktop()) await run("dunstctl", ["close-all"]);
});

const item = (key: string, more: object = {}) => ({
  key,
  accountId: account,
  roomId: "!room:example.org",
  eventId: "$event",
  kind: "message",
  title: "Bob",
  body: "Hello",
  isHighlight: false,
  sound: "default",
  shownAtMs: 1,
  ...more,
});

async function waitingCount(): Promise<number> {
  const { stdout } = await run("dunstctl", ["count", "displayed"]);
  return Number(stdout.trim());
}
/** The notifications that are no longer on the screen, the last one first, as "urgency: title: body". */
async function history(): Promise<string[]> {
  const { stdout } = await run("dunstctl", ["history"]);
  const { data } = JSON.parse(stdout) as { data: { message: { data: string } }[][] };
  return data.flat().map((entry) => entry.message.data);
}
/** The first start on a computer without a key store tells so once. */
async function dismissFirstNotice(app: RunningApp): Promise<void> {
  await app.engine.seen();
  await expect.poll(waitingCount).toBe(1);
  await run("dunstctl", ["close-all"]);
  await expect.poll(waitingCount).toBe(0);
}
async function busctl(...args: string[]): Promise<string> {
  return (await run("busctl", ["--user", ...args])).stdout;
}
/** Bus names of all that ever registered; the last one is the app of this test. */
async function trayEntries(): Promise<string[]> {
  const watcher = "org.kde.StatusNotifierWatcher";
  const text = await busctl(
    "get-property",
    watcher,
    "/StatusNotifierWatcher",
    watcher,
    "RegisteredStatusNotifierItems",
  );
  return [...text.matchAll(/"([^"]+)"/gu)].map((match) => match[1] ?? "");
}
const isShown = (app: RunningApp): Promise<boolean> =>
  app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false);

test("a message is notified, a click opens its room, and the notification goes with its item", async ({ launch }) => {
  const app = await launch();
  await dismissFirstNotice(app);
  await app.engine.setTopic("notifications", [
    item("one", { body: "<b>Hello</b> <a href='https://evil.example'>x</a>" }),
  ]);
  await expect.poll(waitingCount).toBe(1);
  await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide());
  await run("dunstctl", ["action"]);
  const routes = () =>
    app.page.evaluate(() => (globalThis as unknown as { heard: { routes: unknown[] } }).heard.routes);
  await expect
    .poll(routes)
    .toEqual([{ to: "room", accountId: account, roomId: "!room:example.org", eventId: "$event" }]);
  await expect.poll(() => isShown(app)).toBe(true);
  await app.engine.setTopic("notifications", []);
  await expect.poll(waitingCount).toBe(0);
  expect((await history())[0]).toBe(
    "normal: Bob: &lt;b&gt;Hello&lt;/b&gt; &lt;a href='https://evil.example'&gt;x&lt;/a&gt;",
  );
});

test("a call is urgent and goes when the call is over", async ({ launch }) => {
  const app = await launch();
  await dismissFirstNotice(app);
  await app.engine.setTopic("notifications", [
    item("call", { kind: "call", callId: "abc", title: "Alice", body: "Incoming video call" }),
  ]);
  await expect.poll(waitingCount).toBe(1);
  await app.engine.setTopic("notifications", []);
  await expect.poll(waitingCount).toBe(0);
  expect((await history())[0]).toBe("critical: Alice: Incoming video call");
});

test("what is told already is not told again when more comes", async ({ launch }) => {
  const app = await launch();
  await dismissFirstNotice(app);
  await app.engine.setTopic("notifications", [item("one")]);
  await expect.poll(waitingCount).toBe(1);
  await app.engine.setTopic("notifications", [item("one"), item("two", { body: "Again" })]);
  await expect.poll(waitingCount).toBe(2);
});

test("the tray shows what is unread; closing hides the window, and the tray or a new start brings it back", async ({
  launch,
}) => {
  const app = await launch();
  await app.engine.setTopic("badge", [
    { key: "badge", unreadRoomCount: 2, notificationCount: 3, highlightCount: 1, inviteCount: 0, missedCallCount: 1 },
  ]);
  const toolTip = async () =>
    busctl(
      "get-property",
      (await trayEntries()).at(-1) ?? "",
      "/StatusNotifierItem",
      "org.kde.StatusNotifierItem",
      "ToolTip",
    );
  await expect.poll(toolTip).toContain("Lattice: 2 unread rooms, 1 missed call");
  const hideByClosing = async (): Promise<void> => {
    await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.close());
    await expect.poll(() => isShown(app)).toBe(false);
  };
  await hideByClosing();
  await busctl(
    "call",
    (await trayEntries()).at(-1) ?? "",
    "/StatusNotifierItem",
    "org.kde.StatusNotifierItem",
    "Activate",
    "ii",
    "0",
    "0",
  );
  await expect.poll(() => isShown(app)).toBe(true);
  await hideByClosing();
  await app.electron.evaluate(({ app: electronApp }) => electronApp.emit("second-instance", {}, ["lattice"], "/"));
  await expect.poll(() => isShown(app)).toBe(true);
});

test("with close-to-tray off, closing the window quits", async ({ launch }) => {
  const app = await launch({ prepare: (folder) => writeFile(join(folder, "settings.json"), '{"closeToTray":false}') });
  await app.engine.seen();
  const child = app.electron.process();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await app.electron.evaluate(
    ({ BrowserWindow }) => void setTimeout(() => BrowserWindow.getAllWindows()[0]!.close(), 50),
  );
  expect(await ended).toBe(0);
});

test("quitting really quits, and lets the engine close", async ({ launch }) => {
  const app = await launch();
  await app.engine.seen();
  const child = app.electron.process();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await app.electron.evaluate(({ app: electronApp }) => void setTimeout(() => electronApp.quit(), 50));
  expect(await ended).toBe(0);
});
