/**
 * Keeps the engine process alive: starts it, gives it the profile key, hands it the ports of its clients, and starts
 * it again with back-off when it ends. Driven by index.ts; its status goes to every window.
 * Invariant: at most one engine runs; a port asked for while it is away waits, and only the newest of each owner does.
 * When the engine says that it cannot start, or ends again and again before it could, the status is `failed` with a
 * message, and waiting ports are closed instead of hanging.
 */
import * as v from "valibot";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { backoffDelayMs } from "./backoff.ts";
import type { ShellLog } from "./log.ts";

/** The running engine process, as far as the supervisor touches it. */
export interface EngineProcess<Port> {
  post(message: unknown, ports?: Port[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Fires once, also when the process could not be started at all. */
  onExit(listener: (exitCode: number) => void): void;
  kill(): void;
}

/** A port that can be given away or closed. */
export interface ClosablePort {
  close(): void;
}

/** Something without which the engine cannot open; `retryAfterMs` says when another try makes sense. */
export class EngineOpenError extends Error {
  override readonly name: string = "EngineOpenError";
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

export type SupervisorDeps<Port> = {
  fork(): EngineProcess<Port>;
  /** The first message to the engine; may wait for the key vault, may throw EngineOpenError. */
  openMessage(): Promise<{ dataDir: string; profileKey: Uint8Array }>;
  log: ShellLog;
  random?: () => number;
};

/** What the engine process says about itself. */
const reportSchema = v.variant("state", [
  v.object({ state: v.literal("opened") }),
  /** It cannot open and another try would not help. */
  v.object({ state: v.literal("failed"), message: v.pipe(v.string(), v.maxLength(1_000)) }),
]);

const RESTART = { firstMs: 250, maxMs: 30_000 };
/** After this long a life the next end counts as the first again. */
const STEADY_AFTER_MS = 60_000;
/** So often may the engine end before it has ever opened. */
const MAX_FAILED_STARTS = 5;
const CLOSE_TIMEOUT_MS = 5_000;
const CANNOT_START =
  "Lattice's engine ends whenever it starts. Restart your computer; if that does not help, reinstall Lattice. Your messages are kept.";

export class EngineSupervisor<Port extends ClosablePort> {
  readonly #deps: SupervisorDeps<Port>;
  readonly #listeners = new Set<(status: EngineStatus) => void>();
  readonly #waiting = new Map<string, Port>();
  #status: EngineStatus = { state: "starting" };
  #process: EngineProcess<Port> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #openedAtMs: number | undefined;
  #hasEverOpened = false;
  #isStopping = false;

  constructor(deps: SupervisorDeps<Port>) {
    this.#deps = deps;
  }

  get status(): EngineStatus {
    return this.#status;
  }

  /** Tells every change of the status; the returned function stops it. */
  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts the engine; failures show in the status, never as a throw. */
  start(): void {
    if (this.#isStopping || this.#process) return;
    clearTimeout(this.#timer);
    void this.#open();
  }

  /** Gives the engine a port to one of its clients, now or as soon as it runs. */
  connect(owner: string, port: Port): void {
    if (this.#process && this.#status.state === "running") {
      this.#process.post({ port: owner }, [port]);
      return;
    }
    if (this.#status.state === "failed" || this.#isStopping) return port.close();
    this.#waiting.get(owner)?.close();
    this.#waiting.set(owner, port);
  }

  /** Lets the engine write down what it holds and end; kills it when that takes too long. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#dropWaiting();
    const running = this.#process;
    if (!running) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        running.kill();
        resolve();
      }, CLOSE_TIMEOUT_MS);
      running.onExit(() => {
        clearTimeout(timer);
        resolve();
      });
      running.post({ close: true });
    });
  }

  async #open(): Promise<void> {
    let message: { dataDir: string; profileKey: Uint8Array };
    try {
      message = await this.#deps.openMessage();
    } catch (error) {
      this.#deps.log.error("the engine cannot be opened", error);
      return this.#failOpen(error);
    }
    if (this.#isStopping) return;
    let child: EngineProcess<Port>;
    try {
      child = this.#deps.fork();
    } catch (error) {
      this.#deps.log.error("the engine process cannot be started", error);
      return this.#onExit(-1);
    }
    this.#process = child;
    child.onMessage((report) => this.#onReport(child, report));
    child.onExit((exitCode) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#onExit(exitCode);
    });
    child.post(message);
  }

  #failOpen(error: unknown): void {
    const isKnown = error instanceof EngineOpenError;
    this.#fail(
      isKnown
        ? error.message
        : "Lattice cannot prepare its storage. Check that your disk is not full and that you may write to your home folder, then start Lattice again.",
    );
    if (isKnown && error.retryAfterMs !== undefined && !this.#isStopping) {
      this.#timer = setTimeout(() => this.start(), error.retryAfterMs);
    }
  }

  #onReport(child: EngineProcess<Port>, report: unknown): void {
    if (this.#process !== child) return;
    const parsed = v.safeParse(reportSchema, report);
    if (!parsed.success) return this.#deps.log.warn("the engine sent a report that cannot be read");
    if (parsed.output.state === "failed") {
      this.#process = undefined;
      child.kill();
      return this.#fail(parsed.output.message);
    }
    this.#openedAtMs = performance.now();
    this.#hasEverOpened = true;
    this.#setStatus({ state: "running" });
    for (const [owner, port] of this.#waiting) child.post({ port: owner }, [port]);
    this.#waiting.clear();
  }

  #onExit(exitCode: number): void {
    if (this.#isStopping) return;
    const wasSteady = this.#openedAtMs !== undefined && performance.now() - this.#openedAtMs >= STEADY_AFTER_MS;
    this.#openedAtMs = undefined;
    if (wasSteady) this.#attempt = 0;
    const delayMs = backoffDelayMs(RESTART, this.#attempt, this.#deps.random);
    this.#attempt += 1;
    this.#deps.log.warn("the engine process ended", { exitCode, attempt: this.#attempt, delayMs });
    if (!this.#hasEverOpened && this.#attempt >= MAX_FAILED_STARTS) return this.#fail(CANNOT_START);
    this.#setStatus({ state: "restarting", attempt: this.#attempt, delayMs });
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #fail(message: string): void {
    this.#dropWaiting();
    this.#setStatus({ state: "failed", message });
  }

  #dropWaiting(): void {
    for (const port of this.#waiting.values()) port.close();
    this.#waiting.clear();
  }

  #setStatus(status: EngineStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) listener(status);
  }
}
