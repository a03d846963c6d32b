/**
 * The shell as a client of the engine, over a port like any window: EngineClient speaks on one port, EngineLink
 * keeps what the shell watches alive across restarts of the engine. Used by notifications, tray, badge, calls
 * and the media scheme. Invariant: every frame and item is parsed; a patch whose `rev` leaves a gap is answered
 * by a resync, never applied.
 */
import * as v from "valibot";
import {
  engineCommands,
  engineTopics,
  type CommandArgs,
  type CommandName,
  type CommandReply,
  type TopicArgs,
  type TopicItem,
  type TopicName,
} from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { engineFrameSchema, type EngineFrame, type FramePort } from "../../preload/contract/frames.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import type { ShellLog } from "./log.ts";

/** A command that the engine refused, or that it could not be asked. */
export class EngineCallError extends Error {
  override readonly name = "EngineCallError";
  readonly code: EngineErrorData["code"];
  constructor(error: EngineErrorData) {
    super(error.message);
    this.code = error.code;
  }
}

type PendingCall = {
  command: CommandName;
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  /** Ends its timer and its listening. */
  stop: () => void;
};

/** `timeoutMs` may be Infinity; `signal` takes the call back. */
export type CallOptions = { timeoutMs?: number; signal?: AbortSignal };

/** `undefined` stands where an item could not be parsed, so that the indexes of later patches still fit. */
type Subscription = {
  topic: TopicName;
  rev: number;
  items: unknown[];
  onItems: (items: never[]) => void;
  isResyncing: boolean;
};

const DEFAULT_TIMEOUT_MS = 30_000;
/** For the engine to start, however long the answer may take then. */
const MAX_WAIT_MS = 120_000;
const lostEngine: EngineErrorData = {
  code: "offline",
  message: "Lattice's engine is restarting. Try again in a moment.",
};
const lateEngine: EngineErrorData = {
  code: "offline",
  message: "Lattice's engine did not answer in time. Try again.",
};
const cancelled: EngineErrorData = { code: "cancelled", message: "This was cancelled." };

export class EngineClient {
  readonly #port: FramePort;
  readonly #log: ShellLog;
  readonly #calls = new Map<number, PendingCall>();
  readonly #subscriptions = new Map<number, Subscription>();
  #nextId = 1;
  #isClosed = false;

  constructor(port: FramePort, log: ShellLog) {
    this.#port = port;
    this.#log = log;
    port.onFrame((frame) => this.#onFrame(frame));
    port.onClose(() => this.close());
  }

  /** Asks the engine and waits for its answer; a late answer is a failure. */
  call<C extends CommandName>(command: C, args: CommandArgs<C>, options: CallOptions = {}): Promise<CommandReply<C>> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (this.#isClosed) return Promise.reject(new EngineCallError(lostEngine));
    if (signal?.aborted) return Promise.reject(new EngineCallError(cancelled));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const giveUp = (error: EngineErrorData): void => {
        const call = this.#calls.get(id);
        if (!call) return;
        this.#calls.delete(id);
        call.stop();
        this.#port.post({ t: "cancel", id });
        reject(new EngineCallError(error));
      };
      const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs, lateEngine) : undefined;
      const onAbort = (): void => giveUp(cancelled);
      signal?.addEventListener("abort", onAbort, { once: true });
      const stop = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#calls.set(id, { command, resolve, reject, stop });
      this.#port.post({ t: "call", id, command, args });
    });
  }

  /** Follows a topic: the listener gets the whole list after every change. */
  subscribe<T extends TopicName>(topic: T, args: TopicArgs<T>, onItems: (items: TopicItem<T>[]) => void): () => void {
    if (this.#isClosed) return () => {};
    const id = this.#nextId++;
    this.#subscriptions.set(id, { topic, rev: 0, items: [], onItems, isResyncing: false });
    this.#port.post({ t: "subscribe", id, topic, args });
    return () => {
      if (this.#subscriptions.delete(id) && !this.#isClosed) this.#port.post({ t: "unsubscribe", id });
    };
  }

  /** Ends every call with an error, and the port. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of this.#calls.values()) {
      call.stop();
      call.reject(new EngineCallError(lostEngine));
    }
    this.#calls.clear();
    this.#subscriptions.clear();
    this.#port.close();
  }

  #onFrame(data: unknown): void {
    const frame = v.safeParse(engineFrameSchema, data);
    if (!frame.success) return this.#log.warn("a frame of the engine cannot be read");
    switch (frame.output.t) {
      case "reply":
      case "failed":
        return this.#onAnswer(frame.output);
      case "patch":
        return this.#onPatch(frame.output);
      case "lost":
        this.#subscriptions.delete(frame.output.id);
        return;
      case "hello":
      case "progress":
        return;
    }
  }

  #onAnswer(frame: Extract<EngineFrame, { t: "reply" | "failed" }>): void {
    const call = this.#calls.get(frame.id);
    if (!call) return;
    this.#calls.delete(frame.id);
    call.stop();
    if (frame.t === "failed") return call.reject(new EngineCallError(frame.error));
    const reply = v.safeParse(engineCommands[call.command].reply, frame.value);
    if (reply.success) call.resolve(reply.output as never);
    else
      call.reject(
        new EngineCallError({
          code: "bug",
          message: "The engine's answer cannot be read. Restart Lattice.",
        }),
      );
  }

  #onPatch(frame: Extract<EngineFrame, { t: "patch" }>): void {
    const subscription = this.#subscriptions.get(frame.id);
    if (!subscription) return;
    const startsAnew = frame.rev === 1 && frame.ops[0]?.op === "reset";
    if (!startsAnew && (subscription.isResyncing || frame.rev !== subscription.rev + 1))
      return this.#resync(frame.id, subscription);
    const schema = engineTopics[subscription.topic].item;
    const parse = (item: unknown): unknown => {
      const parsed = v.safeParse(schema, item);
      if (!parsed.success) this.#log.warn("an item of the engine cannot be read", { topic: subscription.topic });
      return parsed.success ? parsed.output : undefined;
    };
    const items = startsAnew ? [] : subscription.items;
    for (const op of frame.ops) {
      if (op.op === "reset") items.splice(0, items.length, ...op.items.map(parse));
      else if (!isIndex(op.at, op.op === "insert" ? items.length : items.length - 1))
        return this.#resync(frame.id, subscription);
      else if (op.op === "insert") items.splice(op.at, 0, parse(op.item));
      else if (op.op === "replace") items[op.at] = parse(op.item);
      else items.length = op.at;
    }
    subscription.items = items;
    subscription.rev = frame.rev;
    subscription.isResyncing = false;
    subscription.onItems(items.filter((item) => item !== undefined) as never[]);
  }

  #resync(id: number, subscription: Subscription): void {
    if (subscription.isResyncing) return;
    subscription.isResyncing = true;
    this.#port.post({ t: "resync", id });
  }
}

const isIndex = (at: number, max: number): boolean => Number.isInteger(at) && at >= 0 && at <= max;

type Watch = { attach: (client: EngineClient) => () => void; detach: () => void };

/** What the shell watches and asks, whichever engine process happens to run. */
export class EngineLink {
  readonly #connect: () => FramePort;
  readonly #log: ShellLog;
  readonly #watches = new Set<Watch>();
  readonly #awaitingClient = new Set<(client: EngineClient | EngineErrorData) => void>();
  readonly #lostListeners = new Set<() => void>();
  #client: EngineClient | undefined;
  #status: EngineStatus = { state: "starting" };

  /** `connect` hands a fresh port to the engine that runs now. */
  constructor(connect: () => FramePort, log: ShellLog) {
    this.#connect = connect;
    this.#log = log;
  }

  /** To be called with every status of the engine. */
  onEngineStatus(status: EngineStatus): void {
    this.#status = status;
    if (this.#client) {
      this.#client.close();
      this.#client = undefined;
      for (const listener of this.#lostListeners) listener();
    }
    if (status.state === "running") {
      const client = (this.#client = new EngineClient(this.#connect(), this.#log));
      for (const watch of this.#watches) watch.detach = watch.attach(client);
      this.#settle(client);
    } else if (status.state === "failed") {
      this.#settle({ code: "bug", message: status.message });
    }
  }

  /** Follows a topic until the returned function is called. An engine that restarts begins with its whole list again. */
  watch<T extends TopicName>(topic: T, args: TopicArgs<T>, onItems: (items: TopicItem<T>[]) => void): () => void {
    const watch: Watch = {
      attach: (client) => client.subscribe(topic, args, onItems),
      detach: () => {},
    };
    this.#watches.add(watch);
    if (this.#client) watch.detach = watch.attach(this.#client);
    return () => {
      this.#watches.delete(watch);
      watch.detach();
    };
  }

  /** Tells that the engine is gone: what the topics said last is history. The returned function stops it. */
  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  /** Asks the engine, waiting for it while it starts; fails at once where it cannot start. */
  async call<C extends CommandName>(
    command: C,
    args: CommandArgs<C>,
    options: CallOptions = {},
  ): Promise<CommandReply<C>> {
    const waitMs = Math.min(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_WAIT_MS);
    const client = this.#client ?? (await this.#nextClient(waitMs));
    return client.call(command, args, options);
  }

  #nextClient(timeoutMs: number): Promise<EngineClient> {
    if (this.#status.state === "failed")
      return Promise.reject(new EngineCallError({ code: "bug", message: this.#status.message }));
    return new Promise((resolve, reject) => {
      const settle = (result: EngineClient | EngineErrorData): void => {
        clearTimeout(timer);
        this.#awaitingClient.delete(settle);
        if (result instanceof EngineClient) resolve(result);
        else reject(new EngineCallError(result));
      };
      const timer = setTimeout(() => settle(lostEngine), timeoutMs);
      this.#awaitingClient.add(settle);
    });
  }

  #settle(result: EngineClient | EngineErrorData): void {
    for (const settle of this.#awaitingClient) settle(result);
  }
}
