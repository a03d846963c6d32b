/**
 * Finds the page of the window of calls among an app's pages. Used by the end-to-end specs, the demo and the benches,
 * for the browser host and for Electron. Invariant: a page is known by what its host says that it is for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright";
import type { LatticeHost } from "../../preload/contract/shell-contract.ts";

/** The page, as soon as it is there; throws where none comes. */
export async function findCallsPage(pages: () => readonly Page[], timeoutMs = 15_000): Promise<Page> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const roles = await Promise.all(pages().map(async (page) => ({ page, role: await roleOf(page) })));
    const found = roles.find(({ role }) => role === "calls");
    if (found) return found.page;
    if (performance.now() > endMs) throw new Error("the window of calls did not open");
    await sleep(50);
  }
}

async function roleOf(page: Page): Promise<string | undefined> {
  try {
    return await page.evaluate(() => (window as unknown as { latticeHost?: LatticeHost }).latticeHost?.info.role);
  } catch {
    return undefined; // It is being loaded, or closes.
  }
}
