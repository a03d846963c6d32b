/**
 * Opens the app for one person: over the browser host in a Chromium window or a headless page, or in Electron.
 * Used by demo.ts. Invariant: every app has its own data folder and ends with `close`, its processes with it.
 */
import { on as eventsOf, once } from "node:events";
import { join } from "node:path";
import { WebSocket } from "ws";
import { _electron, chromium, type Browser, type Page } from "playwright";
import { openAppWindow } from "../../main/tools/chromium-window.ts";
import { startHostProcess } from "../../main/tools/host-process.ts";
import { SetupError } from "../support/cache.ts";
import { findCallsPage } from "../support/calls-page.ts";
import type { Person } from "./people.ts";

/** A moving test picture and a beep in the place of camera and microphone: two windows cannot share the real ones. */
export const FAKE_DEVICES = [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
];
export const PAGE_SIZE = { width: 1_360, height: 860 };

export type Scheme = "light" | "dark";

/** An app that a script can drive. */
export type DrivenApp = {
  person: Person;
  page: Page;
  /** All that are open now. */
  pages: () => readonly Page[];
  /** The page of the window of calls; waits for it. */
  callsPage: () => Promise<Page>;
  notificationCount: () => Promise<number>;
  close: () => Promise<void>;
};
/** An app that is there for the user. */
export type OpenWindow = { closed: Promise<void>; close: () => Promise<void> };

/** Starts the browser for headless pages. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-background-networking", ...FAKE_DEVICES],
  });

/** The app in a headless page. */
export async function openHeadless(
  browser: Browser,
  person: Person,
  folder: string,
  scheme: Scheme,
): Promise<DrivenApp> {
  const host = await startHostProcess({ dataDir: join(folder, person.localpart), title: `Lattice: ${person.name}` });
  const { origin } = new URL(host.url);
  const context = await browser.newContext({ viewport: PAGE_SIZE, colorScheme: scheme, locale: "en-GB" });
  await context.grantPermissions(["notifications", "microphone", "camera"], { origin });
  await context.addInitScript(countNotifications);
  const page = await context.newPage();
  await page.goto(host.url);
  return {
    person,
    page,
    pages: () => context.pages(),
    callsPage: () => findCallsPage(() => context.pages()),
    notificationCount: () =>
      page.evaluate(() => (window as unknown as { shownNotifications: number }).shownNotifications),
    close: async () => {
      await context.close();
      await host.close();
    },
  };
}

/** Runs in the page, before anything else. */
function countNotifications(): void {
  const Real = window.Notification;
  Object.assign(window, { shownNotifications: 0 });
  window.Notification = class extends Real {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options);
      (window as unknown as { shownNotifications: number }).shownNotifications += 1;
    }
  };
}

/** The app in Electron; notifications are the operating system's there, and counted in its main process. */
export async function openElectron(
  options: { executablePath: string; root: string; devices: readonly string[] },
  person: Person,
  folder: string,
  scheme: Scheme,
): Promise<DrivenApp & OpenWindow> {
  const app = await _electron.launch({
    executablePath: options.executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--user-data-dir=${join(folder, person.localpart)}`,
      ...options.devices,
      options.root,
    ],
    colorScheme: scheme,
    timeout: 30_000,
  });
  await app.evaluate(({ Notification }) => {
    const counter = globalThis as unknown as { shownNotifications: number };
    counter.shownNotifications = 0;
    const show = Notification.prototype.show;
    Notification.prototype.show = function (this: Electron.Notification) {
      counter.shownNotifications += 1;
      show.call(this);
    };
  });
  const page = await app.firstWindow();
  return {
    person,
    page,
    pages: () => app.windows(),
    callsPage: () => findCallsPage(() => app.windows()),
    notificationCount: () =>
      app.evaluate(() => (globalThis as unknown as { shownNotifications: number }).shownNotifications),
    closed: new Promise((resolve) => app.once("close", () => resolve())),
    close: () => app.close(),
  };
}

/** The app in a Chromium window, signed in already. */
export async function openWindow(
  options: { executablePath: string; homeserverUrl: string; devices: readonly string[]; index: number },
  person: Person,
  folder: string,
): Promise<OpenWindow> {
  const host = await startHostProcess({ dataDir: join(folder, person.localpart), title: `Lattice: ${person.name}` });
  await signInThroughHost(host.url, options.homeserverUrl, person);
  const window = await openAppWindow({
    executablePath: options.executablePath,
    url: await host.mintUrl(),
    profileDir: join(folder, `${person.localpart}-browser`),
    size: { widthPx: 1_100, heightPx: 760 },
    position: { xPx: 40 + options.index * 420, yPx: 40 + options.index * 60 },
    extraArgs: options.devices,
  });
  const closed = once(window, "exit").then(() => host.close());
  return {
    closed,
    close: async () => {
      window.kill("SIGTERM");
      await closed;
    },
  };
}

/** Speaks the port's own protocol, as a window would, to give the engine its account before the window opens. */
async function signInThroughHost(url: string, homeserverUrl: string, person: Person): Promise<void> {
  const entered = await fetch(url, { redirect: "manual" });
  const cookie = entered.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const { origin } = new URL(url);
  const socket = new WebSocket(`${origin.replace("http:", "ws:")}/engine`, { headers: { origin, cookie } });
  try {
    await once(socket, "open", { signal: AbortSignal.timeout(10_000) });
    const args = { homeserverUrl, user: person.userId, password: person.password, deviceName: "Lattice demo" };
    socket.send(JSON.stringify({ t: "call", id: 1, command: "accounts.signIn", args }));
    for await (const [data] of eventsOf(socket, "message", { signal: AbortSignal.timeout(20_000) })) {
      const frame = JSON.parse(String(data)) as { t: string; id?: number; error?: { message: string } };
      if (frame.t === "failed") throw new SetupError(`${person.name} could not sign in. ${frame.error?.message ?? ""}`);
      if (frame.t === "reply") return;
    }
  } finally {
    socket.close();
  }
}
