/**
 * Pages in a real Chromium for the tests of this folder. Called once by a test file, beside its tests.
 * Invariant: one browser a file, one page a test; both are closed whatever the tests do.
 */
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { ensureChromium } from "../support/setup.ts";

/** Gives the way to open the page of the next test. */
export function chromiumPages(): (options: BrowserContextOptions) => Promise<Page> {
  // A browser on a busy machine takes its time; nothing in these tests asserts how long.
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  let browser: Browser | undefined;
  let page: Page | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: await ensureChromium(),
      args: ["--no-sandbox", "--disable-background-networking"],
    });
  }, 120_000);
  afterEach(async () => {
    await page?.close();
    page = undefined;
  });
  afterAll(() => browser?.close());
  return async (options) => {
    if (!browser) throw new Error("a page can be opened once the tests have begun");
    page = await browser.newPage(options);
    return page;
  };
}
