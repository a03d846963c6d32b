/**
 * What axe finds on a page, as an assertion that names it. Used by the gallery's spec and by test/e2e.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

export type AxeScope = {
  /** Rules of whole pages, which a single view cannot keep. */
  besides?: string[];
  /** Only these rules; all others were looked at elsewhere. */
  only?: string[];
};

export async function expectNoViolations(page: Page, where: string, { besides, only }: AxeScope = {}): Promise<void> {
  // The announcer's log holds text for screen readers alone, named by the elements that it speaks of.
  let axe = new AxeBuilder({ page }).exclude("[data-live-announcer]").options({ resultTypes: ["violations"] });
  if (besides) axe = axe.disableRules(besides);
  if (only) axe = axe.withRules(only);
  // Our pages have no frames of other origins: without them axe needs no second page to add its results up.
  const { violations } = await axe.setLegacyMode().analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  expect.soft(told, where).toEqual([]);
}
