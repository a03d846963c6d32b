/**
 * Playwright for the interop tests: our parts against other Matrix clients, in Chromium with fake devices.
 * Run by run-tests.ts and by hand: `npx playwright test -c test/interop`.
 * Invariant: serial and local: two calls at once would starve each other, and no test leaves loopback.
 */
import { defineConfig } from "@playwright/test";
import { callFlags } from "./support/chromium.ts";

export default defineConfig({
  testDir: ".",
  // The `.test.ts` files beside them need no page, and are vitest's.
  testMatch: "*.spec.ts",
  outputDir: "../../test-output/interop",
  workers: 1,
  // A second try where others share the machine; the report names every test that needed it.
  retries: process.env["CI"] === undefined ? 0 : 1,
  fullyParallel: false,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    trace: "retain-on-failure",
    launchOptions: { executablePath: process.env["LATTICE_CHROMIUM"] ?? "/usr/bin/chromium", args: callFlags },
  },
});
