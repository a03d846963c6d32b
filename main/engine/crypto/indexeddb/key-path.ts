/**
 * Key paths: which part of a value is its key. Used by object stores and indexes, always on a clone, never on the
 * script's own object, so that reading a path runs no getter.
 * spec: IndexedDB 2.5 "Key paths", 7.1 "Extract a key from a value", 7.2 "Inject a key into a value"
 */
import { type Key, fromKey, toKey, toMultiEntryKeys } from "./keys.ts";

export type KeyPath = string | readonly string[];

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

export function isValidKeyPath(path: KeyPath): boolean {
  if (typeof path !== "string") return path.length > 0 && path.every((part) => isValidKeyPath(part));
  return path === "" || path.split(".").every((identifier) => IDENTIFIER.test(identifier));
}

/** What a path leads to where there is nothing. */
const nothing = Symbol("nothing");

/** The key at `path`; "none" where the path leads nowhere, "invalid" where it leads to what is no key. */
export function extractKey(value: unknown, path: KeyPath): Key | "none" | "invalid" {
  const found = evaluate(value, path);
  if (found === nothing) return "none";
  return toKey(found) ?? "invalid";
}

/** The keys that a record has in an index: none, one, or with `multiEntry` many. */
export function extractIndexKeys(value: unknown, path: KeyPath, multiEntry: boolean): Key[] {
  const found = evaluate(value, path);
  if (found === nothing) return [];
  if (multiEntry) return toMultiEntryKeys(found);
  const key = toKey(found);
  return key ? [key] : [];
}

function evaluate(value: unknown, path: KeyPath): unknown {
  if (typeof path !== "string") {
    const parts: unknown[] = [];
    for (const part of path) {
      const found = evaluate(value, part);
      if (found === nothing) return nothing;
      parts.push(found);
    }
    return parts;
  }
  if (path === "") return value;
  let found = value;
  for (const identifier of path.split(".")) {
    found = step(found, identifier);
    if (found === nothing) return nothing;
  }
  return found;
}

function step(value: unknown, identifier: string): unknown {
  if (typeof value === "string") return identifier === "length" ? value.length : nothing;
  if (typeof value !== "object" || value === null) return nothing;
  if (value instanceof Blob && isBlobAttribute(value, identifier)) return value[identifier];
  if (!Object.hasOwn(value, identifier)) return nothing;
  const found = (value as Record<string, unknown>)[identifier];
  return found === undefined ? nothing : found;
}

function isBlobAttribute(value: Blob, identifier: string): identifier is "size" | "type" {
  if (identifier === "size" || identifier === "type") return true;
  return value instanceof File && (identifier === "name" || identifier === "lastModified");
}

/** Whether a generated key has a place in `value` at `path`. */
export function canInjectKey(value: unknown, path: string): boolean {
  const identifiers = path.split(".");
  identifiers.pop();
  let found = value;
  for (const identifier of identifiers) {
    if (typeof found !== "object" || found === null) return false;
    if (!Object.hasOwn(found, identifier)) return true;
    found = (found as Record<string, unknown>)[identifier];
  }
  return typeof found === "object" && found !== null;
}

/** Puts `key` at `path`, making the objects on the way. The caller has asked canInjectKey. */
export function injectKey(value: unknown, path: string, key: Key): void {
  const identifiers = path.split(".");
  const last = identifiers.pop() as string;
  let found = value as Record<string, unknown>;
  for (const identifier of identifiers) {
    if (!Object.hasOwn(found, identifier)) define(found, identifier, {});
    found = found[identifier] as Record<string, unknown>;
  }
  define(found, last, fromKey(key));
}

/** By definition, not by assignment: the clone's prototype may have setters, and `__proto__` is a name like others. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
