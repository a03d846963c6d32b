/**
 * KeyRange: a stretch of keys, as half-open bounds on encoded keys. Used by every query.
 * Invariant: a key is inside exactly when from <= key < until, by memcmp, whichever ends were open.
 * spec: IndexedDB 2.9 "Key range"
 */
import type { Key } from "./keys.ts";

/** Below every key. */
const LOWEST = Buffer.alloc(0);
/** Above every key: no type begins with it. */
const HIGHEST = Buffer.of(0xff);

export class KeyRange {
  static readonly all = new KeyRange(undefined, undefined, true, true);

  readonly lower: Key | undefined;
  readonly upper: Key | undefined;
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;

  constructor(lower: Key | undefined, upper: Key | undefined, lowerOpen: boolean, upperOpen: boolean) {
    this.lower = lower;
    this.upper = upper;
    this.lowerOpen = lowerOpen;
    this.upperOpen = upperOpen;
  }

  static only(key: Key): KeyRange {
    return new KeyRange(key, key, false, false);
  }

  /** The one key inside, where the range is of one key. */
  get single(): Key | undefined {
    return this.lower !== undefined && this.lower === this.upper ? this.lower : undefined;
  }

  get from(): Buffer {
    if (!this.lower) return LOWEST;
    return this.lowerOpen ? after(this.lower) : this.lower;
  }

  get until(): Buffer {
    if (!this.upper) return HIGHEST;
    return this.upperOpen ? this.upper : after(this.upper);
  }

  includes(key: Key): boolean {
    return Buffer.compare(this.from, key) <= 0 && Buffer.compare(key, this.until) < 0;
  }
}

/** The lowest bytes above `key`. */
export function after(key: Uint8Array): Buffer {
  const bytes = Buffer.alloc(key.length + 1);
  bytes.set(key);
  return bytes;
}
