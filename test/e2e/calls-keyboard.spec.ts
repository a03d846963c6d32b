/**
 * Calls by keyboard alone: placed, answered, declined, missed, made a video call, with a shared screen, held, and moved.
 * Invariant: the mouse is never used, and everything is reached by Tab, the arrows and the keys that the app names.
 */
import type { Locator, Page } from "@playwright/test";
import { callsPageOf, expect, expectMoving, meet, pressByKeyboard, tabTo, test, type Seat } from "./people.ts";

const incoming = ({ page }: Seat) => page.getByRole("alertdialog", { name: "Incoming call" });
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
const isFocused = (of: Locator) => of.evaluate((element) => element === document.activeElement);
const screenOfAlice = (page: Page) => page.getByLabel("Screen of Alice");

test("a call is placed, answered, changed, held, moved and ended by keyboard alone", async ({ seat, homeserver }) => {
  const [alice, bob] = await Promise.all([seat("Alice"), seat("Bob")]);
  await meet(alice, bob, homeserver.baseUrl);

  await pressByKeyboard(bob.page, button(bob.page, "Voice call"));
  // What rings has the keyboard already.
  await pressByKeyboard(alice.page, incoming(alice).getByRole("button", { name: "Answer", exact: true }));
  await Promise.all([expectMoving(alice, "voice"), expectMoving(bob, "voice")]);
  const [ofAlice, ofBob] = [await callsPageOf(alice), await callsPageOf(bob)];
  await ofAlice.bringToFront();

  await test.step("microphone and camera", async () => {
    await ofAlice.keyboard.press("Control+d");
    await expect(button(ofAlice, "Unmute")).toBeVisible();
    await ofAlice.keyboard.press("Control+d");
    await expect(button(ofAlice, "Mute")).toBeVisible();
    await ofAlice.keyboard.press("Control+e");
    await expectMoving(bob, "video");
  });

  await test.step("the own picture moves", async () => {
    const tile = ofAlice.getByRole("group", { name: /^Your picture/u });
    await tabTo(ofAlice, tile);
    const before = await tile.boundingBox();
    await ofAlice.keyboard.press("ArrowUp");
    await expect.poll(async () => ((await tile.boundingBox())?.y ?? 0) < (before?.y ?? 0)).toBe(true);
  });

  await test.step("a screen", async () => {
    await pressByKeyboard(ofAlice, button(ofAlice, "Share your screen"));
    await pressByKeyboard(ofAlice, button(ofAlice, "Choose what to share…"));
    await expect(screenOfAlice(ofBob)).toBeVisible();
    await pressByKeyboard(ofAlice, button(ofAlice, "Stop sharing your screen"));
    await expect(screenOfAlice(ofBob)).toHaveCount(0);
  });

  await test.step("hold", async () => {
    await pressByKeyboard(ofAlice, button(ofAlice, "Hold the call"));
    await expect(ofBob.getByText("Alice holds the call").first()).toBeVisible();
    await pressByKeyboard(ofAlice, button(ofAlice, "Go on with the call").last());
    await expect(ofBob.getByText("Alice holds the call")).toHaveCount(0);
    await expectMoving(bob, "video");
  });

  await test.step("another arrangement, and the whole screen", async () => {
    await pressByKeyboard(ofAlice, button(ofAlice, "More for this call"));
    await ofAlice.keyboard.press("Enter");
    await expect(ofAlice.locator('[data-layout="grid"]')).toBeVisible();
    await pressByKeyboard(ofAlice, button(ofAlice, "Full screen"));
    await expect.poll(() => ofAlice.evaluate(() => document.fullscreenElement !== null)).toBe(true);
    await pressByKeyboard(ofAlice, button(ofAlice, "Leave full screen"));
    await expect.poll(() => ofAlice.evaluate(() => document.fullscreenElement !== null)).toBe(false);
  });

  await test.step("the picture above other windows, and back", async () => {
    const isOut = () => ofBob.evaluate(() => document.pictureInPictureElement !== null);
    const choose = async (name: string) => {
      await pressByKeyboard(ofBob, button(ofBob, "More for this call"));
      const item = ofBob.getByRole("menuitem", { name });
      for (let count = 0; count < 6 && !(await isFocused(item)); count += 1) await ofBob.keyboard.press("ArrowDown");
      await expect(item).toBeFocused();
      await ofBob.keyboard.press("Enter");
    };
    await ofBob.bringToFront();
    await choose("Picture above other windows");
    await expect.poll(isOut).toBe(true);
    await choose("Picture back into the window");
    await expect.poll(isOut).toBe(false);
    // The picture goes: it comes back by itself, and can be taken out again.
    await choose("Picture above other windows");
    await expect.poll(isOut).toBe(true);
    await ofAlice.bringToFront();
    await ofAlice.keyboard.press("Control+e");
    await expect.poll(isOut).toBe(false);
    await ofAlice.keyboard.press("Control+e");
    await expectMoving(bob, "video");
    await ofBob.bringToFront();
    await choose("Picture above other windows");
    await expect.poll(isOut).toBe(true);
    await choose("Picture back into the window");
    await ofAlice.bringToFront();
  });

  await test.step("from the call to the room, back, and to its end", async () => {
    await pressByKeyboard(ofAlice, button(ofAlice, "More for this call"));
    await ofAlice.keyboard.press("End");
    await ofAlice.keyboard.press("ArrowUp");
    await expect(ofAlice.getByRole("menuitem", { name: "Go to the room" })).toBeFocused();
    await ofAlice.keyboard.press("Enter");
    await alice.page.bringToFront();
    await pressByKeyboard(alice.page, button(alice.page, "Show the call"));
    await pressByKeyboard(ofAlice, button(ofAlice, "Hang up"));
    await expect.poll(() => ofAlice.isClosed()).toBe(true);
    await pressByKeyboard(ofBob, button(ofBob, "Dismiss"));
    await expect.poll(() => ofBob.isClosed()).toBe(true);
  });
});

test("a call is declined, missed, looked up and returned by keyboard alone", async ({ seat, homeserver }) => {
  const [alice, bob] = await Promise.all([seat("Alice"), seat("Bob")]);
  await meet(alice, bob, homeserver.baseUrl);

  await pressByKeyboard(bob.page, button(bob.page, "Voice call"));
  await pressByKeyboard(alice.page, incoming(alice).getByRole("button", { name: "Decline" }));
  const declined = await callsPageOf(bob);
  await expect(declined.getByText("Alice declined the call").first()).toBeVisible();
  await pressByKeyboard(declined, button(declined, "Dismiss"));
  await expect.poll(() => declined.isClosed()).toBe(true);

  await pressByKeyboard(bob.page, button(bob.page, "Voice call"));
  await expect(incoming(alice)).toBeVisible();
  const givenUp = await callsPageOf(bob);
  await pressByKeyboard(givenUp, button(givenUp, "Hang up"));
  await expect(incoming(alice)).toHaveCount(0);

  await pressByKeyboard(alice.page, button(alice.page, "Calls, 1 missed"));
  await pressByKeyboard(alice.page, button(alice.page, "Voice call with Bob").first());
  await pressByKeyboard(bob.page, incoming(bob).getByRole("button", { name: "Answer", exact: true }));
  await Promise.all([expectMoving(alice, "voice"), expectMoving(bob, "voice")]);
  await pressByKeyboard(
    alice.page,
    alice.page.getByRole("region", { name: "Call with Bob" }).getByRole("button", { name: "Hang up" }),
  );
  await expect((await callsPageOf(bob)).getByText("Alice ended the call").first()).toBeVisible();
});
