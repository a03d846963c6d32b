/**
 * The list of one topic as the engine keeps it: applies patches and gives immutable snapshots to React.
 * Driven by engine-client.ts, which owns the wire; read by useTopic.
 * Invariant: the snapshot changes identity only when a patch, a loss or a release changed it; a patch that does
 * not fit changes nothing and is answered with "misfit", upon which the client asks for a reset.
 * An item that does not parse keeps its slot, so that later indexes stay right, and is left out of the snapshot.
 */
import * as v from "valibot";
import { engineTopics } from "../../preload/contract/engine-contract.ts";
import type { TopicItem, TopicName } from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import type { EngineFrame } from "../../preload/contract/frames.ts";

export type TopicSnapshot<T extends TopicName> =
  /** Nothing has come yet. */
  | { status: "loading" }
  /** In step with the engine, or with its last word while it restarts. */
  | { status: "ready"; items: readonly TopicItem<T>[] }
  /** The subscription ended for good, e.g. because the account is gone. */
  | { status: "lost"; error: EngineErrorData };

export type PatchFrame = Extract<EngineFrame, { t: "patch" }>;
export type PatchOutcome = "applied" | "ignored" | "misfit";

const LOADING = { status: "loading" } as const;

/** One topic's list, its revision and its listeners. */
export class ViewStore<T extends TopicName> {
  readonly name: T;
  readonly args: unknown;
  readonly key: string;
  #snapshot: TopicSnapshot<T> = LOADING;
  /** Undefined holds the place of an item that did not parse. */
  #slots: (TopicItem<T> | undefined)[] = [];
  /** 0: only a reset is accepted. */
  #rev = 0;
  #badItemCount = 0;
  readonly #listeners = new Set<() => void>();

  constructor(name: T, args: unknown, key: string) {
    this.name = name;
    this.args = args;
    this.key = key;
  }

  readonly snapshot = (): TopicSnapshot<T> => this.#snapshot;

  get badItemCount(): number {
    return this.#badItemCount;
  }

  /** Applies all ops of the patch, or none. */
  apply(patch: PatchFrame): PatchOutcome {
    const startsAnew = patch.rev === 1 && patch.ops[0]?.op === "reset";
    if (!startsAnew) {
      if (this.#rev === 0) return "ignored";
      if (patch.rev !== this.#rev + 1) return "misfit";
    }
    const slots = startsAnew ? [] : [...this.#slots];
    for (const op of patch.ops) {
      if (op.op === "reset") {
        slots.length = 0;
        for (const item of op.items) slots.push(this.#parse(item));
      } else if (op.op === "insert") {
        if (!isIndex(op.at, slots.length)) return "misfit";
        slots.splice(op.at, 0, this.#parse(op.item));
      } else if (op.op === "replace") {
        if (!isIndex(op.at, slots.length - 1)) return "misfit";
        slots[op.at] = this.#parse(op.item);
      } else {
        if (!isIndex(op.at, slots.length - 1)) return "misfit";
        slots.splice(op.at, 1);
      }
    }
    this.#slots = slots;
    this.#rev = patch.rev;
    this.#set({ status: "ready", items: slots.filter((item) => item !== undefined) });
    return "applied";
  }

  /** From now on only a reset is accepted; what is shown stays. */
  awaitReset(): void {
    this.#rev = 0;
  }

  /** The subscription is over. */
  lose(error: EngineErrorData): void {
    this.#rev = 0;
    this.#set({ status: "lost", error });
  }

  /** Forgets everything: nobody looks any more. */
  clear(): void {
    this.#slots = [];
    this.#rev = 0;
    this.#set(LOADING);
  }

  addListener(listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  #parse(item: unknown): TopicItem<T> | undefined {
    const parsed = v.safeParse(engineTopics[this.name].item, item);
    if (parsed.success) return parsed.output;
    this.#badItemCount++;
    return undefined;
  }

  #set(snapshot: TopicSnapshot<T>): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}

function isIndex(at: number, max: number): boolean {
  return Number.isInteger(at) && at >= 0 && at <= max;
}

/** One string for a topic and its arguments, whatever the order of the keys. */
export function topicKey(name: TopicName, args: unknown): string {
  return `${name} ${canonical(args)}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
