/**
 * How long to wait before something that failed is tried again: doubling, with jitter, up to a ceiling.
 * Used by engine-supervisor.ts and window.ts. Invariant: pure but for the random source it is given.
 */
export type BackoffRule = { firstMs: number; maxMs: number };

/** The wait before try number `attempt` (from 0); between half of the full step and all of it. */
export function backoffDelayMs(rule: BackoffRule, attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(rule.maxMs, rule.firstMs * 2 ** Math.min(Math.max(attempt, 0), 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
