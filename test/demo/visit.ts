/**
 * The scripted visit: Alice and Bob sign in, write, and call each other, by video with a shared screen and a hold, then
 * by voice that becomes video, through the interface alone.
 * Used by demo.ts. Invariant: every step has a time limit and a name; when it is missed, the failure says which step,
 * what was awaited, and leaves a picture of both sides.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Locator, Page } from "playwright";
import type { DrivenApp } from "./apps.ts";

/** What of a call has come in on one side. */
export type CallFigures = { framesDecoded: number; audioEnergy: number };
export type VisitFigures = {
  messages: { sent: number; received: number };
  call: { connectedMs: number; alice: CallFigures; bob: CallFigures };
  notifications: { shown: number };
};

/** A step that did not come about. */
export class VisitError extends Error {
  override readonly name = "VisitError";
}

/** A window that a picture is taken of, and its name in the picture's. */
type Shown = { page: Page; name: string };

const STEP_TIMEOUT_MS = 20_000;
/** Proof of a moving picture and of sound: so many more frames, and some energy, within the call. */
const WANTED_FRAMES = 20;

type Visit = {
  alice: DrivenApp;
  bob: DrivenApp;
  homeserverUrl: string;
  outputDir: string;
  say: (line: string) => void;
};

/** Plays the visit and gives its figures. */
export async function playVisit(visit: Visit): Promise<VisitFigures> {
  const { alice, bob } = visit;
  let stepCount = 0;
  const step = async (
    name: string,
    shown: () => Promise<readonly Shown[]>,
    run: () => Promise<void>,
  ): Promise<void> => {
    stepCount += 1;
    const number = String(stepCount).padStart(2, "0");
    const startedMs = performance.now();
    const shootAll = async (windows: readonly Shown[], title: string) =>
      Promise.all(windows.map(async (one) => shoot(one, visit.outputDir, `${number}-${title}`)));
    try {
      await within(STEP_TIMEOUT_MS, run);
      await shootAll(await shown(), slug(name));
    } catch (error) {
      const windows = [alice, bob].flatMap((app) =>
        app.pages().map((page, index) => ({ page, name: `${firstName(app)}-${index}` })),
      );
      await shootAll(windows, `failed-${slug(name)}`).catch(() => {});
      throw new VisitError(`Step ${stepCount}, "${name}", failed: ${firstLine(error)}`);
    }
    visit.say(`  ${number} ${name} (${Math.round(performance.now() - startedMs)} ms)`);
  };
  const rooms =
    (...apps: DrivenApp[]) =>
    async () =>
      apps.map((app) => ({ page: app.page, name: firstName(app) }));
  const calls =
    (...apps: DrivenApp[]) =>
    () =>
      Promise.all(apps.map(async (app) => ({ page: await app.callsPage(), name: `${firstName(app)}-call` })));
  const messages = { sent: 0, received: 0 };
  const write = async (from: DrivenApp, to: DrivenApp, text: string): Promise<void> => {
    const field = from.page.getByRole("textbox", { name: `Message ${to.person.name}` });
    await field.fill(text);
    await from.page.getByRole("button", { name: "Send" }).click();
    await said(from, text).waitFor();
    messages.sent += 1;
  };
  const read = async (by: DrivenApp, text: string): Promise<void> => {
    await said(by, text).waitFor();
    messages.received += 1;
  };

  await step("Alice and Bob are asked to sign in", rooms(alice, bob), async () => {
    await Promise.all([alice, bob].map((app) => app.page.getByRole("button", { name: "Sign in" }).waitFor()));
  });
  await step("Both sign in and see their room", rooms(alice, bob), async () => {
    await Promise.all([signIn(alice, visit.homeserverUrl), signIn(bob, visit.homeserverUrl)]);
    await Promise.all([roomOf(alice, bob).waitFor(), roomOf(bob, alice).waitFor()]);
  });
  await step("Alice writes to Bob", rooms(alice), async () => {
    await roomOf(alice, bob).click();
    await write(alice, bob, "Hello Bob, do you have a minute for the plan?");
  });
  await step("Bob is notified, opens the room and reads", rooms(bob), async () => {
    await until("a notification for Bob", async () => (await bob.notificationCount()) > 0);
    await roomOf(bob, alice).click();
    await read(bob, "Hello Bob, do you have a minute for the plan?");
  });
  await step("Bob replies", rooms(bob, alice), async () => {
    await write(bob, alice, "Sure. Shall I call you? A picture says more.");
    await read(alice, "Sure. Shall I call you? A picture says more.");
  });
  await step("Bob calls Alice by video, and it rings", rooms(alice, bob), async () => {
    await bob.page.getByRole("button", { name: "Video call" }).click();
    await incoming(alice).waitFor();
  });
  let call: VisitFigures["call"] | undefined;
  await step("Alice answers, and they are connected", calls(alice, bob), async () => {
    await answer(alice);
    await connected(alice, bob);
  });
  await step("Both see and hear the other", calls(alice, bob), async () => {
    const { connectedMs } = await stats(alice);
    const after = await moving(alice, bob, "video");
    call = { connectedMs: Math.round(connectedMs), ...after };
  });
  await step("Bob shares his screen", calls(alice, bob), async () => {
    const page = await bob.callsPage();
    await page.getByRole("button", { name: "Share your screen" }).click();
    await page.getByRole("button", { name: "Choose what to share" }).click();
    await chooseScreen(page);
    await (await alice.callsPage()).getByLabel(`Screen of ${bob.person.name}`).waitFor();
    await moving(alice, bob, "video");
    await page.getByRole("button", { name: "Stop sharing your screen" }).click();
    await page.getByRole("button", { name: "Share your screen" }).waitFor();
  });
  await step("Alice holds the call, and Bob reads it", calls(alice, bob), async () => {
    await (await alice.callsPage()).getByRole("button", { name: "Hold the call" }).click();
    await (await bob.callsPage()).getByText(`${alice.person.name} holds the call`).first().waitFor();
  });
  await step("Alice goes on with the call", calls(alice, bob), async () => {
    await (await alice.callsPage()).getByRole("button", { name: "Go on with the call" }).first().click();
    await moving(alice, bob, "video");
  });
  await step("Alice hangs up", rooms(alice, bob), () => hangUp(alice, bob));
  await step("Alice calls Bob by voice, and he answers", calls(alice, bob), async () => {
    await alice.page.getByRole("button", { name: "Voice call" }).click();
    await answer(bob);
    await connected(alice, bob);
    await moving(alice, bob, "voice");
  });
  await step("Alice turns her camera on, and Bob sees her", calls(alice, bob), async () => {
    await (await alice.callsPage()).getByRole("button", { name: "Turn camera on" }).click();
    await until("a moving picture for Bob", async () => (await stats(bob)).framesDecoded >= WANTED_FRAMES);
  });
  await step("Alice hangs up again", rooms(alice, bob), () => hangUp(alice, bob));
  if (!call) throw new VisitError("The call left no figures.");
  return {
    messages,
    call,
    notifications: { shown: (await alice.notificationCount()) + (await bob.notificationCount()) },
  };
}

/** Signs in through the form. A server on this machine has no name that discovery could follow, so its URL is given. */
export async function signIn({ page, person }: DrivenApp, homeserverUrl: string): Promise<void> {
  await page.getByRole("textbox", { name: "Account or server" }).fill(homeserverUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(person.localpart);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const roomOf = (app: DrivenApp, other: DrivenApp): Locator =>
  app.page.getByRole("list", { name: "Rooms" }).getByRole("button").filter({ hasText: other.person.name }).first();
const said = ({ page }: DrivenApp, text: string): Locator => page.getByRole("log").getByText(text).first();
const incoming = ({ page }: DrivenApp): Locator =>
  page
    .getByRole("alertdialog", { name: "Incoming call" })
    .or(page.getByRole("dialog", { name: "Incoming call" }))
    .first();

type CallStats = { framesDecoded: number; totalAudioEnergy: number; connectedMs: number };

/** The page's own diagnostics hook. */
const stats = async (app: DrivenApp): Promise<CallStats> =>
  (await app.callsPage()).evaluate(async () => {
    const read = (window as unknown as { latticeCallStats?: () => Promise<CallStats> }).latticeCallStats;
    return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };
  });

async function figures(app: DrivenApp): Promise<CallFigures> {
  const { framesDecoded, totalAudioEnergy } = await stats(app);
  return { framesDecoded, audioEnergy: totalAudioEnergy };
}

const answer = (app: DrivenApp): Promise<void> =>
  incoming(app).getByRole("button", { name: "Answer", exact: true }).click();

const connected = (...apps: DrivenApp[]): Promise<void> =>
  until("a connection on both sides", async () => {
    const all = await Promise.all(apps.map(stats));
    return all.every(({ connectedMs }) => connectedMs > 0);
  });

/** Sound, and for video pictures, come in on both sides from now on. */
async function moving(alice: DrivenApp, bob: DrivenApp, media: "voice" | "video") {
  const both = async () => ({ alice: await figures(alice), bob: await figures(bob) });
  const before = await both();
  let after = before;
  await until("moving pictures and sound on both sides", async () => {
    after = await both();
    return (["alice", "bob"] as const).every(
      (side) =>
        after[side].audioEnergy > before[side].audioEnergy &&
        (media === "voice" || after[side].framesDecoded >= before[side].framesDecoded + WANTED_FRAMES),
    );
  });
  return after;
}

async function hangUp(by: DrivenApp, other: DrivenApp): Promise<void> {
  const [ofBy, ofOther] = [await by.callsPage(), await other.callsPage()];
  await ofBy.getByRole("button", { name: "Hang up" }).click();
  // The window closes by itself; the one who was hung up on reads it first.
  await ofOther.getByRole("button", { name: "Dismiss" }).click();
  await until("the end of both windows of calls", async () => ofBy.isClosed() && ofOther.isClosed());
}

/** Takes the first screen where the app asks for one; a browser was told to take one by itself. */
async function chooseScreen(page: Page): Promise<void> {
  const picker = page
    .getByRole("dialog", { name: "Share your screen" })
    .getByRole("button", { name: "Share", exact: true });
  const sharing = page.getByRole("button", { name: "Stop sharing your screen" });
  await picker.or(sharing).first().waitFor();
  if (!(await picker.isVisible())) return;
  await page.getByRole("dialog", { name: "Share your screen" }).getByRole("radio").first().check({ force: true });
  await picker.click();
  await sharing.waitFor();
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + STEP_TIMEOUT_MS - 1_000;
  // In order on purpose: one look after the other.
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${what} did not come about in time`);
    await sleep(50);
  }
}

async function within(timeoutMs: number, run: () => Promise<void>): Promise<void> {
  const late = sleep(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`it took more than ${timeoutMs / 1_000} s`);
  });
  await Promise.race([run(), late]);
}

const shoot = ({ page, name }: Shown, folder: string, title: string): Promise<unknown> =>
  page.screenshot({ path: join(folder, `${title}-${name}.png`), timeout: 5_000 });

const firstName = (app: DrivenApp): string => (app.person.name.split(" ")[0] ?? "").toLowerCase();
const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]+/gu, "-");

/** Playwright's errors carry a log of many lines; the first says what was awaited. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 3).join(" ").trim();
