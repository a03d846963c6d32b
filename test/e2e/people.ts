/**
 * People in the real app, for the end-to-end specs: each seat has a host of its own, a page, and an account on a
 * real homeserver; one person may have several seats. Invariant: a spec that fails still ends what it started.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test as base, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { startHostProcess, type HostProcess } from "../../main/tools/host-process.ts";
import { findCallsPage } from "../support/calls-page.ts";
import { startHomeserver, type Homeserver } from "../support/homeserver.ts";

const ACTION_TIMEOUT_MS = 30_000;

/** One person at one window. */
export type Seat = {
  name: string;
  localpart: string;
  userId: string;
  password: string;
  /** Where this seat's host keeps everything. */
  dataDir: string;
  /** Where its browser keeps everything, if it has one of its own. */
  profileDir: string;
  host: HostProcess;
  context: BrowserContext;
  page: Page;
};

export type SeatOptions = {
  /** The seat whose account this one uses too, as a further device. */
  of?: Seat;
  /** Has a browser of its own, which keeps what it keeps in the seat's `profileDir`. */
  hasProfile?: boolean;
  password?: string;
};
export type TakeSeat = (name: string, options?: SeatOptions) => Promise<Seat>;
type Fixtures = { seat: TakeSeat };
type WorkerFixtures = { homeserver: Homeserver };

export const test = base.extend<Fixtures, WorkerFixtures>({
  homeserver: [
    async ({}, use) => {
      await using homeserver = await startHomeserver();
      await use(homeserver);
    },
    { scope: "worker", timeout: 120_000 },
  ],
  seat: async ({ browser, playwright, launchOptions, homeserver }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "lattice-e2e-"));
    const taken: Promise<Seat>[] = [];
    const closers: (() => Promise<void>)[] = [];
    const takeSeat = async (number: number, name: string, { of, hasProfile, password: wanted }: SeatOptions) => {
      const user = of ?? (await homeserver.registerUser(undefined, wanted, { displayName: name }));
      const dataDir = join(folder, `${number}-data`);
      const profileDir = join(folder, `${number}-profile`);
      const host = await startHostProcess({ dataDir, title: name });
      closers.push(() => host.close());
      const options = { viewport: { width: 1_200, height: 800 }, locale: "en-GB" };
      const context = await (hasProfile === true
        ? playwright.chromium.launchPersistentContext(profileDir, { ...launchOptions, ...options })
        : browser.newContext(options));
      closers.push(() => context.close());
      await context.grantPermissions(["notifications", "microphone", "camera"], { origin: new URL(host.url).origin });
      await context.addInitScript(countNotifications);
      // What never comes is told by the step that waits for it, not by the test's own time limit.
      context.setDefaultTimeout(ACTION_TIMEOUT_MS);
      const page = await context.newPage();
      await page.goto(host.url);
      const { userId, localpart, password } = user;
      return { name, userId, localpart, password, dataDir, profileDir, host, context, page };
    };
    await use((name, options = {}) => {
      const seat = takeSeat(taken.length, name, options);
      taken.push(seat);
      return seat;
    });
    // Several may be taken at once: where one fails, the others may still be on their way.
    await Promise.allSettled(taken);
    for (const close of closers.toReversed()) await close();
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

/** The page that holds this seat's calls. */
export const callsPageOf = ({ context }: Seat): Promise<Page> => findCallsPage(() => context.pages());

/** The page's own figures of the running call. */
const callStats = (page: Page): Promise<CallStats> =>
  page.evaluate(async () => {
    const read = (window as unknown as { latticeCallStats?: () => Promise<CallStats> }).latticeCallStats;
    return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };
  });

/** Resolves when both sound and, for video, picture have moved on since the call. */
export async function expectMoving(seat: Seat, media: "voice" | "video"): Promise<void> {
  const page = await callsPageOf(seat);
  const before = await callStats(page);
  await expect
    .poll(
      async () => {
        const now = await callStats(page);
        const hasSound = now.totalAudioEnergy > before.totalAudioEnergy;
        return hasSound && (media === "voice" || now.framesDecoded >= before.framesDecoded + 20);
      },
      { message: `${seat.name} gets no moving ${media}`, timeout: 20_000 },
    )
    .toBe(true);
}

/** A dialog by its title. */
export const dialog = ({ page }: Seat, title: string | RegExp): Locator => page.getByRole("dialog", { name: title });
export const press = (place: Locator | Page, name: string | RegExp): Promise<void> =>
  place.getByRole("button", { name, exact: typeof name === "string" }).click();

/** Makes a recovery key as the banner asks for, keeps it, and gives it as it stood on the screen. */
export async function setUpRecovery(seat: Seat): Promise<string> {
  await press(seat.page, "Set up recovery");
  await press(seat.page, "Make a recovery key");
  const recoveryKey = (await seat.page.getByRole("group", { name: "Recovery key" }).innerText()).trim();
  await seat.page.getByText("I have put it in a safe place").click();
  await press(seat.page, "Continue");
  await dialog(seat, "Your messages are safe").waitFor();
  await press(seat.page, "Done");
  return recoveryKey;
}

/** Opens the room with this person from the list. */
export async function openRoom({ page }: Seat, name: string): Promise<void> {
  await page
    .getByRole("list", { name: "Rooms" })
    .getByRole("button", { name: new RegExp(name, "u") })
    .first()
    .click();
}

/** The settings, at one of their sections. */
export async function openSettings({ page }: Seat, section: "Account" | "Devices" | "Encryption"): Promise<Locator> {
  await press(page, "Settings");
  await page.getByRole("tab", { name: section }).click();
  return page.getByRole("tabpanel", { name: section });
}
export const closeSettings = ({ page }: Seat): Promise<void> => press(page, "Close the settings");

/** The names of the seven emoji that stand on this screen. */
export async function emojiOf({ page }: Seat): Promise<string[]> {
  const list = page.getByRole("list", { name: "Emoji to compare" });
  await list.waitFor();
  return list.getByRole("listitem").allInnerTexts();
}

/** Both sides look at the emoji, find them the same, and say so. */
export async function compareEmoji(one: Seat, other: Seat): Promise<void> {
  const [shown, shownToOther] = await Promise.all([emojiOf(one), emojiOf(other)]);
  expect(shown).toHaveLength(7);
  expect(shownToOther).toEqual(shown);
  await Promise.all([one, other].map(({ page }) => press(page, "They are the same")));
}

/** Goes by Tab until the element has the focus. */
export async function tabTo(page: Page, element: Locator): Promise<void> {
  await element.waitFor();
  const wanted = element.and(page.locator(":focus"));
  for (let step = 0; step < 60 && (await wanted.count()) === 0; step += 1) await page.keyboard.press("Tab");
  await expect(wanted, `${String(element)} is reached by Tab`).toHaveCount(1);
}

/** Goes by Tab to the element, and presses it. */
export async function pressByKeyboard(page: Page, element: Locator): Promise<void> {
  await tabTo(page, element);
  await page.keyboard.press("Enter");
}
