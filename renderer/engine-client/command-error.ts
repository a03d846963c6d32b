/**
 * The one error that a call to the engine ends with: the contract's error data as an Error.
 * Thrown by engine-client.ts, caught by useCommand and by features.
 * Invariant: the message is fit to show, and no field holds a secret.
 */
import type { EngineErrorCode, EngineErrorData } from "../../preload/contract/errors.ts";

/** A command failed; `data.code` says what the caller can do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly data: EngineErrorData;
  constructor(data: EngineErrorData) {
    super(data.message);
    this.data = data;
  }
  get code(): EngineErrorCode {
    return this.data.code;
  }
}

/** The error data of anything thrown; what is not a CommandError is our own bug. */
export function toCommandErrorData(error: unknown): EngineErrorData {
  if (error instanceof CommandError) return error.data;
  return { code: "bug", message: "Something went wrong inside Lattice. The details are in the log." };
}
