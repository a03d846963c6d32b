/**
 * How much the tests of this folder do: a few points of each in `npm test` (suite faults-fast), and as many as a quarter
 * of an hour holds in `npm run test:faults`. LATTICE_FAULT_POINTS sets the number of kills, "all" is every one.
 */
import { randomInt } from "node:crypto";

export const isFast = process.env["LATTICE_FAULTS"] === "fast";

/** Those of `all` that this run tries: spread evenly, from a random start, in order. */
export function sample<T>(all: readonly T[], few: number, many: number): T[] {
  const asked = process.env["LATTICE_FAULT_POINTS"];
  const count = Math.min(all.length, asked === "all" ? all.length : asked ? Number(asked) : isFast ? few : many);
  const step = all.length / count;
  const offset = randomInt(1_000) / 1_000;
  return Array.from({ length: count }, (_, index) => all[Math.floor((index + offset) * step)] as T);
}

/** Runs `work` on each, so many at a time. */
export async function inLanes<T>(each: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = each.values();
  const lane = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** One line of the report card. */
export const report = (line: string): void => void process.stdout.write(`${line}\n`);
