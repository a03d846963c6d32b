/**
 * Playwright for the whole app: the browser host and the built renderer in Chromium with fake devices, against a real
 * homeserver. Run by run-tests.ts and by hand: `npx playwright test -c test/e2e`.
 * Invariant: serial, because two calls at once starve each other on a small machine; no test leaves loopback.
 */
import { defineConfig } from "@playwright/test";
import { callFlags } from "../interop/support/chromium.ts";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "../../test-output/e2e",
  workers: 1,
  // A second try where others share the machine; the report names every test that needed it.
  retries: process.env["CI"] === undefined ? 0 : 1,
  fullyParallel: false,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env["CI"]),
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: { executablePath: process.env["LATTICE_CHROMIUM"] ?? "/usr/bin/chromium", args: callFlags },
  },
});
