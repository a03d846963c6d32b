/**
 * Vitest's projects: "unit", pure and parallel; "engine" and "interop", against the run's real homeserver; "faults",
 * the same, for what takes long; "faults-fast", a few points of what is in test/faults.
 * Used by test/support/run-tests.ts and by hand: npx vitest run -c test/vitest.config.ts --project unit [file].
 * A file named *.hs.test.ts belongs to "engine", or to "interop" in that folder, *.faults.test.ts to "faults", and
 * any other *.test.ts to "unit"; Playwright's are *.spec.ts.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** A second try where others share the machine: `npm test` names every test that needed it. */
const retry = process.env["CI"] === undefined ? 0 : 1;

export default defineConfig({
  root: join(import.meta.dirname, ".."),
  oxc: { jsx: { runtime: "automatic" } },
  test: {
    // One less by itself, which leaves half of a machine of two idle while a test waits for a server or a page.
    maxWorkers: availableParallelism(),
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: ["test/**/*.{hs,faults}.test.ts"],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engine",
          include: ["test/**/*.hs.test.ts"],
          exclude: ["test/interop/**"],
          globalSetup: ["test/support/global-setup.ts"],
          retry,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "interop",
          include: ["test/interop/**/*.hs.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          retry,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "faults-fast",
          include: ["test/faults/**/*.faults.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          env: { LATTICE_FAULTS: "fast" },
          retry,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/**/*.faults.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
