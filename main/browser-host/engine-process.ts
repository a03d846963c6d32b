/**
 * superviseEngine: runs the engine in a child process and starts it again when it ends. Used by index.ts and tests.
 * Invariant: at most one child at a time; when it ends, every port tied to it is closed before the status changes, so
 * that a window which then asks for a port gets one of the next child.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { FramePort } from "../../preload/contract/frames.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { fromChildSchema, type ToChild } from "./engine-channel.ts";
import type { HostedEngine } from "./hosted-engine.ts";

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
/** A child that ran for this long was healthy: the next wait is the shortest again. */
const HEALTHY_AFTER_MS = 30_000;
/** From so many starts in a row without success on, the user is told. */
const TELL_AFTER_FAILURES = 4;
const END_TIMEOUT_MS = 8_000;

export interface SupervisedEngine extends HostedEngine {
  /** The process that runs the engine now. */
  readonly pid: number | undefined;
  /** Ends the child in order; the next one starts at once. */
  restart(): void;
}

export function superviseEngine(options: {
  childPath: string;
  dataDir: string;
  onPid?: (pid: number) => void;
}): SupervisedEngine {
  return new EngineProcess(options);
}

class EngineProcess implements SupervisedEngine {
  readonly #options: { childPath: string; dataDir: string; onPid?: (pid: number) => void };
  #status: EngineStatus = { state: "starting" };
  readonly #statusListeners = new Set<(status: EngineStatus) => void>();
  #child: ChildProcess | undefined;
  readonly #ports = new Map<number, FramePort>();
  #nextPortId = 1;
  #failures = 0;
  #startedMs = 0;
  #lastMessage = "";
  #isAskedToRestart = false;
  #isClosed = false;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: { childPath: string; dataDir: string; onPid?: (pid: number) => void }) {
    this.#options = options;
    this.#start();
  }

  get status(): EngineStatus {
    return this.#status;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  connect(port: FramePort): void {
    const child = this.#child;
    if (!child || this.#status.state !== "running") return port.close();
    const portId = this.#nextPortId++;
    this.#ports.set(portId, port);
    port.onFrame((frame) => this.#tell(child, { kind: "frame", portId, frame }));
    port.onClose(() => {
      if (this.#ports.delete(portId)) this.#tell(child, { kind: "close", portId });
    });
    this.#tell(child, { kind: "open", portId });
  }

  restart(): void {
    this.#isAskedToRestart = true;
    if (this.#child) this.#tell(this.#child, { kind: "end" });
    else this.#startSoon(0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child) return;
    const ended = once(child, "exit");
    this.#tell(child, { kind: "end" });
    const isLate = await Promise.race([ended.then(() => false), sleep(END_TIMEOUT_MS, true, { ref: false })]);
    if (isLate) {
      child.kill("SIGKILL");
      await ended;
    }
  }

  #start(): void {
    this.#startedMs = performance.now();
    this.#isAskedToRestart = false;
    this.#lastMessage = "";
    let isFinal = false;
    const child = fork(this.#options.childPath, [this.#options.dataDir], {
      serialization: "advanced",
      // Our stdout belongs to whoever started us: it carries one line of JSON.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#options.onPid?.(child.pid);
    child.on("message", (data) => {
      const message = v.safeParse(fromChildSchema, data);
      if (!message.success) return;
      const told = message.output;
      if (told.kind === "ready") {
        this.#setStatus({ state: "running" });
      } else if (told.kind === "failed") {
        this.#lastMessage = told.message;
        isFinal = told.isFinal;
      } else if (told.kind === "frame") {
        // The engine's own frames; whoever reads them parses them.
        this.#ports.get(told.portId)?.post(told.frame as never);
      } else {
        const port = this.#ports.get(told.portId);
        this.#ports.delete(told.portId);
        port?.close();
      }
    });
    // One of the two always comes; an error without a process has no exit.
    let hasEnded = false;
    const onEnd = (reason: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      this.#onEnd(reason, isFinal);
    };
    child.once("exit", (code, signal) => onEnd(signal ?? `exit code ${code}`));
    child.on("error", (error) => {
      if (child.pid === undefined) onEnd(error.message);
    });
  }

  #onEnd(reason: string, isFinal: boolean): void {
    this.#child = undefined;
    const ports = [...this.#ports.values()];
    this.#ports.clear();
    for (const port of ports) port.close();
    if (this.#isClosed) return;
    if (this.#isAskedToRestart) return this.#startSoon(0);
    const message = this.#lastMessage === "" ? `The engine ended (${reason}).` : this.#lastMessage;
    if (isFinal) return this.#setStatus({ state: "failed", message });
    const wasHealthy = this.#status.state === "running" && performance.now() - this.#startedMs > HEALTHY_AFTER_MS;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures - 1, 20));
    process.stderr.write(`engine: ${message} Starting it again in ${delayMs} ms.\n`);
    this.#startSoon(delayMs);
    if (this.#failures >= TELL_AFTER_FAILURES) this.#setStatus({ state: "failed", message });
  }

  #startSoon(delayMs: number): void {
    this.#setStatus({ state: "restarting", attempt: Math.max(1, this.#failures), delayMs });
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => this.#start(), delayMs);
  }

  #setStatus(status: EngineStatus): void {
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  /** A child that has just died makes the channel fail; its exit says so soon enough. */
  #tell(child: ChildProcess, message: ToChild): void {
    if (child.connected) child.send(message, () => {});
  }
}
