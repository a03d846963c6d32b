/**
 * Two people in the real app, for the end-to-end specs: each has a host of its own, a page, and an account on a
 * real homeserver. Invariant: a spec that fails still ends what it started.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, type BrowserContext, type Page } from "@playwright/test";
import { startHostProcess, type HostProcess } from "../../main/tools/host-process.ts";
import { startHomeserver, type Homeserver } from "../support/homeserver.ts";

/** One person at one window. */
export type Seat = {
  name: string;
  localpart: string;
  userId: string;
  password: string;
  host: HostProcess;
  context: BrowserContext;
  page: Page;
};

type Fixtures = { seat: (name: string) => Promise<Seat> };
type WorkerFixtures = { homeserver: Homeserver };

export const test = base.extend<Fixtures, WorkerFixtures>({
  homeserver: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      await using homeserver = await startHomeserver();
      await use(homeserver);
    },
    { scope: "worker", timeout: 120_000 },
  ],
  seat: async ({ browser, homeserver }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "lattice-e2e-"));
    const seats: Seat[] = [];
    await use(async (name) => {
      const user = await homeserver.registerUser(undefined, undefined, { displayName: name });
      const host = await startHostProcess({ dataDir: join(folder, user.localpart), title: name });
      const context = await browser.newContext({ viewport: { width: 1_200, height: 800 }, locale: "en-GB" });
      await context.grantPermissions(["notifications", "microphone", "camera"], { origin: new URL(host.url).origin });
      await context.addInitScript(countNotifications);
      const page = await context.newPage();
      await page.goto(host.url);
      const { userId, localpart, password } = user;
      const seat = { name, userId, localpart, password, host, context, page };
      seats.push(seat);
      return seat;
    });
    for (const { context, host } of seats) {
      await context.close();
      await host.close();
    }
    await rm(folder, { recursive: true, force: true });
  },
});
export { expect } from "@playwright/test";

/** Runs in the page: remembers the titles of the notifications that were shown. */
function countNotifications(): void {
  const Real = window.Notification;
  const shown: string[] = [];
  Object.assign(window, { shownNotifications: shown });
  window.Notification = class extends Real {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options);
      shown.push(`${title}: ${options?.body ?? ""}`);
    }
  };
}

export const notificationsOf = ({ page }: Seat): Promise<string[]> =>
  page.evaluate(() => (window as unknown as { shownNotifications: string[] }).shownNotifications);

/** Signs in through the form, as a user would whose server has no name that discovery could follow. */
export async function signIn(seat: Seat, homeserverUrl: string): Promise<void> {
  const { page } = seat;
  await page.getByRole("textbox", { name: "Account or server" }).fill(homeserverUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(seat.localpart);
  await page.getByLabel("Password").fill(seat.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: `Account: ${seat.name}` }).waitFor();
}

/** Both sign in; the first invites the second through the dialog, who accepts. Both have the room open. */
export async function meet(host: Seat, guest: Seat, homeserverUrl: string): Promise<void> {
  await Promise.all([signIn(host, homeserverUrl), signIn(guest, homeserverUrl)]);
  await host.page.getByRole("button", { name: "New", exact: true }).click();
  await host.page.getByRole("menuitem", { name: "New direct room" }).click();
  await host.page.getByRole("textbox", { name: "Matrix id" }).fill(guest.userId);
  await host.page.getByRole("button", { name: "Start" }).click();
  await guest.page.getByRole("button", { name: `Accept the invite to ${host.name}` }).click();
  await composer(guest).waitFor();
  await composer(host).waitFor();
}

/** There is one composer, whatever its room is called by now. */
export const composer = ({ page }: Seat) => page.getByRole("textbox", { name: /^Message / });
export const said = ({ page }: Seat, text: string) => page.getByRole("log").getByText(text, { exact: true });

export async function write(seat: Seat, text: string): Promise<void> {
  await composer(seat).fill(text);
  await composer(seat).press("Enter");
}

type CallStats = { framesDecoded: number; totalAudioEnergy: number; connectedMs: number };

/** The page's own figures of the running call. */
export const callStats = ({ page }: Seat): Promise<CallStats> =>
  page.evaluate(async () => {
    const read = (window as unknown as { latticeCallStats?: () => Promise<CallStats> }).latticeCallStats;
    return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };
  });
