/**
 * EngineError, and the one policy that decides what a failure means for the caller: retryPlan.
 * Thrown by net and store, read by the sync loop, the outbox and the port. Invariant: an error that is not an
 * EngineError is our own bug; it is shown, never retried in a loop.
 */
import type { EngineErrorCode, EngineErrorData } from "../../../preload/contract/errors.ts";

export type { EngineErrorCode, EngineErrorData };

/** A failure with a closed code, a message fit to show, and no secrets in it. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly data: { errcode?: string; retryAfterMs?: number };
  constructor(
    code: EngineErrorCode,
    message: string,
    data: { errcode?: string; retryAfterMs?: number } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

/** The form in which an error crosses the port. What is unknown becomes `bug`, with the message kept out. */
export function toErrorData(error: unknown): EngineErrorData {
  if (error instanceof EngineError) return { code: error.code, message: error.message, ...error.data };
  return { code: "bug", message: "Something went wrong inside Lattice. The details are in the log." };
}

export type RetryPlan = { when: "online" } | { when: "after"; delayMs: number } | { when: "never" };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;
/** No server may put us to sleep for longer than this, whatever its Retry-After says. */
const MAX_OBEYED_MS = 3_600_000;

/** Exponential, with full jitter over its upper half. `attempt` counts from 0. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 20));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

/** What the caller must do next with this error. A pure function of the error and the number of tries so far. */
export function retryPlan(error: unknown, attempt: number): RetryPlan {
  if (!(error instanceof EngineError)) return { when: "never" };
  switch (error.code) {
    case "offline":
      return { when: "online" };
    case "rate-limited":
    case "server-error":
    case "disk-full": {
      const asked = error.data.retryAfterMs;
      return {
        when: "after",
        delayMs: asked === undefined ? backoffMs(attempt) : Math.min(Math.max(asked, 0), MAX_OBEYED_MS),
      };
    }
    default:
      return { when: "never" };
  }
}
