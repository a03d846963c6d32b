/**
 * When a call that lost its path looks for a new one. Asked by call-media.ts.
 * Pure. Invariant: the two sides do not restart at the same moment: the caller goes first, the callee only
 * when nothing came of it. How long a call may stay without a path is the engine's decision.
 */

/** The browser says "disconnected" after some seconds of silence; a path that comes back does so within one more. */
const FIRST_MS = { caller: { disconnected: 1_000, failed: 0 }, callee: { disconnected: 3_000, failed: 2_000 } };
const MAX_MS = 10_000;

/** Milliseconds until restart number `attempt` (from 0) while the connection is in `state`. */
export function restartDelayMs(role: "caller" | "callee", state: "disconnected" | "failed", attempt: number): number {
  if (attempt === 0) return FIRST_MS[role][state];
  return Math.min(MAX_MS, FIRST_MS[role].disconnected * 2 ** attempt);
}

/**
 * So many readings without a packet, while the browser calls the path good, begin a search: its checks may pass where
 * media do not, as when a relay or a router forgot one of the two ways.
 */
export const STALLED_READINGS = { caller: 1, callee: 2 } as const;
