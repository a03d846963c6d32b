/**
 * `npm test`: sets up what the suites need, builds the app, runs the suites one after the other and adds them up.
 * Run from the command line; arguments choose suites: `npm test -- unit engine`.
 * Invariant: the last line is "N passed, N failed", and the exit code is 0 only when nothing failed, be it a test,
 * a suite that ended early, the set-up or the build. What was skipped is said loudly, never counted as passed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { missingPackages } from "../electron/display.ts";
import { findElectron } from "../electron/electron-binary.ts";
import { runCommand } from "./cache.ts";
import { ensureAptPackages, ensureChromium, ensureSynapse } from "./setup.ts";

const root = join(import.meta.dirname, "../..");
const resultsDir = join(root, "test-output/results");
const SUITE_TIMEOUT_MS = 12 * 60_000;

/** What the shell's tests need beside Electron: a desktop without a screen, and the libraries of the binary. */
const DESKTOP_PACKAGES = [
  ...["xvfb", "openbox", "dbus", "dbus-x11", "dunst", "xdotool", "libnss3", "libgtk-3-0", "libgbm1", "libasound2"],
  ...["libxss1", "libsecret-1-0", "xdg-utils", "gnome-keyring"],
];

type Counts = { passed: number; failed: number; skipped: number };
/** With the names of those that failed, passed at the second try only, or were skipped. */
type Results = Counts & { failures: string[]; secondTries: string[]; skips: string[] };
type Outcome = Results & { name: string; seconds: number; note: string };

type Suite = {
  name: string;
  title: string;
  needs: readonly ("synapse" | "chromium" | "build" | "strace")[];
  /** The words after `node`, and the file in which the runner leaves its figures. */
  run: { runner: "vitest"; project: string } | { runner: "playwright"; config: string };
  /** Runs only when it is named. */
  isAskedFor?: boolean;
};

const suites: readonly Suite[] = [
  { name: "unit", title: "pure parts", needs: [], run: { runner: "vitest", project: "unit" } },
  {
    name: "engine",
    title: "the engine against a real homeserver",
    needs: ["synapse"],
    run: { runner: "vitest", project: "engine" },
  },
  {
    name: "faults-fast",
    title: "engines that are killed, a few times",
    needs: ["synapse", "strace"],
    run: { runner: "vitest", project: "faults-fast" },
  },
  {
    name: "interop-crypto",
    title: "encrypted, with matrix-js-sdk",
    needs: ["synapse"],
    run: { runner: "vitest", project: "interop" },
    isAskedFor: true,
  },
  {
    name: "interop",
    title: "with other clients",
    needs: ["synapse", "chromium"],
    run: { runner: "playwright", config: "test/interop/playwright.config.ts" },
    isAskedFor: true,
  },
  {
    name: "e2e",
    title: "the whole app in Chromium",
    needs: ["synapse", "chromium", "build"],
    run: { runner: "playwright", config: "test/e2e/playwright.config.ts" },
  },
  {
    name: "gallery",
    title: "every view, for everyone",
    needs: ["synapse", "chromium", "build"],
    run: { runner: "playwright", config: "test/gallery/playwright.config.ts" },
  },
  {
    name: "electron",
    title: "the shell in a real Electron",
    needs: [],
    run: { runner: "playwright", config: "test/electron/playwright.config.ts" },
  },
  {
    name: "faults",
    title: "what takes long: many users, many kills",
    needs: ["synapse", "strace"],
    run: { runner: "vitest", project: "faults" },
    isAskedFor: true,
  },
];

const outcomes: Outcome[] = [];

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`There is no suite "${unknown}". Known: ${suites.map(({ name }) => name).join(", ")}.\n`);
    process.exitCode = 2;
    return;
  }
  const chosen = suites.filter(({ name, isAskedFor }) => (asked.length === 0 ? !isAskedFor : asked.includes(name)));
  await rm(resultsDir, { recursive: true, force: true });
  await mkdir(resultsDir, { recursive: true });

  const needs = new Set(chosen.flatMap((suite) => suite.needs));
  const broken = await prepare(needs);
  for (const suite of chosen) {
    const missing = suite.needs.find((need) => broken.has(need));
    // One after the other on purpose: each suite uses every core by itself, and calls must not starve.
    if (missing === undefined) await runSuite(suite);
    else record(suite.name, 0, { ...noResults(), failed: 1 }, `not run: ${missing} is missing, see above`);
  }
  summarize();
}

/** Gets what the suites need, and gives what could not be had. */
async function prepare(needs: ReadonlySet<string>): Promise<Set<string>> {
  const broken = new Set<string>();
  if (needs.size === 0) return broken;
  heading("set-up");
  const startedMs = performance.now();
  const steps: Record<string, () => Promise<void>> = {
    synapse: async () => void (await ensureSynapse()),
    chromium: async () => {
      process.env["LATTICE_CHROMIUM"] = await ensureChromium();
    },
    // Where it cannot be had, the tests that need it say that they are skipped.
    strace: async () => void (await ensureAptPackages(["strace"])),
    build: async () => {
      const code = await runShown(["main/tools/build.ts"]);
      if (code !== 0) throw new Error("The build failed; its messages are above.");
    },
  };
  await Promise.all(
    [...needs].map(async (need) => {
      try {
        await steps[need]?.();
      } catch (error) {
        broken.add(need);
        process.stderr.write(`\n${need}: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }),
  );
  process.stdout.write(`set-up took ${secondsSince(startedMs).toFixed(1)} s\n`);
  return broken;
}

async function runSuite(suite: Suite): Promise<void> {
  heading(`${suite.name}: ${suite.title}`);
  const startedMs = performance.now();
  const reason = suite.name === "electron" ? await whyNoElectron() : undefined;
  if (reason !== undefined && suite.run.runner === "playwright") {
    const skipped = await countSpecs(suite.run.config);
    const note = `SKIPPED ${skipped} shell tests: ${reason}`;
    process.stdout.write(`!!! ${note}\n`);
    record(suite.name, secondsSince(startedMs), { ...noResults(), skipped }, note);
    return;
  }
  const resultsPath = join(resultsDir, `${suite.name}.json`);
  const code = await runShown(commandOf(suite, resultsPath), { PLAYWRIGHT_JSON_OUTPUT_FILE: resultsPath });
  const results = await readResults(suite, resultsPath);
  // A runner that failed without a failed test fell over by itself: that is a failure, not a pass.
  const isFallen = code !== 0 && results.failed === 0;
  if (isFallen) results.failed = 1;
  record(suite.name, secondsSince(startedMs), results, isFallen ? "the runner itself failed, see above" : "");
}

function commandOf({ run }: Suite, resultsPath: string): string[] {
  if (run.runner === "playwright") {
    const cli = "node_modules/@playwright/test/cli.js";
    return [cli, "test", "--config", run.config, "--pass-with-no-tests", "--add-reporter", "json"];
  }
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${resultsPath}`];
  const config = ["--config", "test/vitest.config.ts", "--project", run.project];
  return ["node_modules/vitest/vitest.mjs", "run", ...config, "--passWithNoTests", ...reporters];
}

/** Why the shell's tests cannot run on this machine, if so. */
async function whyNoElectron(): Promise<string | undefined> {
  if ((await findElectron()) === undefined) return "no Electron binary";
  if (process.platform !== "linux") return undefined;
  // Also where the programs are there already: the binary's libraries may not be.
  const isComplete = await ensureAptPackages(DESKTOP_PACKAGES);
  const missing = isComplete ? [] : missingPackages();
  return missing.length === 0 ? undefined : `no desktop to show them on; install ${missing.join(", ")}`;
}

async function countSpecs(config: string): Promise<number> {
  const path = join(resultsDir, "list.json");
  const args = ["node_modules/@playwright/test/cli.js", "test", "--config", config, "--list", "--add-reporter", "json"];
  await runCommand(process.execPath, args, { cwd: root, env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: path } });
  return (await readPlaywright(path)).skipped;
}

const noResults = (): Results => ({ passed: 0, failed: 0, skipped: 0, failures: [], secondTries: [], skips: [] });

async function readResults(suite: Suite, path: string): Promise<Results> {
  if (!existsSync(path)) return noResults();
  return suite.run.runner === "vitest" ? readVitest(path) : readPlaywright(path);
}

async function readVitest(path: string): Promise<Results> {
  const figures = JSON.parse(await readFile(path, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
    testResults: {
      name: string;
      status: string;
      assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
    }[];
  };
  // A file that could not be loaded has no tests in it, and still failed.
  const unloaded = figures.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const tests = figures.testResults.flatMap((file) => file.assertionResults);
  // One that passed tells why it did not at first.
  const namesOf = (status: string) =>
    tests
      .filter((test) => test.status === status && test.failureMessages.length > 0)
      .map(({ fullName, failureMessages }) => `${fullName}: ${firstLine(failureMessages[0])}`);
  return {
    passed: figures.numPassedTests,
    failed: figures.numFailedTests + unloaded.length,
    skipped: figures.numPendingTests + figures.numTodoTests,
    failures: [...namesOf("failed"), ...unloaded.map(({ name }) => `${name}: could not be loaded`)],
    secondTries: namesOf("passed"),
    // Vitest keeps no reason; the test itself says it where it runs.
    skips: tests.filter(({ status }) => status === "pending" || status === "skipped").map(({ fullName }) => fullName),
  };
}

type PlaywrightSuite = {
  specs: {
    title: string;
    tests: {
      status: string;
      annotations: { type: string; description?: string }[];
      results: { error?: { message?: string } }[];
    }[];
  }[];
  suites?: PlaywrightSuite[];
};

async function readPlaywright(path: string): Promise<Results> {
  const { stats, suites: files } = JSON.parse(await readFile(path, "utf8")) as {
    stats: { expected: number; unexpected: number; flaky: number; skipped: number };
    suites: PlaywrightSuite[];
  };
  const specsOf = (suite: PlaywrightSuite): PlaywrightSuite["specs"] => [
    ...suite.specs,
    ...(suite.suites ?? []).flatMap(specsOf),
  ];
  const namesOf = (status: string) =>
    files
      .flatMap(specsOf)
      .flatMap(({ title, tests }) =>
        tests
          .filter((test) => test.status === status)
          .map(({ results }) => `${title}: ${firstLine(results.find(({ error }) => error)?.error?.message)}`),
      );
  return {
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
    failures: namesOf("unexpected"),
    secondTries: namesOf("flaky"),
    skips: files.flatMap(specsOf).flatMap(({ title, tests }) =>
      tests
        .filter((test) => test.status === "skipped")
        .map(({ annotations }) => {
          const reason = annotations.find(({ type }) => type === "skip")?.description ?? "no reason given";
          return `${title}: ${reason}`;
        }),
    ),
  };
}

const firstLine = (message = "no reason given"): string => stripVTControlCharacters(message).split("\n", 1)[0] ?? "";

/** Runs a Node program with its output shown as it comes, and gives its exit code. */
function runShown(args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const late = setTimeout(() => {
      process.stderr.write(`\nstopped after ${SUITE_TIMEOUT_MS / 60_000} minutes\n`);
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 10_000).unref();
    }, SUITE_TIMEOUT_MS);
    const settle = (code: number) => {
      clearTimeout(late);
      resolve(code);
    };
    child.once("error", () => settle(1));
    child.once("exit", (code) => settle(code ?? 1));
  });
}

const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1000;

function heading(text: string): void {
  process.stdout.write(`\n${"─".repeat(88)}\n${text}\n${"─".repeat(88)}\n`);
}

function record(name: string, seconds: number, results: Results, note: string): void {
  outcomes.push({ name, seconds, note, ...results });
}

function summarize(): void {
  heading("summary");
  for (const { name, seconds, passed, failed, skipped, note } of outcomes) {
    const figures = `${passed} passed, ${failed} failed, ${skipped} skipped`;
    process.stdout.write(`${name.padEnd(15)}${`${seconds.toFixed(1)} s`.padStart(9)}   ${figures}  ${note}\n`);
  }
  for (const { name, failures, secondTries, skips } of outcomes) {
    for (const skip of skips) process.stdout.write(`SKIPPED ${name}: ${skip}\n`);
    for (const failure of failures) process.stdout.write(`FAILED ${name}: ${failure}\n`);
    for (const secondTry of secondTries) process.stdout.write(`PASSED ONLY AT THE SECOND TRY ${name}: ${secondTry}\n`);
  }
  const sum = (key: keyof Counts) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  if (sum("failed") > 0) process.exitCode = 1;
  process.stdout.write(`\n${sum("passed")} passed, ${sum("failed")} failed\n`);
}

await main();
