/**
 * What the virtual list remembers of its rows beside their measured heights: the guess that each started with, and
 * which rows have changed above their own text since they were measured. Used by use-timeline-virtualizer.ts.
 * Invariant: a guess stands until the row is measured. A row that grows must be seen to grow, not be guessed anew,
 * or the list would not know that what lies below has moved.
 */
import type { TimelineRow } from "./group-items.ts";
import { estimateRowHeight } from "./row-height.ts";

/** The memory of one opened timeline. */
export class RowMemory {
  #rows: readonly TimelineRow[] = [];
  #leadSignatures = new Map<string, string>();
  readonly #changed = new Map<string, { wasOldest: boolean }>();
  readonly #guesses = new Map<string, number>();

  /** Takes in the rows of this render, and notes whose lead is not what it was. */
  learn(rows: readonly TimelineRow[]): void {
    if (rows === this.#rows) return;
    const oldestKey = this.#rows[0]?.key;
    const signatures = new Map<string, string>();
    for (const { key, leadSignature } of rows) {
      const before = this.#leadSignatures.get(key);
      if (before !== undefined && before !== leadSignature) this.#changed.set(key, { wasOldest: key === oldestKey });
      signatures.set(key, leadSignature);
    }
    this.#rows = rows;
    this.#leadSignatures = signatures;
  }

  /** How high this row probably is. */
  guess(row: TimelineRow, widthPx: number): number {
    const known = this.#guesses.get(row.key);
    if (known !== undefined) return known;
    const guessPx = estimateRowHeight(row, widthPx);
    this.#guesses.set(row.key, guessPx);
    return guessPx;
  }

  /** Whether this row has changed above its own text; asked once, when it is measured again. */
  takeChangedLead(key: string): { wasOldest: boolean } | undefined {
    const changed = this.#changed.get(key);
    this.#changed.delete(key);
    return changed;
  }
}
