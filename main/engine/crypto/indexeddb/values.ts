/**
 * Values: the structured clone of what a script stores, and its bytes in the file. Used by object stores.
 * A clone reads each property of the original once, so that getters run once and the key paths, read on the clone
 * afterwards, see what is stored. What has no clone is refused with a DataCloneError before anything is written.
 * Invariant: what is read back shares nothing with what was put, nor with what was read before.
 * spec: HTML, StructuredSerializeInternal; IndexedDB, "make a clone of value in a transaction"
 */
import { types } from "node:util";
import { Deserializer, Serializer } from "node:v8";
import { exception } from "./errors.ts";

/** A deep copy of `value`. Throws a DataCloneError where there is none, and what the value's own getters throw. */
export function cloneValue(value: unknown): unknown {
  return typeof value === "object" ? new Cloner().clone(value) : clonePrimitive(value);
}

/**
 * A value as the file has it: as JSON where JSON can say all of it, which is quickest to read, else as V8's own
 * serialisation.
 */
export class StoredValue {
  readonly content: string | Uint8Array;
  /** What the JSON says, once somebody may read it again: never handed out itself. */
  #tree: unknown;
  #isKept = false;

  constructor(content: string | Uint8Array) {
    this.content = content;
  }

  /** The form in which a clone is stored. */
  static of(clone: unknown): StoredValue {
    if (isTree(clone, new Set())) return new StoredValue(JSON.stringify(clone));
    // Not v8.serialize: that one cuts a view off its buffer.
    const serializer = new Serializer();
    serializer.writeHeader();
    serializer.writeValue(clone);
    return new StoredValue(serializer.releaseBuffer());
  }

  get sizeBytes(): number {
    return this.content.length;
  }

  /** It will be read again: worth parsing once. */
  keep(): void {
    this.#isKept = true;
  }

  /** A fresh value. */
  read(): unknown {
    const { content } = this;
    if (typeof content === "string") {
      if (!this.#isKept) return JSON.parse(content);
      this.#tree ??= JSON.parse(content);
      return copyTree(this.#tree);
    }
    const deserializer = new Deserializer(content);
    deserializer.readHeader();
    return deserializer.readValue();
  }
}

/** Whether JSON keeps all there is to a clone: a tree of plain objects, dense arrays, strings and ordinary numbers. */
function isTree(clone: unknown, seen: Set<object>): boolean {
  switch (typeof clone) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(clone) && !Object.is(clone, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (clone === null) return true;
  if (seen.has(clone)) return false;
  seen.add(clone);
  if (Array.isArray(clone)) {
    const names = Object.keys(clone);
    return names.length === clone.length && clone.every((member) => isTree(member, seen));
  }
  if (Object.getPrototypeOf(clone) !== Object.prototype || types.isBoxedPrimitive(clone)) return false;
  for (const name of Object.keys(clone)) {
    // JSON.parse knows this name, copyTree does not.
    if (name === "__proto__" || name === "toJSON") return false;
    if (!isTree((clone as Record<string, unknown>)[name], seen)) return false;
  }
  return true;
}

function copyTree(tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map(copyTree);
  const copy: Record<string, unknown> = {};
  for (const name in tree) copy[name] = copyTree((tree as Record<string, unknown>)[name]);
  return copy;
}

function refuse(what: string): never {
  throw exception("DataCloneError", `${what} cannot be stored.`);
}

function clonePrimitive(value: unknown): unknown {
  if (typeof value === "symbol") refuse("A symbol");
  if (typeof value === "function") refuse("A function");
  return value;
}

const ERROR_NAMES = new Set(["EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"]);

/** Classes of the platform whose objects look plain to JavaScript but are not; looked up late, as programs add some. */
const PLATFORM_CLASSES = [
  "EventTarget",
  "Event",
  "Blob",
  "URL",
  "URLSearchParams",
  "Headers",
  "Request",
  "Response",
  "FormData",
  "ReadableStream",
  "WritableStream",
  "TransformStream",
  "CryptoKey",
  "Crypto",
  "MessageChannel",
  "MessagePort",
  "TextEncoder",
  "TextDecoder",
  "Performance",
  "IDBFactory",
  "IDBObjectStore",
  "IDBIndex",
  "IDBCursor",
  "IDBKeyRange",
  "IDBRecord",
];

class Cloner {
  /** Original → clone, for what is met twice. */
  readonly #known = new Map<object, object>();

  clone(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return clonePrimitive(value);
    const known = this.#known.get(value);
    if (known) return known;
    const prototype: unknown = types.isProxy(value) ? refuse("A proxy") : Object.getPrototypeOf(value);
    if (Array.isArray(value)) return this.#array(value);
    if (prototype === Object.prototype && !hasInternals(value)) return this.#properties(value, this.#keep(value, {}));
    return this.#exotic(value);
  }

  #keep<T extends object>(original: object, clone: T): T {
    this.#known.set(original, clone);
    return clone;
  }

  #array(value: unknown[]): unknown {
    const clone: unknown[] = this.#keep(value, []);
    clone.length = value.length;
    return this.#properties(value, clone);
  }

  #properties(value: object, clone: object): object {
    for (const name of Object.keys(value)) {
      // A getter that ran before may have deleted it.
      if (!Object.hasOwn(value, name)) continue;
      const member = this.clone((value as Record<string, unknown>)[name]);
      if (name === "__proto__")
        Object.defineProperty(clone, name, { value: member, writable: true, enumerable: true, configurable: true });
      else (clone as Record<string, unknown>)[name] = member;
    }
    return clone;
  }

  #exotic(value: object): unknown {
    if (types.isDate(value)) return this.#keep(value, new Date(Date.prototype.getTime.call(value)));
    if (types.isRegExp(value)) return this.#keep(value, cloneRegExp(value));
    if (types.isBoxedPrimitive(value)) return this.#keep(value, cloneBox(value));
    if (types.isSharedArrayBuffer(value)) refuse("A SharedArrayBuffer");
    if (types.isArrayBuffer(value)) return this.#buffer(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return this.#set(value);
    if (types.isNativeError(value)) return this.#error(value);
    if (hasInternals(value)) refuse(`An object of this kind (${Object.prototype.toString.call(value)})`);
    for (const name of PLATFORM_CLASSES) {
      const known = (globalThis as Record<string, unknown>)[name];
      if (typeof known === "function" && known.prototype && value instanceof known) refuse(`An object of ${name}`);
    }
    if (value === globalThis) refuse("The global object");
    return this.#properties(value, this.#keep(value, {}));
  }

  #buffer(value: ArrayBuffer): ArrayBuffer {
    if (value.detached) refuse("A detached ArrayBuffer");
    if (!value.resizable) return this.#keep(value, value.slice(0));
    const clone = new ArrayBuffer(value.byteLength, { maxByteLength: value.maxByteLength });
    new Uint8Array(clone).set(new Uint8Array(value));
    return this.#keep(value, clone);
  }

  #view(value: ArrayBufferView): ArrayBufferView {
    if (types.isSharedArrayBuffer(value.buffer)) refuse("A view of a SharedArrayBuffer");
    const buffer = this.clone(value.buffer) as ArrayBuffer;
    if (types.isDataView(value)) return this.#keep(value, new DataView(buffer, value.byteOffset, value.byteLength));
    const Type = typedArrayClass(value as Uint8Array);
    return this.#keep(value, new Type(buffer, value.byteOffset, (value as Uint8Array).length));
  }

  #map(value: Map<unknown, unknown>): Map<unknown, unknown> {
    const clone = this.#keep(value, new Map());
    // A copy first: getters of the members may change the map.
    for (const [key, member] of [...Map.prototype.entries.call(value)]) clone.set(this.clone(key), this.clone(member));
    return clone;
  }

  #set(value: Set<unknown>): Set<unknown> {
    const clone = this.#keep(value, new Set());
    for (const member of [...Set.prototype.values.call(value)]) clone.add(this.clone(member));
    return clone;
  }

  #error(value: Error): Error {
    const { name } = value;
    const wanted = typeof name === "string" && ERROR_NAMES.has(name) ? name : "Error";
    const prototype = (globalThis as unknown as Record<string, { prototype: object }>)[wanted]?.prototype ?? null;
    const clone = this.#keep(value, new Error());
    Object.setPrototypeOf(clone, prototype);
    const message = Object.getOwnPropertyDescriptor(value, "message");
    for (const [property, content] of [
      ["message", message && "value" in message ? String(message.value) : undefined],
      ["stack", typeof value.stack === "string" ? value.stack : undefined],
    ] as const) {
      if (content === undefined) Reflect.deleteProperty(clone, property);
      else Object.defineProperty(clone, property, { value: content, writable: true, configurable: true });
    }
    if (Object.hasOwn(value, "cause"))
      Object.defineProperty(clone, "cause", { value: this.clone(value.cause), writable: true, configurable: true });
    return clone;
  }
}

/** Whether it has state beside its properties, of a kind that nothing here clones. */
function hasInternals(value: object): boolean {
  const tag = Object.prototype.toString.call(value);
  if (tag === "[object Object]" || tag === "[object Array]") return false;
  return (
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    types.isModuleNamespaceObject(value) ||
    types.isExternal(value) ||
    value instanceof WeakRef ||
    tag === "[object WebAssembly.Module]"
  );
}

function cloneRegExp(value: RegExp): RegExp {
  return new RegExp(value.source, value.flags);
}

function cloneBox(value: object): object {
  if (types.isSymbolObject(value)) refuse("A symbol object");
  if (types.isNumberObject(value)) return Object(Number.prototype.valueOf.call(value)) as object;
  if (types.isStringObject(value)) return Object(String.prototype.valueOf.call(value)) as object;
  if (types.isBooleanObject(value)) return Object(Boolean.prototype.valueOf.call(value)) as object;
  return Object(BigInt.prototype.valueOf.call(value as object & bigint)) as object;
}

type TypedArrayClass = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView;

const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => string;

/** By its internal kind: a Buffer is stored as the Uint8Array that it is. */
function typedArrayClass(value: Uint8Array): TypedArrayClass {
  return (globalThis as unknown as Record<string, TypedArrayClass>)[typedArrayTag.call(value)] as TypedArrayClass;
}
