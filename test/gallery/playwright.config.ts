/**
 * Playwright for the single views, which need no homeserver and do not disturb each other: two pages at a time.
 */
import { defineConfig } from "@playwright/test";
import whole from "../e2e/playwright.config.ts";

export default defineConfig({
  ...whole,
  outputDir: "../../test-output/gallery",
  workers: 2,
  fullyParallel: true,
});
