/**
 * Cursor: a place among the records of an object store or index, and the steps from it. Made and moved by the faces,
 * each step run by the cursor's transaction.
 * Invariant: a step is a search from the last position, so that it is right whatever was written in between.
 * spec: IndexedDB 2.10 "Cursors", 6.9 "Cursor iteration operation"
 */
import { after, KeyRange } from "./key-range.ts";
import type { Key } from "./keys.ts";
import { type CursorDirection, firstOfKey } from "./records.ts";
import type { Storage } from "./storage.ts";
import type { Place, StoredRecord } from "./storage-types.ts";

export type Step = { count: number; key: Key | undefined; primaryKey: Key | undefined };

export class Cursor {
  readonly place: Place;
  readonly range: KeyRange;
  readonly direction: CursorDirection;
  readonly isKeyOnly: boolean;
  /** The record it stands on; it stays there when the last step found none. */
  position: StoredRecord | undefined;

  constructor(place: Place, range: KeyRange, direction: CursorDirection, isKeyOnly: boolean) {
    this.place = place;
    this.range = range;
    this.direction = direction;
    this.isKeyOnly = isKeyOnly;
  }

  get isDescending(): boolean {
    return this.direction.startsWith("prev");
  }

  get isUnique(): boolean {
    return this.direction.endsWith("unique");
  }

  /** Moves on; gives the record it stands on then, or undefined past the last. */
  advance(storage: Storage, { count, key, primaryKey }: Step): StoredRecord | undefined {
    let found: StoredRecord | undefined;
    for (let left = count; left > 0; left--) {
      found = this.#next(storage, key, primaryKey);
      if (!found) return undefined;
      this.position = found;
    }
    return found;
  }

  #next(storage: Storage, key: Key | undefined, primaryKey: Key | undefined): StoredRecord | undefined {
    const { index } = this.place;
    const within =
      index && !this.isUnique ? this.#nextOfKey(storage, { ...this.place, index }, key, primaryKey) : undefined;
    if (within) return within;
    const bounds = { ...this.#bounds(key, primaryKey), isDescending: this.isDescending, withValues: !this.isKeyOnly };
    if (Buffer.compare(bounds.from, bounds.until) >= 0) return undefined;
    if (index && this.isUnique) return firstOfKey(storage, { ...this.place, index }, bounds);
    return storage.query(this.place, { ...bounds, limit: 1 })[0];
  }

  /** In an index: a further record with the key it stands on, or with the key to continue to. */
  #nextOfKey(
    storage: Storage,
    place: Place & { index: NonNullable<Place["index"]> },
    key: Key | undefined,
    primaryKey: Key | undefined,
  ): StoredRecord | undefined {
    const bounds = {
      from: KeyRange.all.from,
      until: KeyRange.all.until,
      isDescending: this.isDescending,
      withValues: !this.isKeyOnly,
    };
    if (key) {
      if (!primaryKey || !this.range.includes(key)) return undefined;
      if (this.isDescending) bounds.until = after(primaryKey);
      else bounds.from = primaryKey;
      return storage.entryWithin(place, key, bounds);
    }
    if (!this.position) return undefined;
    if (this.isDescending) bounds.until = this.position.primaryKey;
    else bounds.from = after(this.position.primaryKey);
    return storage.entryWithin(place, this.position.key, bounds);
  }

  /** Which keys may come next, apart from the one that #nextOfKey has looked through. */
  #bounds(key: Key | undefined, primaryKey: Key | undefined): { from: Buffer; until: Buffer } {
    let { from, until } = this.range;
    // With a primary key, all records of `key` itself have been looked through.
    const isPast = !key || primaryKey !== undefined;
    const mark = key ?? this.position?.key;
    if (mark && this.isDescending) until = lower(until, isPast ? mark : after(mark));
    else if (mark) from = higher(from, isPast ? after(mark) : mark);
    return { from, until };
  }
}

function lower(first: Buffer, second: Buffer): Buffer {
  return Buffer.compare(first, second) <= 0 ? first : second;
}

function higher(first: Buffer, second: Buffer): Buffer {
  return Buffer.compare(first, second) >= 0 ? first : second;
}
