/**
 * Samples: what a bench prints. Called by every bench.
 */

/** One figure: what was measured, of whom (`ours` or a floor), and its spread in milliseconds. */
export type Sample = {
  bench: string;
  of: string;
  n: number;
  p50Ms: number;
  p98Ms: number;
  maxMs: number;
  ratio?: number;
  /** How much was done in a second, and how often as much as somebody else did, by the median. */
  perSecond?: number;
  timesChromium?: number;
  timesMemory?: number;
  timesCeiling?: number;
  /** How late timers came meanwhile. */
  lagP95Ms?: number;
  lagMaxMs?: number;
};

export function summarize(bench: string, of: string, timesMs: readonly number[], floor?: Sample): Sample {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN);
  const sample = {
    bench,
    of,
    n: sorted.length,
    p50Ms: at(0.5),
    p98Ms: at(0.98),
    maxMs: round(sorted.at(-1) ?? Number.NaN),
  };
  return floor ? { ...sample, ratio: round(sample.p50Ms / floor.p50Ms) } : sample;
}

/** `count` things were done in each of the times; compared with each of the `floors`, by name, that was measured. */
export function summarizeRates(
  bench: string,
  count: number,
  timesMs: ReadonlyMap<string, readonly number[]>,
  floors: Partial<Record<"timesChromium" | "timesMemory" | "timesCeiling", string>>,
): Sample[] {
  const samples = [...timesMs].map(([name, times]) => summarize(bench, name, times));
  return samples.map((sample) => {
    const rated: Sample = { ...sample, perSecond: Math.round((count / sample.p50Ms) * 1_000) };
    for (const [key, name] of Object.entries(floors) as [keyof typeof floors, string][]) {
      const floor = samples.find(({ of }) => of === name);
      if (floor && name !== sample.of) rated[key] = round(floor.p50Ms / sample.p50Ms);
    }
    return rated;
  });
}

/** To three digits: a tenth of a microsecond is much where nothing is to be done. */
const round = (value: number): number => (value >= 1 ? Math.round(value * 100) / 100 : Number(value.toPrecision(3)));
