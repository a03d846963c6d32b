/**
 * What passes between the host and the child process that runs its engine: many ports over one channel.
 * Used by engine-process.ts (host) and engine-child.ts (child). Invariant: ports are named by the host, with numbers
 * that are never used again in one run; a message for a port that is gone is dropped.
 */
import * as v from "valibot";

const portId = v.pipe(v.number(), v.integer(), v.minValue(1));

/** From the host to the child. */
export const toChildSchema = v.variant("kind", [
  v.object({ kind: v.literal("open"), portId }),
  v.object({ kind: v.literal("frame"), portId, frame: v.unknown() }),
  v.object({ kind: v.literal("close"), portId }),
  /** Close everything and end. */
  v.object({ kind: v.literal("end") }),
]);
export type ToChild = v.InferOutput<typeof toChildSchema>;

/** From the child to the host. */
export const fromChildSchema = v.variant("kind", [
  v.object({ kind: v.literal("ready") }),
  /** The engine cannot be opened; another try makes sense only where `isFinal` is false. */
  v.object({ kind: v.literal("failed"), message: v.string(), isFinal: v.boolean() }),
  v.object({ kind: v.literal("frame"), portId, frame: v.unknown() }),
  v.object({ kind: v.literal("close"), portId }),
]);
export type FromChild = v.InferOutput<typeof fromChildSchema>;
