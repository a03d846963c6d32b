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

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`)).toEqual(
    [],
  );
}

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
