/**
 * Vitest's two projects: "unit", pure and parallel, and "engine", against the run's real homeserver.
 * Used by test/support/run-tests.ts and by hand: npx vitest run -c test/vitest.config.ts --project unit [file].
 * A file named *.hs.test.ts belongs to "engine", any other *.test.ts to "unit"; Playwright's are *.spec.ts.
 */
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, ".."),
  oxc: { jsx: { runtime: "automatic" } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: ["test/**/*.hs.test.ts"],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engine",
          include: ["test/**/*.hs.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
