/**
 * The frames on the port between the engine and a client (a window, the shell, a program): who says what.
 * Both ends parse every frame with these schemas; what does not parse is dropped and counted, never thrown.
 * Invariant: patches of one subscription carry a gapless `rev` that starts at 1 with a reset. A client that
 * misses one asks with `resync` and gets a reset, which starts again from 1.
 */
import * as v from "valibot";
import { engineErrorDataSchema } from "./errors.ts";

const idSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

/** From a client to the engine. */
export const clientFrameSchema = v.variant("t", [
  v.object({ t: v.literal("call"), id: idSchema, command: v.pipe(v.string(), v.maxLength(64)), args: v.unknown() }),
  /** Takes a running command back; it answers with the error `cancelled`, or with its result if it was faster. */
  v.object({ t: v.literal("cancel"), id: idSchema }),
  v.object({ t: v.literal("subscribe"), id: idSchema, topic: v.pipe(v.string(), v.maxLength(64)), args: v.unknown() }),
  v.object({ t: v.literal("unsubscribe"), id: idSchema }),
  v.object({ t: v.literal("resync"), id: idSchema }),
]);
export type ClientFrame = v.InferOutput<typeof clientFrameSchema>;

/** One change of a topic's list of items. Indexes count in the list as the ops before have left it. */
export const opSchema = v.variant("op", [
  v.object({ op: v.literal("reset"), items: v.array(v.unknown()) }),
  v.object({ op: v.literal("insert"), at: v.number(), item: v.unknown() }),
  v.object({ op: v.literal("replace"), at: v.number(), item: v.unknown() }),
  v.object({ op: v.literal("cut"), at: v.number() }),
]);
export type Op<T = unknown> =
  | { op: "reset"; items: readonly T[] }
  | { op: "insert"; at: number; item: T }
  | { op: "replace"; at: number; item: T }
  | { op: "cut"; at: number };

/** From the engine to a client. */
export const engineFrameSchema = v.variant("t", [
  v.object({ t: v.literal("hello"), contractVersion: v.number(), engineId: v.string() }),
  v.object({ t: v.literal("reply"), id: idSchema, value: v.unknown() }),
  v.object({ t: v.literal("failed"), id: idSchema, error: engineErrorDataSchema }),
  v.object({ t: v.literal("progress"), id: idSchema, done: v.number(), total: v.optional(v.number()) }),
  v.object({
    t: v.literal("patch"),
    id: idSchema,
    rev: v.pipe(v.number(), v.integer(), v.minValue(1)),
    ops: v.array(opSchema),
  }),
  /** The subscription cannot go on, e.g. because the account was removed. */
  v.object({ t: v.literal("lost"), id: idSchema, error: engineErrorDataSchema }),
]);
export type EngineFrame = v.InferOutput<typeof engineFrameSchema>;

/**
 * The carrier of frames: a MessagePort, a WebSocket, or a pair of queues in one process. Frames arrive as
 * unknown data; `onClose` fires once, also when the other side vanishes.
 */
export interface FramePort {
  post(frame: ClientFrame | EngineFrame): void;
  onFrame(listener: (frame: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}
