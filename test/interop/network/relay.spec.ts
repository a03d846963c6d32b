/**
 * Calls over a relay, and over a bad network before it: the whole app against matrix-js-sdk's MatrixCall, and against
 * itself, with a real Synapse that hands out credentials for a real coturn. Media is proven by a tone and a colour of
 * each side's own. spec: voip; client-server, GET /voip/turnServer; RFC 8656.
 */
import { networkInterfaces } from "node:os";
import { expect, test, type Page } from "@playwright/test";
import { build } from "../../../main/tools/build.ts";
import { ensureTurnServer } from "../../support/setup.ts";
import { expectFlow, expectMarker, measureCut, type Gap } from "./call-checks.ts";
import { MARKERS, readProbe } from "./call-probe.ts";
import { openCallRoom, type CallRoom, type CallSeat } from "./call-room.ts";

const SET_UP_TIMEOUT_MS = 240_000;
const RING_MS = 3_000;
/** How soon media must be back when a network is. */
const MAX_GAP_MS = 2_000;

let room: CallRoom;
let ours: CallSeat;
let theirs: CallSeat;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(SET_UP_TIMEOUT_MS);
  const turnServer = await ensureTurnServer();
  if (turnServer === undefined) process.stdout.write("!!! SKIPPED calls over a relay: there is no coturn\n");
  test.skip(turnServer === undefined, "there is no coturn");
  if (turnServer === undefined) return;
  await build();
  room = await openCallRoom({ turnServer });
  [ours, theirs] = await Promise.all([
    room.openApp("alice", { browser, isRelayOnly: true, marker: MARKERS.alice }),
    room.openSdk("bob", { browser, isRelayOnly: true, marker: MARKERS.bob }),
  ]);
});

test.afterAll(async () => {
  await room?.[Symbol.asyncDispose]();
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const theirState = () => theirs.page.evaluate(() => window.sdkUser.callState);

async function callThem(): Promise<void> {
  await button(ours.page, "Video call").click();
  await expect.poll(theirState).toBe("ringing");
  await theirs.page.evaluate(() => window.sdkUser.answer());
  await Promise.all([
    expectMarker(ours.page, MARKERS.bob, "the app"),
    expectMarker(theirs.page, MARKERS.alice, "matrix-js-sdk"),
  ]);
}

async function hangUp(): Promise<void> {
  await button(ours.page, "Hang up").click();
  await expect(button(ours.page, "Hang up")).toHaveCount(0);
  await expect(button(ours.page, "Video call")).toBeEnabled();
}

/** Nothing but the relay's address has left `who`. */
async function expectRelayOnly(seat: CallSeat, who: "alice" | "bob"): Promise<void> {
  const { localType, remoteType, localTypes } = await readProbe(seat.page);
  expect({ localType, remoteType, localTypes }).toEqual({
    localType: "relay",
    remoteType: "relay",
    localTypes: ["relay"],
  });
  const events = await room.callEventsOf(who);
  const sent = events.map(({ content }) => content).join("\n");
  expect(events.length).toBeGreaterThan(0);
  expect(sent).toContain(" typ relay ");
  expect([...sent.matchAll(/ typ (?!relay )\w+/gu)].map(String)).toEqual([]);
  expect([...sent.matchAll(/ raddr (?!0\.0\.0\.0 |:: )[^ ]+/gu)].map(String)).toEqual([]);
  const ownAddresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
  expect(ownAddresses.filter((address) => sent.includes(address))).toEqual([]);
}

/** The longest of what each side had to wait, and proof that the cut was one. */
function expectShortGaps(gaps: readonly Gap[]): void {
  for (const gap of gaps) {
    expect(gap.leaked).toEqual({ heardCount: 0, frameCount: 0 });
    expect(gap.soundAfterCutMs).toBeLessThan(MAX_GAP_MS);
    expect(gap.pictureAfterCutMs).toBeLessThan(MAX_GAP_MS);
  }
}

test("the check before a call says whether the relay answers", async () => {
  const { page } = ours;
  const check = async (answer: string): Promise<void> => {
    await button(page, "Check microphone and camera").click();
    await expect(page.getByText(answer)).toBeVisible();
    await button(page, "Stop").click();
  };
  await button(page, "Settings").click();
  await page.getByRole("tab", { name: "Calls" }).click();
  await check("A relay of your homeserver answers.");
  room.relayNetwork?.cut();
  await check("The relay does not answer.");
  room.relayNetwork?.mend();
  await page.keyboard.press("Escape");
});

test("a relay-only call with matrix-js-sdk shows nobody an address of ours, and outlives a cut of 3 s", async () => {
  await callThem();
  await Promise.all([expectFlow(ours.page, "the app"), expectFlow(theirs.page, "matrix-js-sdk")]);
  await expectRelayOnly(ours, "alice");
  await test.step("media is back at once after a cut of 3 s", async () => {
    const gaps = await measureCut({
      listeners: [
        { page: ours.page, toneHz: MARKERS.bob.toneHz },
        { page: theirs.page, toneHz: MARKERS.alice.toneHz },
      ],
      cut: () => room.relayNetwork?.cut(),
      mend: () => room.relayNetwork?.mend(),
      // A browser asks for a whole picture every 3 s: this cut ends when it has just asked in vain.
      cutMs: 3_300,
      afterMs: MAX_GAP_MS,
    });
    expectShortGaps(gaps);
  });
  expect(await theirs.page.evaluate(() => window.sdkUser.errors)).toEqual([]);
  await hangUp();
  await expect.poll(theirState).toBe("ended");
});

test("a call lives on with 8 % loss and 30 ± 30 ms each way, and says that it is not good", async () => {
  await callThem();
  room.relayNetwork?.setFaults({ lossShare: 0.08, delayMs: 30, jitterMs: 30 });
  const call = ours.page.getByRole("region", { name: "Call with Bob" });
  await expect(call.getByText(/unsteady|poor/u)).toBeVisible({ timeout: 15_000 });
  await Promise.all([expectFlow(ours.page, "the app"), expectFlow(theirs.page, "matrix-js-sdk")]);
  await Promise.all([
    expectMarker(ours.page, MARKERS.bob, "the app"),
    expectMarker(theirs.page, MARKERS.alice, "matrix-js-sdk"),
  ]);
  // One look may meet two packets that were lucky.
  await expect.poll(async () => (await readProbe(ours.page)).roundTripMs).toBeGreaterThan(40);
  const reading = await readProbe(ours.page);
  expect(reading.packetsLost).toBeGreaterThan(0);
  expect(reading.connectionState).toBe("connected");
  room.relayNetwork?.setFaults({ lossShare: 0, delayMs: 0, jitterMs: 0 });
  await hangUp();
});

test("an answer that is ready while it rings tells nobody anything before it is given", async () => {
  const { page } = ours;
  await test.step("where no window of calls can be opened, the window that has held a call will hold the next", async () => {
    await callThem();
    await hangUp();
    await expect.poll(theirState).toBe("ended");
  });
  const saidBefore = (await room.callEventsOf("alice")).length;
  await theirs.page.evaluate((roomId) => window.sdkUser.place(roomId, "video"), room.roomId);
  await expect
    .poll(() => page.evaluate(() => window.callProbe.connection()?.currentLocalDescription?.type))
    .toBe("answer");
  const prepared = await page.evaluateHandle(() => window.callProbe.connection());
  // As long as people need to find their telephone.
  await page.waitForTimeout(RING_MS);
  const state = await prepared.evaluate(async (connection) => {
    const entries: { type: string; packetsSent?: number; bytesReceived?: number }[] = [];
    (await connection?.getStats())?.forEach((entry: (typeof entries)[number]) => entries.push(entry));
    return {
      signalling: connection?.signalingState,
      senders: connection?.getSenders().filter(({ track }) => track !== null).length,
      remoteCandidates: entries.filter(({ type }) => type === "remote-candidate").length,
      transports: entries
        .filter(({ type }) => type === "transport")
        .map(({ packetsSent, bytesReceived }) => [packetsSent, bytesReceived]),
    };
  });
  expect(state).toEqual({ signalling: "stable", senders: 0, remoteCandidates: 0, transports: [[0, 0]] });
  expect(await room.callEventsOf("alice")).toHaveLength(saidBefore);
  expect(await theirState()).toBe("invite_sent");

  await page
    .getByRole("alertdialog", { name: "Incoming call" })
    .getByRole("button", { name: "Answer", exact: true })
    .click();
  await Promise.all([
    expectMarker(page, MARKERS.bob, "the app"),
    expectMarker(theirs.page, MARKERS.alice, "matrix-js-sdk"),
  ]);
  expect(await prepared.evaluate((connection) => connection === window.callProbe.connection())).toBe(true);
  await expectRelayOnly(ours, "alice");
  await hangUp();
});

test("two of our apps find each other again over the relay after a cut of 10 s", async ({ browser }) => {
  await theirs.page.context().close();
  const bob = await room.openApp("bob", { browser, isRelayOnly: true, marker: MARKERS.bob });
  await button(ours.page, "Video call").click();
  const card = bob.page.getByRole("alertdialog", { name: "Incoming call" });
  await card.getByRole("button", { name: "Answer", exact: true }).click();
  await Promise.all([
    expectMarker(ours.page, MARKERS.bob, "the caller"),
    expectMarker(bob.page, MARKERS.alice, "the callee"),
  ]);
  await expectRelayOnly(ours, "alice");
  await expectRelayOnly(bob, "bob");
  const gaps = await measureCut({
    listeners: [
      { page: ours.page, toneHz: MARKERS.bob.toneHz },
      { page: bob.page, toneHz: MARKERS.alice.toneHz },
    ],
    cut: () => room.relayNetwork?.cut(),
    mend: () => room.relayNetwork?.mend(),
    cutMs: 10_000,
    afterMs: MAX_GAP_MS,
    meanwhile: async () => {
      await expect(ours.page.getByText("Reconnecting…").first()).toBeVisible();
      await expect(bob.page.getByText("Reconnecting…").first()).toBeVisible();
    },
  });
  expectShortGaps(gaps);
  await expect(ours.page.getByText("Reconnecting…")).toHaveCount(0);
  await expect(bob.page.getByText("Reconnecting…")).toHaveCount(0);
  await Promise.all([
    expectMarker(ours.page, MARKERS.bob, "the caller"),
    expectMarker(bob.page, MARKERS.alice, "the callee"),
  ]);
  await hangUp();
});
