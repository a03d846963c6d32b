/**
 * DOMStringList, which Node has not: the names of object stores and indexes. Made by the other faces.
 * spec: HTML, "The DOMStringList interface"
 */
import { construct, exposeInterface, INTERNAL, type Internal, requireArguments, toDomString } from "../web-idl.ts";

export class DOMStringList {
  readonly #strings: readonly string[];
  readonly [index: number]: string;

  constructor(...internal: Internal<readonly string[]>) {
    this.#strings = construct(internal);
    for (const [index, value] of this.#strings.entries())
      Object.defineProperty(this, index, { value, enumerable: true, configurable: true });
  }

  get length(): number {
    return this.#strings.length;
  }

  item(index: unknown): string | null {
    requireArguments(arguments.length, 1, "DOMStringList.item");
    return this.#strings[Number(index) >>> 0] ?? null;
  }

  contains(string: unknown): boolean {
    requireArguments(arguments.length, 1, "DOMStringList.contains");
    return this.#strings.includes(toDomString(string));
  }
}
exposeInterface(DOMStringList);
Object.defineProperty(DOMStringList.prototype, Symbol.iterator, {
  value: Array.prototype[Symbol.iterator],
  writable: true,
  configurable: true,
});

export function toStringList(strings: readonly string[]): DOMStringList {
  return new DOMStringList(INTERNAL, strings);
}
