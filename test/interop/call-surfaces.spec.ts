/**
 * The call surfaces as a person uses them: the ringing card, the running call, its controls and shortcuts, the
 * words of the end. In a real Chromium with fake devices; Alice has the views, Bob is a side without any.
 * spec: voip.
 */
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { openBundle } from "./support/page-bundle.ts";

const PAGE = fileURLToPath(new URL("pages/call-surfaces.page.tsx", import.meta.url));

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const ring = (page: Page, media: "voice" | "video") => page.evaluate((kind) => window.bob.place(kind), media);
const card = (page: Page) => page.getByRole("alertdialog", { name: "Incoming call" });

async function expectPicture(page: Page, side: "alice" | "bob"): Promise<void> {
  await expect
    .poll(async () =>
      page.evaluate(
        async (name) =>
          (name === "bob" ? await window.bob.stats() : await window.latticeCallStats?.())?.framesDecoded ?? 0,
        side,
      ),
    )
    .toBeGreaterThan(5);
}

async function expectAccessible(page: Page, { besides = [] as string[] } = {}): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).disableRules(besides).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`)).toEqual(
    [],
  );
}

/** The button that closes a panel for a screen reader stands beside its dialog. */
const IN_PANEL = { besides: ["region"] };

test.beforeEach(async ({ page }) => {
  await openBundle(page, PAGE);
});

test("a video call is answered, used and hung up", async ({ page }) => {
  await ring(page, "video");
  await expect(card(page)).toContainText("Bob");
  await expect(card(page)).toContainText("Video call");
  const answer = await button(page, "Answer").boundingBox();
  const decline = await button(page, "Decline").boundingBox();
  expect(answer?.width).toBeCloseTo(decline?.width ?? 0, 0);
  await expectAccessible(page);

  await button(page, "Answer").click();
  await expect(card(page)).toBeHidden();
  await expectPicture(page, "alice");
  await expectPicture(page, "bob");
  const call = page.getByRole("region", { name: "Call with Bob" });
  await expect(call.getByRole("timer")).toHaveText(/^0:0\d$/u);
  await expect(call.getByLabel("Bob", { exact: true })).toBeVisible();
  expect((await page.evaluate(() => window.latticeCallStats?.()))?.connectedMs).toBeGreaterThan(0);
  await expectAccessible(page);

  await button(page, "Mute").click();
  await expect.poll(() => page.evaluate(() => window.bob.media.snapshot().isRemoteMuted)).toBe(true);
  await page.keyboard.press("Control+d");
  await expect.poll(() => page.evaluate(() => window.bob.media.snapshot().isRemoteMuted)).toBe(false);
  await button(page, "Turn camera off").click();
  await expect.poll(() => page.evaluate(() => window.bob.media.snapshot().hasRemoteVideo)).toBe(false);
  await page.keyboard.press("Control+e");
  await expect(button(page, "Turn camera off")).toBeVisible();
  await expect.poll(() => page.evaluate(() => window.bob.media.snapshot().hasRemoteVideo)).toBe(true);

  const tile = page.getByRole("group", { name: /^Your picture/u });
  const before = await tile.boundingBox();
  await tile.focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(async () => (await tile.boundingBox())?.y).toBeLessThan(before?.y ?? 0);

  // What lies under the call is out of reach of the keyboard until it is small.
  await page.getByLabel("Message").focus();
  await expect(page.getByLabel("Message")).not.toBeFocused();
  await button(page, "Make the call small").click();
  await page.getByLabel("Message").fill("still writing");
  await button(page, "Back to the call").click();
  await button(page, "Hang up").click();
  await expect(call).toBeHidden();
  await expect.poll(() => page.evaluate(() => window.bob.phase)).toBe("ended");
  await expect(button(page, "Video call")).toBeEnabled();
});

test("a voice call is placed, with words for every stage, and the end is told", async ({ page }) => {
  await button(page, "Voice call").click();
  const call = page.getByRole("region", { name: "Call with Bob" });
  await expect(call).toContainText("Ringing…");
  await page.waitForFunction(() => window.bob.phase === "ringing");
  await page.evaluate(() => window.bob.answer("voice"));
  await expect(call.getByRole("timer")).toBeVisible();
  await expect
    .poll(async () => (await page.evaluate(() => window.latticeCallStats?.()))?.totalAudioEnergy ?? 0)
    .toBeGreaterThan(0);
  await page.evaluate(() => window.bob.hangUp());
  await expect(call).toBeHidden();
  await expect(page.getByText("Bob ended the call")).toBeVisible();
  await button(page, "Dismiss").click();
  await expect(page.getByText("Bob ended the call")).toBeHidden();
});

test("a call is declined, by the button and by a message instead", async ({ page }) => {
  await ring(page, "voice");
  await button(page, "Decline").click();
  await expect.poll(() => page.evaluate(() => window.bob.phase)).toBe("ended");
  await expect(card(page)).toBeHidden();
  await page.evaluate(() => window.renewBob());
  await ring(page, "voice");
  await button(page, "Reply with a message").click();
  await expect.poll(() => page.evaluate(() => window.repliedIn)).toBe("!room:localhost");
  await expect.poll(() => page.evaluate(() => window.bob.phase)).toBe("ended");
});

test("a video call can be answered with voice only", async ({ page }) => {
  await ring(page, "video");
  await button(page, "Answer with voice only").click();
  await expectPicture(page, "alice");
  expect(await page.evaluate(() => window.bob.media.snapshot().hasRemoteVideo)).toBe(false);
  await expect(button(page, "Turn camera on")).toBeVisible();
});

test("Escape silences, then hides, and declines nothing; who types keeps the focus", async ({ page }) => {
  await page.getByLabel("Message").fill("typing");
  await ring(page, "video");
  await expect(card(page)).toBeVisible();
  await expect(page.getByLabel("Message")).toBeFocused();
  await button(page, "Decline").focus();
  await page.keyboard.press("Escape");
  await expect(button(page, "Hide; it rings on elsewhere")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(card(page)).toBeHidden();
  expect(await page.evaluate(() => window.bob.phase)).toBe("inviting");
});

test("without a microphone a call is not placed, and the reason is told", async ({ page }) => {
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"));
  });
  await button(page, "Voice call").click();
  await expect(page.getByText("No microphone was found. Plug one in, then call again.")).toBeVisible();
  await expect(button(page, "Voice call")).toBeEnabled();
});

test("with the camera in use a video call goes on with voice", async ({ page }) => {
  await page.evaluate(() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) =>
      constraints?.video ? Promise.reject(new DOMException("", "NotReadableError")) : real(constraints);
  });
  await button(page, "Video call").click();
  await expect(
    page.getByText("Another program uses the camera. Close it there, then turn the camera on."),
  ).toBeVisible();
  await page.waitForFunction(() => window.bob.phase === "ringing");
  await button(page, "Hang up").click();
  await expect.poll(() => page.evaluate(() => window.bob.phase)).toBe("ended");
});

/** A running video call with Bob, as most of what follows needs it. */
async function callBob(page: Page): Promise<ReturnType<Page["getByRole"]>> {
  await ring(page, "video");
  await button(page, "Answer").click();
  await expectPicture(page, "alice");
  return page.getByRole("region", { name: "Call with Bob" });
}

test("a screen is shared with the size that was chosen, and both screens have their places", async ({ page }) => {
  const call = await callBob(page);
  await button(page, "Share your screen").click();
  const panel = page.getByRole("dialog", { name: "Share your screen" });
  await panel.getByRole("radio", { name: "Motion" }).click();
  await expect(panel.getByRole("radio", { name: "30" })).toBeChecked();
  await panel.getByRole("radio", { name: "720p" }).click();
  await expectAccessible(page, IN_PANEL);
  await button(page, "Choose what to share…").click();
  await expect(call.getByText("You share your screen", { exact: true })).toBeVisible();
  await page.waitForFunction(() => window.bob.media.snapshot().remoteScreenStream !== undefined);
  await button(page, "Stop sharing your screen").click();
  await page.waitForFunction(() => window.bob.media.snapshot().remoteScreenStream === undefined);

  await page.evaluate(() =>
    window.bob.media.startScreen({ maxHeightPx: undefined, frameRate: 15, mode: "text", withSound: false }),
  );
  const screen = call.getByLabel("Screen of Bob");
  await expect(screen).toBeVisible();
  const face = call.getByLabel("Bob", { exact: true });
  expect((await screen.boundingBox())?.width).toBeGreaterThan(2 * ((await face.boundingBox())?.width ?? 0));
  await button(page, "More for this call").click();
  await page.getByRole("menuitem", { name: "Show all equally large" }).click();
  await expect
    .poll(async () => (await screen.boundingBox())?.height)
    .toBe((await call.getByLabel("You", { exact: true }).boundingBox())?.height);
});

test("a call is held by either side, with words for both, and goes on", async ({ page }) => {
  const call = await callBob(page);
  await button(page, "Hold the call").click();
  await expect(call.getByText("You hold the call")).toBeVisible();
  await page.waitForFunction(() => window.bob.media.snapshot().isHeldByPeer);
  await call.getByRole("button", { name: "Go on with the call" }).first().click();
  await page.waitForFunction(() => !window.bob.media.snapshot().isHeldByPeer);
  await expect(call.getByLabel("Bob", { exact: true })).toBeVisible();
  await page.evaluate(() => window.bob.setOnHold(true));
  await expect(call.getByText("Bob holds the call")).toBeVisible();
  await page.evaluate(() => window.bob.setOnHold(false));
  await expect(call.getByLabel("Bob", { exact: true })).toBeVisible();
});

test("a second call waits: the first is held for it, and they swap", async ({ page }) => {
  await callBob(page);
  await page.evaluate(() => window.carol.place("voice"));
  await expect(card(page)).toContainText("You are in a call with Bob.");
  await button(page, "Hold and answer").click();
  const withCarol = page.getByRole("region", { name: "Call with Carol" });
  await expect(withCarol.getByRole("timer")).toBeVisible();
  await expect(withCarol.getByText("Bob is on hold")).toBeVisible();
  await page.waitForFunction(() => window.bob.media.snapshot().isHeldByPeer);
  await button(page, "Swap: hold this call, go on with Bob").click();
  const withBob = page.getByRole("region", { name: "Call with Bob" });
  await expect(withBob.getByText("Carol is on hold")).toBeVisible();
  await page.waitForFunction(() => window.carol.media.snapshot().isHeldByPeer);
  await button(page, "Hang up the call with Carol").click();
  await expect(withBob.getByText("Carol is on hold")).toBeHidden();
  await expect.poll(() => page.evaluate(() => window.carol.phase)).toBe("ended");
  expect(await page.evaluate(() => window.bob.phase)).toBe("connected");
});

test("a second call is answered in place of the first", async ({ page }) => {
  await callBob(page);
  await page.evaluate(() => window.carol.place("voice"));
  await button(page, "End and answer").click();
  await expect(page.getByRole("region", { name: "Call with Carol" }).getByRole("timer")).toBeVisible();
  await expect.poll(() => page.evaluate(() => window.bob.phase)).toBe("ended");
});

test("the figures behind the quality, and another microphone within the call", async ({ page }) => {
  const call = await callBob(page);
  await call.getByRole("button", { name: "Details: good, direct" }).click();
  const details = page.getByRole("dialog", { name: "How the call goes" });
  await expect(details).toContainText("Direct, from computer to computer");
  await expect(details).toContainText(/\d+ × \d+, \d+ a second/u);
  await page.keyboard.press("Escape");

  await button(page, "Devices: microphone, camera, speaker").click();
  const devices = page.getByRole("dialog", { name: "Microphone, camera, speaker" });
  await expect(devices.getByRole("meter", { name: "Microphone level" })).toBeVisible();
  const before = await page.evaluate(() => navigator.mediaDevices.enumerateDevices());
  const second = before.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId.length > 20)[1];
  await devices.getByLabel("Microphone", { exact: true }).selectOption(second?.deviceId ?? "");
  await expectAccessible(page, IN_PANEL);
  expect(await page.evaluate(() => localStorage.getItem("lattice.call-media"))).toContain(second?.deviceId ?? "none");
  await page.keyboard.press("Escape");
  await expect(devices).toBeHidden();
  await expect(button(page, "Devices: microphone, camera, speaker")).toBeFocused();
});

test("where the homeserver has no relay a public server is asked for once, and holds nothing up", async ({ page }) => {
  await page.evaluate(() => window.setPublicStun("unasked"));
  await button(page, "Voice call").click();
  const question = page.getByRole("group", { name: "May Lattice ask a public server for your address?" });
  await expect(question).toBeVisible();
  await page.waitForFunction(() => window.bob.phase === "ringing");
  await question.getByRole("button", { name: "Allow", exact: true }).click();
  await expect(question).toBeHidden();
  expect(await page.evaluate(() => window.callSettings.publicStun)).toBe("allowed");
});
