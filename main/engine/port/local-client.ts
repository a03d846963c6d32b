/**
 * The client side of the contract within one process: for programs, tests and hosts. Made by entry.node.
 * Invariant: it goes through the same frames and parsers as a window; it has no short cut into the engine.
 */
import type {
  CommandArgs,
  CommandName,
  CommandReply,
  TopicArgs,
  TopicItem,
  TopicName,
} from "../../../preload/contract/engine-contract.ts";
import { engineFrameSchema, type ClientFrame, type FramePort, type Op } from "../../../preload/contract/frames.ts";
import { EngineError } from "../base/errors.ts";
import * as v from "valibot";

export interface EngineClient {
  /** Runs a command; rejects with an EngineError. */
  call<C extends CommandName>(
    command: C,
    args: CommandArgs<C>,
    options?: { signal?: AbortSignal },
  ): Promise<CommandReply<C>>;
  /** Follows a topic: `listener` gets the whole list at once and after each change. Returns how to stop. */
  subscribe<T extends TopicName>(
    topic: T,
    args: TopicArgs<T>,
    listener: (items: readonly TopicItem<T>[]) => void,
  ): () => void;
  close(): void;
}

/** Two ends of one in-process carrier; what one end posts arrives at the other in a later microtask. */
export function portPair(): [FramePort, FramePort] {
  type End = FramePort & { deliver: (frame: unknown) => void; closed: () => void };
  const makeEnd = (other: () => End): End => {
    let onFrame: ((frame: unknown) => void) | undefined;
    let onClose: (() => void) | undefined;
    let isOpen = true;
    const waiting: unknown[] = [];
    return {
      post: (frame) => queueMicrotask(() => other().deliver(frame)),
      onFrame(listener) {
        onFrame = listener;
        for (const frame of waiting.splice(0)) listener(frame);
      },
      onClose(listener) {
        onClose = listener;
      },
      close() {
        if (!isOpen) return;
        isOpen = false;
        queueMicrotask(() => other().closed());
      },
      deliver(frame) {
        if (!isOpen) return;
        if (onFrame) onFrame(frame);
        else waiting.push(frame);
      },
      closed() {
        if (!isOpen) return;
        isOpen = false;
        onClose?.();
      },
    };
  };
  const a: End = makeEnd(() => b);
  const b: End = makeEnd(() => a);
  return [a, b];
}

export function openLocalClient(port: FramePort): EngineClient {
  let lastId = 0;
  const calls = new Map<number, { resolve: (value: never) => void; reject: (error: EngineError) => void }>();
  const topics = new Map<number, (rev: number, ops: readonly Op[]) => void>();

  port.onFrame((raw) => {
    const parsed = v.safeParse(engineFrameSchema, raw);
    if (!parsed.success) return;
    const frame = parsed.output;
    switch (frame.t) {
      case "reply":
        calls.get(frame.id)?.resolve(frame.value as never);
        calls.delete(frame.id);
        return;
      case "failed": {
        const { code, message, errcode, retryAfterMs } = frame.error;
        const data = { ...(errcode !== undefined && { errcode }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
        calls.get(frame.id)?.reject(new EngineError(code, message, data));
        calls.delete(frame.id);
        return;
      }
      case "patch":
        topics.get(frame.id)?.(frame.rev, frame.ops);
        return;
      case "lost":
        topics.delete(frame.id);
        return;
      case "hello":
      case "progress":
    }
  });
  port.onClose(() => {
    for (const { reject } of calls.values()) reject(new EngineError("offline", "The engine has ended."));
    calls.clear();
    topics.clear();
  });

  return {
    call(command, args, options) {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        calls.set(id, { resolve, reject });
        options?.signal?.addEventListener("abort", () => port.post({ t: "cancel", id }), { once: true });
        port.post({ t: "call", id, command, args } satisfies ClientFrame);
      });
    },
    subscribe(topic, args, listener) {
      lastId += 1;
      const id = lastId;
      const items: unknown[] = [];
      let expected = 1;
      topics.set(id, (rev, ops) => {
        if (rev !== expected && ops[0]?.op !== "reset") return port.post({ t: "resync", id });
        expected = rev + 1;
        for (const op of ops) applyOp(items, op);
        listener([...items] as never);
      });
      port.post({ t: "subscribe", id, topic, args });
      return () => {
        topics.delete(id);
        port.post({ t: "unsubscribe", id });
      };
    },
    close: () => port.close(),
  };
}

function applyOp(items: unknown[], op: Op): void {
  switch (op.op) {
    case "reset":
      items.splice(0, items.length, ...op.items);
      return;
    case "insert":
      items.splice(op.at, 0, op.item);
      return;
    case "replace":
      items[op.at] = op.item;
      return;
    case "cut":
      items.splice(op.at, 1);
  }
}
