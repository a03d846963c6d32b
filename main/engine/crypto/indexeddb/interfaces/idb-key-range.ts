/**
 * IDBKeyRange, and what a script's query argument means. Used by object stores, indexes and cursors.
 * spec: IndexedDB 4.7 "The IDBKeyRange interface", 7.4 "Convert a value to a key range"
 */
import { exception } from "../errors.ts";
import { KeyRange } from "../key-range.ts";
import { compareKeys, fromKey, type Key, toKey } from "../keys.ts";
import { construct, exposeInterface, INTERNAL, type Internal, requireArguments } from "../web-idl.ts";

let rangeOf: (value: unknown) => KeyRange | undefined;

export class IDBKeyRange {
  readonly #range: KeyRange;
  // Made on first sight, then always the same.
  #lower: unknown;
  #upper: unknown;

  static {
    rangeOf = (value) => (typeof value === "object" && value && #range in value ? value.#range : undefined);
  }

  constructor(...internal: Internal<KeyRange>) {
    this.#range = construct(internal);
  }

  get lower(): unknown {
    const { lower } = this.#range;
    return (this.#lower ??= lower && fromKey(lower));
  }

  get upper(): unknown {
    const { upper } = this.#range;
    return (this.#upper ??= upper && fromKey(upper));
  }

  get lowerOpen(): boolean {
    return this.#range.lowerOpen;
  }

  get upperOpen(): boolean {
    return this.#range.upperOpen;
  }

  static only(value: unknown): IDBKeyRange {
    requireArguments(arguments.length, 1, "IDBKeyRange.only");
    return new IDBKeyRange(INTERNAL, KeyRange.only(requireKey(value)));
  }

  static lowerBound(lower: unknown, open: unknown = false): IDBKeyRange {
    requireArguments(arguments.length, 1, "IDBKeyRange.lowerBound");
    return new IDBKeyRange(INTERNAL, new KeyRange(requireKey(lower), undefined, Boolean(open), true));
  }

  static upperBound(upper: unknown, open: unknown = false): IDBKeyRange {
    requireArguments(arguments.length, 1, "IDBKeyRange.upperBound");
    return new IDBKeyRange(INTERNAL, new KeyRange(undefined, requireKey(upper), true, Boolean(open)));
  }

  static bound(lower: unknown, upper: unknown, lowerOpen: unknown = false, upperOpen: unknown = false): IDBKeyRange {
    requireArguments(arguments.length, 2, "IDBKeyRange.bound");
    const [lowerKey, upperKey] = [requireKey(lower), requireKey(upper)];
    const order = compareKeys(lowerKey, upperKey);
    if (order > 0) throw exception("DataError", "The lower bound is above the upper one.");
    if (order === 0 && (lowerOpen || upperOpen)) throw exception("DataError", "No key is in this range.");
    return new IDBKeyRange(INTERNAL, new KeyRange(lowerKey, upperKey, Boolean(lowerOpen), Boolean(upperOpen)));
  }

  includes(key: unknown): boolean {
    // In this order: a wrong `this` is told before a wrong key.
    const range = this.#range;
    requireArguments(arguments.length, 1, "IDBKeyRange.includes");
    return range.includes(requireKey(key));
  }
}
exposeInterface(IDBKeyRange);

/** The key that `value` is. Throws a DataError where it is none. */
export function requireKey(value: unknown): Key {
  const key = toKey(value);
  if (!key) throw exception("DataError", "The value is not a valid key.");
  return key;
}

/** A query: a range, or a key. Nothing means everything, unless `isRequired`. */
export function toRange(value: unknown, isRequired = false): KeyRange {
  const range = rangeOf(value);
  if (range) return range;
  if (value === undefined || value === null) {
    if (isRequired) throw exception("DataError", "A key or a range is needed.");
    return KeyRange.all;
  }
  return KeyRange.only(requireKey(value));
}

export function isKeyRange(value: unknown): boolean {
  return rangeOf(value) !== undefined;
}
