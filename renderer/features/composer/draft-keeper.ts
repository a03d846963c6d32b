/**
 * Hands what is written to the engine, which keeps it sealed on its disk: soon after a key, at once when asked.
 * Driven by composer-session.ts, one per room.
 * Invariant: the engine gets texts in the order in which they were written and never the same one twice in a row;
 * the last one is given again for as long as the engine is away. Nothing of it is kept in the page's own storage.
 */
import { MAX_BODY_LENGTH } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";

/** What is typed within this time after a key goes to the engine together. */
export const KEEP_AFTER_MS = 400;
/** An engine that is away is tried again after this time. */
export const KEEP_AGAIN_MS = 2_000;

/** Gives a draft to the engine; resolves with the error where it did not take it, and never rejects. */
export type KeepDraft = (text: string) => Promise<EngineErrorData | undefined>;
export type Timers = { set: (run: () => void, delayMs: number) => number; clear: (id: number) => void };

/** The engine's longest draft is the longest message: of a longer text, its beginning. */
function cut(text: string): string {
  if (text.length <= MAX_BODY_LENGTH) return text;
  const isInsidePair = /[\uD800-\uDBFF]/u.test(text.charAt(MAX_BODY_LENGTH - 1));
  return text.slice(0, isInsidePair ? MAX_BODY_LENGTH - 1 : MAX_BODY_LENGTH);
}

/** The keeper of one room's draft, which `known` says the engine has. */
export class DraftKeeper {
  readonly #keep: KeepDraft;
  readonly #timers: Timers;
  #wanted: string;
  /** What the engine was last told, unless it did not take it. */
  #told: string | undefined;
  #timer: number | undefined;

  constructor(keep: KeepDraft, timers: Timers, known: string) {
    this.#keep = keep;
    this.#timers = timers;
    this.#wanted = known;
    this.#told = known;
  }

  /** Takes the text as it is now. */
  changed(text: string): void {
    this.#wanted = cut(text);
    this.#wait(KEEP_AFTER_MS);
  }

  /** Tells the engine now: the user goes elsewhere, or the page ends. */
  flush(): void {
    if (this.#timer !== undefined) this.#timers.clear(this.#timer);
    this.#timer = undefined;
    const text = this.#wanted;
    if (text === this.#told) return;
    this.#told = text;
    void this.#keep(text).then((error) => {
      if (error === undefined || this.#told !== text) return;
      this.#told = undefined;
      // Anything else than its absence is not mended by asking again: the next key tries.
      if (error.code === "offline") this.#wait(KEEP_AGAIN_MS);
    });
  }

  /** Not put off by further keys, so that a steady writer's text is kept as well. */
  #wait(delayMs: number): void {
    this.#timer ??= this.#timers.set(() => {
      this.#timer = undefined;
      this.flush();
    }, delayMs);
  }
}
