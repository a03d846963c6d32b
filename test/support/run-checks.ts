/**
 * `npm run check`: everything that judges the code without running the app, each check with its seconds.
 * Run from the command line, before every commit and by CI.
 * Invariant: all checks run even when one fails; a failed one shows its whole output; the exit code tells.
 */
import { join } from "node:path";
import { runCommand } from "./cache.ts";

const root = join(import.meta.dirname, "../..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

const checks: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: "format", command: bin("oxfmt"), args: ["--check", "."] },
  { name: "lint", command: bin("oxlint"), args: [] },
  { name: "types", command: bin("tsc"), args: ["--build"] },
  {
    name: "layers, licences, secrets",
    command: bin("vitest"),
    args: ["run", "--config", "test/vitest.config.ts", "--project", "unit", "test/architecture"],
  },
  { name: "dead code", command: bin("knip"), args: ["--config", ".knip.json", "--no-progress"] },
];

const failed: string[] = [];
for (const { name, command, args } of checks) {
  const startedMs = performance.now();
  // One after the other on purpose: each uses every core by itself.
  const { code, output } = await runCommand(command, args, { cwd: root });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)\n`);
  if (code === 0) continue;
  failed.push(name);
  process.stdout.write(`${output.trimEnd()}\n\n`);
}
process.stdout.write(failed.length === 0 ? "all checks passed\n" : `failed: ${failed.join("; ")}\n`);
if (failed.length > 0) process.exitCode = 1;
