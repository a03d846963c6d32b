/**
 * The renderer's end of the port to the engine: calls with replies, subscriptions with patches, and the
 * connection under them. Opened once by EngineProvider; hooks use it.
 * Invariants: everything that arrives is parsed, and what does not parse is dropped and counted, never thrown;
 * when the connection ends, every pending call fails with `offline` and every live subscription is made again
 * on the next one; ids are never used twice, so a late frame of an old connection matches nothing.
 */
import * as v from "valibot";
import { CONTRACT_VERSION, engineCommands } from "../../preload/contract/engine-contract.ts";
import type {
  CommandArgs,
  CommandName,
  CommandReply,
  TopicArgs,
  TopicName,
} from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { engineFrameSchema } from "../../preload/contract/frames.ts";
import type { ClientFrame, EngineFrame, FramePort } from "../../preload/contract/frames.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { CommandError } from "./command-error.ts";
import { topicKey, ViewStore } from "./view-store.ts";
import type { PatchFrame, TopicSnapshot } from "./view-store.ts";

/** How long a subscription outlives its last reader, so that going back and forth does not reload. */
const RELEASE_AFTER_MS = 5_000;
const HELLO_TIMEOUT_MS = 10_000;
const FIRST_RECONNECT_MS = 250;
const MAX_RECONNECT_MS = 5_000;
/** More resets than this within the window means that the two sides do not agree at all. */
const MAX_RESYNCS = 5;
const RESYNC_WINDOW_MS = 10_000;

export type Progress = { done: number; total?: number | undefined };
export type CallOptions = { signal?: AbortSignal; onProgress?: (progress: Progress) => void };

/** How the window and the engine stand to each other. */
export type EngineConnection =
  /** A port is being asked for, or its first word awaited. */
  | { state: "connecting" }
  | { state: "connected"; engineId: string }
  /** The engine ended and is being started again. */
  | { state: "restarting" }
  /** It cannot work; the message says what happened and what to do. */
  | { state: "failed"; message: string };

export type DropCounters = { badFrames: number; strayFrames: number; resyncs: number };

/** What useTopic needs of a view. */
export interface TopicView<T extends TopicName> {
  readonly key: string;
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => TopicSnapshot<T>;
}

/** The engine, as the renderer sees it. */
export interface EngineClient {
  /** Resolves with the reply; rejects with CommandError only. */
  call<C extends CommandName>(command: C, args: CommandArgs<C>, options?: CallOptions): Promise<CommandReply<C>>;
  view<T extends TopicName>(name: T, args: TopicArgs<T>): TopicView<T>;
  readonly connection: () => EngineConnection;
  readonly onConnection: (listener: () => void) => () => void;
  /** What the host says about the engine. */
  hostStatus(status: EngineStatus): void;
  readonly counters: Readonly<DropCounters>;
  close(): void;
}

export type EngineClientOptions = {
  /** Asks for a fresh port; called for each connection. */
  connect: (signal: AbortSignal) => Promise<FramePort>;
};

type PendingCall = {
  command: CommandName;
  args: unknown;
  isSent: boolean;
  resolve: (value: unknown) => void;
  reject: (error: CommandError) => void;
  onProgress: ((progress: Progress) => void) | undefined;
  release: () => void;
};

type Subscription = {
  store: ViewStore<TopicName>;
  view: TopicView<TopicName>;
  /** Id on the present connection; undefined while there is none. */
  id: number | undefined;
  releaseTimer: ReturnType<typeof setTimeout> | undefined;
  resyncTimes: number[];
};

const offline: EngineErrorData = {
  code: "offline",
  message: "Lattice was interrupted before this was done. Try again.",
};
const cancelled: EngineErrorData = { code: "cancelled", message: "Cancelled." };
const misread: EngineErrorData = {
  code: "bug",
  message: "The window and the engine of Lattice do not understand each other. Restart Lattice.",
};

/** Opens the client and starts to connect at once. */
export function openEngineClient(options: EngineClientOptions): EngineClient {
  return new Client(options);
}

class Client implements EngineClient {
  readonly #connect: EngineClientOptions["connect"];
  readonly #calls = new Map<number, PendingCall>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #byId = new Map<number, Subscription>();
  readonly #connectionListeners = new Set<() => void>();
  readonly #counters: DropCounters = { badFrames: 0, strayFrames: 0, resyncs: 0 };
  #connection: EngineConnection = { state: "connecting" };
  #nextId = 1;
  #attempt = 0;
  #port: FramePort | undefined;
  #isReady = false;
  #isClosed = false;
  #connecting: AbortController | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EngineClientOptions) {
    this.#connect = options.connect;
    void this.#open();
  }

  get counters(): Readonly<DropCounters> {
    return this.#counters;
  }

  readonly connection = (): EngineConnection => this.#connection;

  readonly onConnection = (listener: () => void): (() => void) => {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  };

  call<C extends CommandName>(command: C, args: CommandArgs<C>, options: CallOptions = {}): Promise<CommandReply<C>> {
    return new Promise<CommandReply<C>>((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) return reject(new CommandError(cancelled));
      if (this.#connection.state === "failed")
        return reject(new CommandError({ code: "offline", message: this.#connection.message }));
      const id = this.#nextId++;
      const onAbort = () => this.#cancel(id);
      signal?.addEventListener("abort", onAbort);
      this.#calls.set(id, {
        command,
        args,
        isSent: false,
        resolve: resolve as (value: unknown) => void,
        reject,
        onProgress: options.onProgress,
        release: () => signal?.removeEventListener("abort", onAbort),
      });
      this.#sendCall(id);
    });
  }

  view<T extends TopicName>(name: T, args: TopicArgs<T>): TopicView<T> {
    const key = topicKey(name, args);
    const known = this.#subscriptions.get(key);
    if (known) return known.view as unknown as TopicView<T>;
    const store = new ViewStore<TopicName>(name, args, key);
    const subscription: Subscription = {
      store,
      view: {
        key,
        snapshot: store.snapshot,
        subscribe: (listener) => this.#addReader(subscription, listener),
      },
      id: undefined,
      releaseTimer: undefined,
      resyncTimes: [],
    };
    this.#subscriptions.set(key, subscription);
    // A view that is made during a render which never commits has no reader; it goes the same way as others.
    this.#releaseLater(subscription);
    return subscription.view as unknown as TopicView<T>;
  }

  hostStatus(status: EngineStatus): void {
    if (this.#isClosed) return;
    if (status.state === "running") {
      if (this.#port || this.#connecting) return;
      this.#attempt = 0;
      this.#setConnection({ state: "connecting" });
      void this.#open();
    } else if (status.state === "restarting") {
      this.#drop();
      this.#setConnection({ state: "restarting" });
      this.#failCalls(offline);
      // "running" comes first as a rule; this is for a host that forgets to say it.
      this.#retryLater(Math.max(status.delayMs, 0) + MAX_RECONNECT_MS);
    } else if (status.state === "failed") {
      this.#drop();
      this.#setConnection({ state: "failed", message: status.message });
      this.#failCalls({ code: "offline", message: status.message });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
    this.#failCalls(offline);
    for (const subscription of this.#subscriptions.values()) clearTimeout(subscription.releaseTimer);
    this.#subscriptions.clear();
  }

  // ----- connection

  async #open(): Promise<void> {
    clearTimeout(this.#retryTimer);
    const connecting = new AbortController();
    this.#connecting = connecting;
    try {
      const port = await this.#connect(connecting.signal);
      if (connecting.signal.aborted) return port.close();
      this.#connecting = undefined;
      this.#adopt(port);
    } catch {
      if (this.#connecting !== connecting) return;
      this.#connecting = undefined;
      this.#failCalls(offline);
      this.#retryLater();
    }
  }

  #adopt(port: FramePort): void {
    this.#port = port;
    this.#isReady = false;
    const helloTimer = setTimeout(() => {
      if (this.#port === port && !this.#isReady) this.#lost(port);
    }, HELLO_TIMEOUT_MS);
    port.onClose(() => {
      clearTimeout(helloTimer);
      this.#lost(port);
    });
    port.onFrame((frame) => {
      if (this.#port === port) this.#receive(frame);
    });
  }

  /** The port went away by itself. */
  #lost(port: FramePort): void {
    if (this.#port !== port) return;
    this.#drop();
    this.#failCalls(offline);
    if (this.#connection.state === "connected") this.#setConnection({ state: "restarting" });
    this.#retryLater();
  }

  #retryLater(delayMs = Math.min(MAX_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** this.#attempt++)): void {
    if (this.#isClosed || this.#connection.state === "failed") return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      if (!this.#port && !this.#connecting) void this.#open();
    }, delayMs);
  }

  #drop(): void {
    clearTimeout(this.#retryTimer);
    this.#connecting?.abort();
    this.#connecting = undefined;
    const port = this.#port;
    this.#port = undefined;
    this.#isReady = false;
    this.#byId.clear();
    for (const subscription of this.#subscriptions.values()) {
      subscription.id = undefined;
      subscription.store.awaitReset();
    }
    port?.close();
  }

  #setConnection(connection: EngineConnection): void {
    this.#connection = connection;
    for (const listener of [...this.#connectionListeners]) listener();
  }

  #post(frame: ClientFrame): boolean {
    try {
      this.#port?.post(frame);
      return true;
    } catch {
      // What cannot be cloned is our own mistake; the frame is the only thing that is lost.
      return false;
    }
  }

  // ----- incoming frames

  #receive(data: unknown): void {
    const parsed = v.safeParse(engineFrameSchema, data);
    if (!parsed.success) {
      this.#counters.badFrames++;
      return;
    }
    const frame = parsed.output;
    switch (frame.t) {
      case "hello":
        return this.#greet(frame);
      case "reply":
        return this.#settle(frame.id, (call) => {
          const reply = v.safeParse(engineCommands[call.command].reply, frame.value);
          if (reply.success) return call.resolve(reply.output);
          this.#counters.badFrames++;
          call.reject(new CommandError(misread));
        });
      case "failed":
        return this.#settle(frame.id, (call) => call.reject(new CommandError(frame.error)));
      case "progress":
        return this.#calls.get(frame.id)?.onProgress?.({ done: frame.done, total: frame.total });
      case "patch":
        return this.#patch(frame);
      case "lost": {
        const subscription = this.#byId.get(frame.id);
        if (!subscription) return void this.#counters.strayFrames++;
        this.#byId.delete(frame.id);
        subscription.id = undefined;
        return subscription.store.lose(frame.error);
      }
    }
  }

  #greet(frame: Extract<EngineFrame, { t: "hello" }>): void {
    if (frame.contractVersion !== CONTRACT_VERSION) {
      this.#drop();
      this.#setConnection({ state: "failed", message: misread.message });
      return this.#failCalls(misread);
    }
    this.#attempt = 0;
    if (this.#isReady) return;
    this.#isReady = true;
    this.#setConnection({ state: "connected", engineId: frame.engineId });
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.store.listenerCount > 0) this.#sendSubscribe(subscription);
    }
    for (const id of [...this.#calls.keys()]) this.#sendCall(id);
  }

  #patch(frame: PatchFrame): void {
    const subscription = this.#byId.get(frame.id);
    if (!subscription) return void this.#counters.strayFrames++;
    if (subscription.store.apply(frame) !== "misfit") return;
    subscription.store.awaitReset();
    this.#counters.resyncs++;
    const now = Date.now();
    subscription.resyncTimes = subscription.resyncTimes.filter((time) => now - time < RESYNC_WINDOW_MS);
    subscription.resyncTimes.push(now);
    if (subscription.resyncTimes.length <= MAX_RESYNCS) {
      this.#post({ t: "resync", id: frame.id });
      return;
    }
    this.#post({ t: "unsubscribe", id: frame.id });
    this.#byId.delete(frame.id);
    subscription.id = undefined;
    subscription.store.lose(misread);
  }

  // ----- calls

  #sendCall(id: number): void {
    const call = this.#calls.get(id);
    if (!call || call.isSent || !this.#isReady) return;
    call.isSent = true;
    if (!this.#post({ t: "call", id, command: call.command, args: call.args })) {
      this.#settle(id, (failed) => failed.reject(new CommandError(misread)));
    }
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (!call) return;
    if (call.isSent) this.#post({ t: "cancel", id });
    else this.#settle(id, (waiting) => waiting.reject(new CommandError(cancelled)));
  }

  #settle(id: number, how: (call: PendingCall) => void): void {
    const call = this.#calls.get(id);
    if (!call) return void this.#counters.strayFrames++;
    this.#calls.delete(id);
    call.release();
    how(call);
  }

  #failCalls(error: EngineErrorData): void {
    for (const id of [...this.#calls.keys()]) this.#settle(id, (call) => call.reject(new CommandError(error)));
  }

  // ----- subscriptions

  #addReader(subscription: Subscription, listener: () => void): () => void {
    const { store } = subscription;
    clearTimeout(subscription.releaseTimer);
    subscription.releaseTimer = undefined;
    const own = () => listener();
    store.addListener(own);
    // It may have been released between the render and this effect.
    if (!this.#subscriptions.has(store.key)) this.#subscriptions.set(store.key, subscription);
    if (subscription.id === undefined) this.#sendSubscribe(subscription);
    return () => {
      store.removeListener(own);
      if (store.listenerCount === 0) this.#releaseLater(subscription);
    };
  }

  #sendSubscribe(subscription: Subscription): void {
    if (!this.#isReady || subscription.id !== undefined) return;
    const id = this.#nextId++;
    subscription.id = id;
    this.#byId.set(id, subscription);
    subscription.store.awaitReset();
    this.#post({ t: "subscribe", id, topic: subscription.store.name, args: subscription.store.args });
  }

  #releaseLater(subscription: Subscription): void {
    clearTimeout(subscription.releaseTimer);
    subscription.releaseTimer = setTimeout(() => {
      const { id, store } = subscription;
      if (id !== undefined) {
        this.#byId.delete(id);
        this.#post({ t: "unsubscribe", id });
      }
      subscription.id = undefined;
      if (this.#subscriptions.get(store.key) === subscription) this.#subscriptions.delete(store.key);
      store.clear();
    }, RELEASE_AFTER_MS);
  }
}
