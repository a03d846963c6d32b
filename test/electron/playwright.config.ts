/**
 * The tests of the shell in a real Electron: `npx playwright test -c test/electron/playwright.config.ts`.
 * One app at a time: they share one desktop, its notifications and its tray.
 */
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  globalSetup: "./global-setup.ts",
  outputDir: "../../test-output/electron",
  workers: 1,
  // A second try where others share the machine; the report names every test that needed it.
  retries: process.env["CI"] === undefined ? 0 : 1,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: Boolean(process.env["CI"]),
  reporter: [["list"], ["./version-reporter.ts"]],
});
