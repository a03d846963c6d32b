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

const round = (value: number): number => Math.round(value * 100) / 100;
