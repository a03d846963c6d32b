/**
 * JSON as it comes from a server, and the only ways to read it: own properties, of the right type, or undefined.
 * Called by every parser of engine/matrix and by the push evaluator. Invariant: no reader follows the prototype
 * chain, so keys such as `__proto__` or `constructor` are plain data here.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/** True for an object of JSON: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own property `key`, whatever its type. */
export function readValue(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The own property `key` where it is a string. */
export function readString(object: JsonObject, key: string): string | undefined {
  const value = readValue(object, key);
  return typeof value === "string" ? value : undefined;
}

/** The own property `key` where it is a finite number. */
export function readNumber(object: JsonObject, key: string): number | undefined {
  const value = readValue(object, key);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The own property `key` as an integer: fractions are cut off, and what is beyond ±(2^53 - 1) is clamped. */
export function readInteger(object: JsonObject, key: string): number | undefined {
  const value = readValue(object, key);
  return typeof value === "number" ? toSafeInteger(value) : undefined;
}

/** An integer of 0 or more; negative numbers become 0. For counts and sizes. */
export function readCount(object: JsonObject, key: string): number | undefined {
  const value = readInteger(object, key);
  return value === undefined ? undefined : Math.max(0, value);
}

/** The own property `key` where it is true or false. */
export function readBoolean(object: JsonObject, key: string): boolean | undefined {
  const value = readValue(object, key);
  return typeof value === "boolean" ? value : undefined;
}

/** The own property `key` where it is an object. */
export function readObject(object: JsonObject, key: string): JsonObject | undefined {
  const value = readValue(object, key);
  return isObject(value) ? value : undefined;
}

/** The own property `key` where it is an array. */
export function readArray(object: JsonObject, key: string): readonly JsonValue[] | undefined {
  const value = readValue(object, key);
  return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined;
}

/** Cuts off fractions and clamps to ±(2^53 - 1); JSON text such as 1e999 reads as infinite and is clamped too. */
export function toSafeInteger(value: number): number | undefined {
  if (Number.isNaN(value)) return undefined;
  // Adding 0 turns -0 into 0, which has no place in a database.
  return Math.trunc(Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)) + 0;
}

/** True where `value` nests deeper than `limit`; itself it never goes deeper than that. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (limit <= 0) return true;
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    if (isDeeperThan(child, limit - 1)) return true;
  }
  return false;
}
