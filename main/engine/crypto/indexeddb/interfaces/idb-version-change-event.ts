/**
 * IDBVersionChangeEvent: a database's version changes, or would if a connection closed. Fired by the open queue.
 * spec: IndexedDB 4.2 "The IDBVersionChangeEvent interface"
 */
import { exposeInterface, requireArguments, toDictionary, toDomString, toInteger } from "../web-idl.ts";

export class IDBVersionChangeEvent extends Event {
  readonly #oldVersion: number;
  readonly #newVersion: number | null;

  constructor(type: unknown, eventInitDict: unknown = {}) {
    requireArguments(arguments.length, 1, "IDBVersionChangeEvent");
    const init = toDictionary(eventInitDict);
    const text = toDomString(type);
    const { bubbles, cancelable, composed, newVersion, oldVersion } = init;
    super(text, { bubbles: Boolean(bubbles), cancelable: Boolean(cancelable), composed: Boolean(composed) });
    this.#newVersion = newVersion === undefined || newVersion === null ? null : toVersion(newVersion);
    this.#oldVersion = oldVersion === undefined ? 0 : toVersion(oldVersion);
  }

  get oldVersion(): number {
    return this.#oldVersion;
  }

  get newVersion(): number | null {
    return this.#newVersion;
  }
}
exposeInterface(IDBVersionChangeEvent);

/** `unsigned long long`: modulo 2^64. */
function toVersion(value: unknown): number {
  const number = toInteger(value);
  return Number.isFinite(number) ? Number(BigInt.asUintN(64, BigInt(number))) : 0;
}
