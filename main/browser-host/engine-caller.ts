/**
 * EngineCaller: the host's own client of the engine, for commands only. Used by media.ts and files.ts.
 * Invariant: every call settles: with a parsed reply, with the engine's error, with `offline` when the engine goes
 * away or takes too long, or with `cancelled` when the caller takes it back.
 */
import * as v from "valibot";
import {
  engineCommands,
  type CommandArgs,
  type CommandName,
  type CommandReply,
} from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { engineFrameSchema, type FramePort } from "../../preload/contract/frames.ts";
import type { HostedEngine } from "./hosted-engine.ts";
import { openPortPair } from "./port-pair.ts";

const CALL_TIMEOUT_MS = 60_000;

/** A command that failed, with the engine's reason. */
export class EngineCallError extends Error {
  override readonly name = "EngineCallError";
  readonly data: EngineErrorData;
  constructor(data: EngineErrorData) {
    super(data.message);
    this.data = data;
  }
}

type Pending = { command: CommandName; settle: (result: { value: unknown } | { error: EngineErrorData }) => void };

const gone: EngineErrorData = { code: "offline", message: "The engine is not running. Try again in a moment." };
const late: EngineErrorData = { code: "offline", message: "The engine did not answer in time. Try again." };
const cancelled: EngineErrorData = { code: "cancelled", message: "This was cancelled." };
const garbled: EngineErrorData = { code: "bug", message: "The engine's answer does not fit the contract." };

export class EngineCaller {
  readonly #engine: HostedEngine;
  #port: FramePort | undefined;
  #nextId = 1;
  readonly #pending = new Map<number, Pending>();

  constructor(engine: HostedEngine) {
    this.#engine = engine;
  }

  /** Asks the engine and waits for its answer. */
  call<C extends CommandName>(
    command: C,
    args: CommandArgs<C>,
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<CommandReply<C>> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    if (signal?.aborted) return Promise.reject(new EngineCallError(cancelled));
    if (this.#engine.status.state !== "running") return Promise.reject(new EngineCallError(gone));
    const port = (this.#port ??= this.#open());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const giveUp = (error: EngineErrorData) => {
        port.post({ t: "cancel", id });
        this.#settle(id, { error });
      };
      const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs, late) : undefined;
      const onAbort = () => giveUp(cancelled);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, {
        command,
        settle: (result) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
          if ("error" in result) return reject(new EngineCallError(result.error));
          const parsed = v.safeParse(engineCommands[command].reply, result.value);
          if (parsed.success) resolve(parsed.output);
          else reject(new EngineCallError(garbled));
        },
      });
      port.post({ t: "call", id, command, args });
    });
  }

  /** Ends all calls. */
  close(): void {
    this.#port?.close();
  }

  #open(): FramePort {
    const [near, far] = openPortPair();
    near.onFrame((data) => {
      const frame = v.safeParse(engineFrameSchema, data);
      if (!frame.success) return;
      if (frame.output.t === "reply") this.#settle(frame.output.id, { value: frame.output.value });
      if (frame.output.t === "failed") this.#settle(frame.output.id, { error: frame.output.error });
    });
    near.onClose(() => {
      this.#port = undefined;
      for (const id of this.#pending.keys()) this.#settle(id, { error: gone });
    });
    this.#engine.connect(far);
    return near;
  }

  #settle(id: number, result: { value: unknown } | { error: EngineErrorData }): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    pending.settle(result);
  }
}
