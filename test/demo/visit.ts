/**
 * The scripted visit: Alice and Bob sign in, write, and call each other by video, through the interface alone.
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
  const step = async (name: string, shown: readonly DrivenApp[], run: () => Promise<void>): Promise<void> => {
    stepCount += 1;
    const number = String(stepCount).padStart(2, "0");
    const startedMs = performance.now();
    try {
      await within(STEP_TIMEOUT_MS, run);
      await Promise.all(shown.map((app) => shoot(app, visit.outputDir, `${number}-${slug(name)}`)));
    } catch (error) {
      await Promise.allSettled(
        [alice, bob].map((app) => shoot(app, visit.outputDir, `${number}-failed-${slug(name)}`)),
      );
      throw new VisitError(`Step ${stepCount}, "${name}", failed: ${firstLine(error)}`);
    }
    visit.say(`  ${number} ${name} (${Math.round(performance.now() - startedMs)} ms)`);
  };
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

  await step("Alice and Bob are asked to sign in", [alice, bob], async () => {
    await Promise.all([alice, bob].map((app) => app.page.getByRole("button", { name: "Sign in" }).waitFor()));
  });
  await step("Both sign in and see their room", [alice, bob], async () => {
    await Promise.all([signIn(alice, visit.homeserverUrl), signIn(bob, visit.homeserverUrl)]);
    await Promise.all([roomOf(alice, bob).waitFor(), roomOf(bob, alice).waitFor()]);
  });
  await step("Alice writes to Bob", [alice], async () => {
    await roomOf(alice, bob).click();
    await write(alice, bob, "Hello Bob, do you have a minute for the plan?");
  });
  await step("Bob is notified, opens the room and reads", [bob], async () => {
    await until("a notification for Bob", async () => (await bob.notificationCount()) > 0);
    await roomOf(bob, alice).click();
    await read(bob, "Hello Bob, do you have a minute for the plan?");
  });
  await step("Bob replies", [bob, alice], async () => {
    await write(bob, alice, "Sure. Shall I call you? A picture says more.");
    await read(alice, "Sure. Shall I call you? A picture says more.");
  });
  await step("Bob calls Alice by video, and it rings", [alice, bob], async () => {
    await bob.page.getByRole("button", { name: "Video call" }).click();
    await incoming(alice).waitFor();
  });
  const before = { alice: await figures(alice), bob: await figures(bob) };
  await step("Alice answers, and they are connected", [alice, bob], async () => {
    await incoming(alice).getByRole("button", { name: "Answer", exact: true }).click();
    await Promise.all([alice, bob].map((app) => app.page.getByRole("button", { name: "Hang up" }).waitFor()));
    await until("a connection on both sides", async () => {
      const [of, other] = await Promise.all([stats(alice), stats(bob)]);
      return of.connectedMs > 0 && other.connectedMs > 0;
    });
  });
  const { connectedMs } = await stats(alice);
  let call: VisitFigures["call"] | undefined;
  await step("Both see and hear the other", [alice, bob], async () => {
    await until("moving pictures and sound on both sides", async () => {
      const after = { alice: await figures(alice), bob: await figures(bob) };
      call = { connectedMs: Math.round(connectedMs), ...after };
      return ([["alice"], ["bob"]] as const).every(
        ([side]) =>
          after[side].framesDecoded >= before[side].framesDecoded + WANTED_FRAMES &&
          after[side].audioEnergy > before[side].audioEnergy,
      );
    });
  });
  await step("Alice hangs up", [alice, bob], async () => {
    await alice.page.getByRole("button", { name: "Hang up" }).click();
    await Promise.all(
      [alice, bob].map((app) => app.page.getByRole("button", { name: "Hang up" }).waitFor({ state: "detached" })),
    );
  });
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
const stats = ({ page }: { page: Page }): Promise<CallStats> =>
  page.evaluate(async () => {
    const read = (window as unknown as { latticeCallStats?: () => Promise<CallStats> }).latticeCallStats;
    return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0, connectedMs: 0 };
  });

async function figures(app: DrivenApp): Promise<CallFigures> {
  const { framesDecoded, totalAudioEnergy } = await stats(app);
  return { framesDecoded, audioEnergy: totalAudioEnergy };
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

const shoot = (app: DrivenApp, folder: string, name: string): Promise<unknown> =>
  app.page.screenshot({
    path: join(folder, `${name}-${app.person.name.split(" ")[0]?.toLowerCase()}.png`),
    timeout: 5_000,
  });

const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]+/gu, "-");

/** Playwright's errors carry a log of many lines; the first says what was awaited. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").slice(0, 3).join(" ").trim();
