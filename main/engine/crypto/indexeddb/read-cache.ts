/**
 * ReadCache: what was read from the file lately, so that what is read over and over is read from memory. Owned by
 * Storage, which asks it before SQLite and tells it of every write.
 * Invariants: it holds committed data only: while an object store has changes that are not committed, nothing of it
 * is answered from here or kept here; a write forgets what it changes; it never holds more than its limit.
 */
import type { StoredRecord } from "./storage-types.ts";

type Entry = {
  readonly records: readonly StoredRecord[];
  readonly sizeBytes: number;
  readonly isRange: boolean;
  readonly generation: number;
  /** Whether it was read since #shrink saw it last, which then spares it. */
  wasUsed: boolean;
};

/** What an entry costs beside its values. */
const ENTRY_BYTES = 200;
/** A result larger than this share of the cache is not worth what it would drive out. */
const MAX_SHARE = 1 / 16;

export class ReadCache {
  readonly #limitBytes: number;
  /** By object store and query, those to let go of first in front. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;
  /** Object stores with changes that are not committed. */
  readonly #changing = new Set<number>();
  /** Raised by each write to an object store: an older result over several keys no longer counts. */
  readonly #generations = new Map<number, number>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The result of `load`, from memory where it is known. `query` names it within the object store. */
  read(storeId: number, query: string, isRange: boolean, load: () => readonly StoredRecord[]): readonly StoredRecord[] {
    if (this.#changing.has(storeId)) return load();
    const name = `${storeId}:${query}`;
    const generation = this.#generations.get(storeId) ?? 0;
    const known = this.#entries.get(name);
    if (known && (!known.isRange || known.generation === generation)) {
      known.wasUsed = true;
      return known.records;
    }
    this.#drop(name);
    const records = load();
    let sizeBytes = name.length + ENTRY_BYTES;
    for (const { value } of records) sizeBytes += (value?.sizeBytes ?? 0) + ENTRY_BYTES;
    if (sizeBytes > this.#limitBytes * MAX_SHARE) return records;
    for (const { value } of records) value?.keep();
    this.#entries.set(name, { records, sizeBytes, isRange, generation, wasUsed: false });
    this.#sizeBytes += sizeBytes;
    this.#shrink();
    return records;
  }

  #shrink(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      this.#entries.delete(name);
      if (entry.wasUsed) {
        entry.wasUsed = false;
        this.#entries.set(name, entry);
      } else this.#sizeBytes -= entry.sizeBytes;
    }
  }

  /** A write to the object store begins: of one record, which the query names, or of any. */
  forget(storeId: number, query: string | undefined): void {
    this.#changing.add(storeId);
    this.#generations.set(storeId, (this.#generations.get(storeId) ?? 0) + 1);
    if (query !== undefined) this.#drop(`${storeId}:${query}`);
    else for (const name of this.#entries.keys()) if (name.startsWith(`${storeId}:`)) this.#drop(name);
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    this.#sizeBytes -= entry.sizeBytes;
  }

  /** Nothing is uncommitted any more: all of it was committed, or none. */
  settle(): void {
    this.#changing.clear();
  }
}
