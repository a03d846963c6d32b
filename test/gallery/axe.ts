/**
 * What axe finds on a page, as an assertion that names it. Used by the gallery's spec and by test/e2e.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** `besides` names rules of whole pages, which a single view cannot keep. */
export async function expectNoViolations(page: Page, where: string, besides: string[] = []): Promise<void> {
  // The announcer's log holds text for screen readers alone, named by the elements that it speaks of.
  const { violations } = await new AxeBuilder({ page })
    .exclude("[data-live-announcer]")
    .disableRules(besides)
    .analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  expect.soft(told, where).toEqual([]);
}
