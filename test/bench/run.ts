/**
 * npm run bench [name…]: runs the benches and prints one JSON line for each figure, beside its floor program in the
 * same run. Invariant: ratios are what counts; absolute times are this machine's. Benches are never tests.
 */
import { cpus, loadavg } from "node:os";
import { benchLatency } from "./latency.ts";
import { benchRestart } from "./restart.ts";
import { benchApp } from "./app.ts";
import { benchCalls } from "./calls.ts";
import { benchCrypto } from "./crypto.ts";
import type { Sample } from "./samples.ts";

const benches: Record<string, () => Promise<Sample[]>> = {
  restart: benchRestart,
  latency: benchLatency,
  app: benchApp,
  calls: benchCalls,
  crypto: benchCrypto,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(", ")}. Choose from: ${Object.keys(benches).join(", ")}.\n`);
  process.exit(2);
}
for (const [name, run] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`bench ${name} …\n`);
  // What else ran when it began: on a busy machine peers of several processes get more than their share.
  const load = Math.round((loadavg()[0] ?? 0) * 10) / 10;
  if (load > cpus().length / 2) process.stderr.write(`The machine is busy (load ${load}): do not trust the ratios.\n`);
  // One after the other: two at once would measure each other.
  for (const sample of await run()) {
    process.stdout.write(`${JSON.stringify({ ...sample, node: process.versions.node, cores: cpus().length, load })}\n`);
  }
}
