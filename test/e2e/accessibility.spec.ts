/**
 * For everyone: axe on the screens, and a journey by keyboard alone. The single views: test/gallery.
 */
import { expectNoViolations } from "../gallery/axe.ts";
import { composer, expect, meet, said, test } from "./people.ts";

test("sign-in, the list, a room and a dialog are clean", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await expectNoViolations(alice.page, "sign-in");
  await meet(alice, bob, homeserver.baseUrl);
  await expectNoViolations(alice.page, "room");
  await alice.page.emulateMedia({ colorScheme: "dark" });
  await expectNoViolations(alice.page, "room, dark");
  await alice.page.getByRole("button", { name: "New", exact: true }).click();
  await alice.page.getByRole("menuitem", { name: "New room" }).click();
  await expectNoViolations(alice.page, "new room, dark");
});

test("by keyboard alone: sign in, open a room, write, and come back to the list", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(bob, alice, homeserver.baseUrl);
  const { page } = alice;
  await page.reload();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("Bob");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(composer(alice)).toBeFocused();
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await expect(said(bob, "by keyboard")).toBeVisible();
});
