/**
 * For everyone: axe on the screens and on every view of the gallery in each theme, and a journey by keyboard alone.
 */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { composer, expect, meet, said, test } from "./people.ts";

async function expectNoViolations(page: Page, where: string): Promise<void> {
  // The announcer's log holds text for screen readers alone, named by the elements that it speaks of.
  const { violations } = await new AxeBuilder({ page }).exclude("[data-live-announcer]").analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  expect(told, where).toEqual([]);
}

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

for (const [colorScheme, contrast] of [
  ["light", "no-preference"],
  ["dark", "no-preference"],
  ["light", "more"],
] as const) {
  test(`every view of the gallery is clean: ${colorScheme}, contrast ${contrast}`, async ({ seat }) => {
    const { page } = await seat("Alice");
    await page.emulateMedia({ colorScheme, contrast, reducedMotion: "reduce" });
    await page.goto(`${new URL(page.url()).origin}/#/gallery`);
    await page.reload();
    await expect(page.getByRole("heading", { name: "Gallery" })).toBeVisible();
    await expectNoViolations(page, `gallery ${colorScheme} ${contrast}`);
  });
}

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
