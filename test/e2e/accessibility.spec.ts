/**
 * For everyone: axe on the screens and on every view of the gallery in each theme, and a journey by keyboard alone.
 */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { composer, expect, meet, said, test } from "./people.ts";

/** `besides` names rules of whole pages, which a single view cannot keep. */
async function expectNoViolations(page: Page, where: string, besides: string[] = []): Promise<void> {
  // The announcer's log holds text for screen readers alone, named by the elements that it speaks of.
  const { violations } = await new AxeBuilder({ page })
    .exclude("[data-live-announcer]")
    .disableRules(besides)
    .analyze();
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

for (const mode of ["theme=light", "theme=dark", "theme=light&contrast=more", "theme=dark&rtl=1"]) {
  test(`every view of the gallery is clean: ${mode}`, async ({ seat }) => {
    test.setTimeout(240_000);
    const { page } = await seat("Alice");
    await page.emulateMedia({ reducedMotion: "reduce" });
    const { origin } = new URL(page.url());
    await page.goto(`${origin}/#/gallery?${mode}`);
    const views = page.getByRole("navigation", { name: "Gallery" }).getByRole("button");
    await views.first().waitFor();
    const names = await views.allTextContents();
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) {
      await page.goto(`${origin}/#/gallery?view=${encodeURIComponent(name)}&${mode}&bare=1`);
      await page.evaluate(() => document.fonts.ready);
      await expectNoViolations(page, `${name}, ${mode}`, ["region", "page-has-heading-one", "landmark-one-main"]);
    }
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
