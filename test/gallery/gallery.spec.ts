/**
 * For everyone: axe on every view of the gallery, in each theme, with more contrast, and from right to left.
 */
import { test } from "../e2e/people.ts";
import { expect } from "@playwright/test";
import { expectNoViolations } from "./axe.ts";

const WHOLE = { besides: ["region", "page-has-heading-one", "landmark-one-main"] };
/** Names, roles and order do not change with the colours, nor with the direction of the text. */
const COLOURS = { only: ["color-contrast"] };
const MODES = {
  "theme=light": WHOLE,
  "theme=light&contrast=more": COLOURS,
  "theme=dark&rtl=1": COLOURS,
};

for (const [mode, scope] of Object.entries(MODES)) {
  test(`every view of the gallery is clean: ${mode}`, async ({ seat }) => {
    test.setTimeout(600_000);
    const { page } = await seat("Alice");
    await page.emulateMedia({ reducedMotion: "reduce" });
    const { origin } = new URL(page.url());
    await page.goto(`${origin}/#/gallery?${mode}`);
    const views = page.getByRole("navigation", { name: "Gallery" }).getByRole("button");
    await views.first().waitFor();
    const names = await views.allTextContents();
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) {
      // Soft, so that one run names every view that is not clean.
      await page.goto(`${origin}/#/gallery?view=${encodeURIComponent(name)}&${mode}&bare=1`);
      await page.evaluate(() => document.fonts.ready);
      await expectNoViolations(page, `${name}, ${mode}`, scope);
    }
  });
}
