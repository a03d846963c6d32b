/**
 * The windows of a running app beside the rooms': that of calls, and the small one of a ringing call. Used by the specs.
 * Invariant: a page is known by what its preload gave it, since all of them load one address.
 */
import { expect, type Page } from "@playwright/test";
import { findCallsPage } from "../support/calls-page.ts";
import type { RunningApp } from "./app.ts";

/** The page of the window of calls, shown or not; waits for it. */
export const callsPage = (app: RunningApp): Promise<Page> => findCallsPage(() => app.electron.windows());

/** The page of the small window, as soon as it shows a call. */
export async function smallPage(app: RunningApp): Promise<Page> {
  let found: Page | undefined;
  await expect
    .poll(async () => {
      const pages = app.electron.windows().filter((each) => each !== app.page);
      const isSmall = (page: Page) => page.evaluate(() => "latticeIncomingCall" in globalThis).catch(() => false);
      const small = await Promise.all(pages.map(isSmall));
      return (found = pages.find((_page, index) => small[index])) !== undefined;
    })
    .toBe(true);
  await found!.getByRole("alertdialog").first().waitFor();
  return found!;
}
