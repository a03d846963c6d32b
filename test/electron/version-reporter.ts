/**
 * Says at the end on which Electron the tests ran and how many did not. Named by playwright.config.ts.
 * Invariant: a run in which tests were skipped never looks like one in which all passed.
 */
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";

export default class VersionReporter implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  #label = "no Electron";

  onTestEnd(_test: TestCase, result: TestResult): void {
    const kind = result.status === "passed" ? "passed" : result.status === "skipped" ? "skipped" : "failed";
    this.#counts[kind] += 1;
    const electron = result.annotations.find((annotation) => annotation.type === "electron");
    if (electron?.description !== undefined) this.#label = electron.description;
  }

  onEnd(_result: FullResult): void {
    const { passed, failed, skipped } = this.#counts;
    const warning = skipped > 0 ? ` !! ${skipped} TESTS OF THE SHELL WERE SKIPPED !!` : "";
    process.stdout.write(
      `\nshell on ${this.#label}: ${passed} passed, ${failed} failed, ${skipped} skipped.${warning}\n`,
    );
  }

  printsToStdio(): boolean {
    return false;
  }
}
