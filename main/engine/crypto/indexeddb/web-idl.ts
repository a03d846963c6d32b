/**
 * Web IDL: what makes a class of ours look and behave as an interface of the web platform. Used by the faces.
 *   exposeInterface   members enumerable, the class string, no way to construct
 *   to…               the conversions of arguments
 * Invariant: wrong arguments and wrong `this` are TypeErrors; what a script's own toString or getter throws passes.
 * spec: Web IDL 3.2 "JavaScript type mapping", 3.7 "Interfaces"
 */
import { dispatchNow, type EventNode, type ListenerOptions } from "./events.ts";

/** Only who has this may construct an interface that scripts may not. */
export const INTERNAL: unique symbol = Symbol("internal");

/** The arguments of a constructor that scripts cannot call; as a rest parameter, its length is 0. */
export type Internal<T> = [key?: typeof INTERNAL, state?: T];

export function construct<T>([key, state]: Internal<T>): T {
  if (key !== INTERNAL) throw new TypeError("Illegal constructor");
  return state as T;
}

/** A method's optional arguments: as a rest parameter they do not count in its length. */
export type Optional = [first?: unknown, second?: unknown];

type Interface = { readonly prototype: object; readonly name: string };

/** Must be called once for each interface, when its class is complete. */
export function exposeInterface(type: Interface, { name = type.name }: { name?: string } = {}): void {
  if (type.name !== name) Object.defineProperty(type, "name", { value: name });
  makeEnumerable(type.prototype, ["constructor"]);
  makeEnumerable(type, ["length", "name", "prototype"]);
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

function makeEnumerable(target: object, except: readonly string[]): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(target)))
    if (!except.includes(name)) Object.defineProperty(target, name, { ...descriptor, enumerable: true });
}

/** Gives an interface the event target that Node's is not, and an attribute for each event's handler. */
export function makeEventTarget<T extends EventTarget>(
  type: { readonly prototype: T },
  nodeOf: (face: T) => EventNode,
  eventTypes: readonly string[],
): void {
  const define = (name: string, value: (this: T, ...parameters: never[]) => unknown): void => {
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true, enumerable: false });
  };
  define("addEventListener", function addEventListener(eventType: unknown, callback?: unknown, options?: unknown) {
    requireArguments(arguments.length, 2, "addEventListener");
    const listener = toListener(callback);
    const read = toListenerOptions(options);
    if (listener) nodeOf(this).addListener(toDomString(eventType), listener, read);
  });
  define(
    "removeEventListener",
    function removeEventListener(eventType: unknown, callback?: unknown, options?: unknown) {
      requireArguments(arguments.length, 2, "removeEventListener");
      const listener = toListener(callback);
      if (listener) nodeOf(this).removeListener(toDomString(eventType), listener, toListenerOptions(options).capture);
    },
  );
  define("dispatchEvent", function dispatchEvent(event: unknown) {
    requireArguments(arguments.length, 1, "dispatchEvent");
    if (!(event instanceof Event)) throw new TypeError("The argument is no Event.");
    return dispatchNow(nodeOf(this), event);
  });
  for (const eventType of eventTypes) {
    const name = `on${eventType}`;
    const accessor = {
      get [name](): object | null {
        return nodeOf(this as unknown as T).handler(eventType);
      },
      set [name](value: unknown) {
        const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
        nodeOf(this as unknown as T).setHandler(eventType, isObject ? value : null);
      },
    };
    Object.defineProperty(type.prototype, name, Object.getOwnPropertyDescriptor(accessor, name) as PropertyDescriptor);
  }
}

function toListener(value: unknown): object | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" || typeof value === "function") return value;
  throw new TypeError("The listener is neither a function nor an object.");
}

function toListenerOptions(value: unknown): ListenerOptions {
  if (value === null || (typeof value !== "object" && typeof value !== "function"))
    return { capture: Boolean(value), once: false, passive: false, signal: undefined };
  const { capture, once, passive, signal } = value as Record<string, unknown>;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("The signal is no AbortSignal.");
  return { capture: Boolean(capture), once: Boolean(once), passive: Boolean(passive), signal };
}

export function requireArguments(given: number, wanted: number, name: string): void {
  if (given < wanted)
    throw new TypeError(`${name} needs ${wanted} argument${wanted === 1 ? "" : "s"}, but only ${given} given.`);
}

export function toDomString(value: unknown): string {
  if (typeof value === "symbol") throw new TypeError("A symbol is no string.");
  return typeof value === "string" ? value : String(value);
}

/** `[EnforceRange] unsigned long` where `bits` is 32, `unsigned long long` where it is 64. */
export function toEnforcedInteger(value: unknown, bits: 32 | 64): number {
  const number = toInteger(value);
  const max = bits === 32 ? 2 ** 32 - 1 : Number.MAX_SAFE_INTEGER;
  if (!Number.isFinite(number) || number < 0 || number > max) throw new TypeError("The number is out of range.");
  // Never -0.
  return number + 0;
}

/** By the language's ToNumber, which refuses bigints and symbols as Number() does not. */
export function toInteger(value: unknown): number {
  return Math.trunc(value as number);
}

export function toEnum<T extends string>(value: unknown, members: readonly T[], name: string): T {
  const text = toDomString(value);
  const member = members.find((one) => one === text);
  if (member === undefined) throw new TypeError(`"${text}" is no ${name}.`);
  return member;
}

/** A dictionary's source: its members are read one by one, in the order of their names. */
export function toDictionary(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" && typeof value !== "function") throw new TypeError("The options are no object.");
  return value as Record<string, unknown>;
}

/** `(DOMString or sequence<DOMString>)` */
export function toStringOrSequence(value: unknown): string | string[] {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const iterator = (value as Partial<Iterable<unknown>>)[Symbol.iterator];
    if (iterator !== undefined && iterator !== null) {
      const members: string[] = [];
      for (const member of value as Iterable<unknown>) members.push(toDomString(member));
      return members;
    }
  }
  return toDomString(value);
}
