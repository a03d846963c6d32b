/**
 * Keys: what a script's value is as a key, as bytes whose order is the order of keys. Used wherever a key is.
 * A key is kept encoded from the moment it is converted, so that comparing, storing and looking up are all memcmp:
 *   number  10 + 8 bytes: the double, big-endian, sign bit turned (all bits turned where it is negative)
 *   date    20 + 8 bytes: the same of its time value
 *   string  30 + its UTF-16 code units, each as UTF-8 would write a character of that number, 00 as 00 FF + 00
 *   binary  40 + its bytes, 00 as 00 FF + 00
 *   array   50 + its keys, one after another + 00
 * Invariant: no encoded key is the beginning of another, and memcmp orders them as the specification does.
 * spec: IndexedDB 2.4 "Keys", 7.3 "Convert a value to a key"
 */
import { types } from "node:util";

declare const encoded: unique symbol;
/** A valid key, encoded. Never changed after it is made. */
export type Key = Buffer & { readonly [encoded]: true };

const NUMBER = 0x10;
const DATE = 0x20;
const STRING = 0x30;
const BINARY = 0x40;
const ARRAY = 0x50;
const END = 0x00;
/** After a 00 that belongs to the content. Above every type's first byte, so that longer content sorts higher. */
const ESCAPED = 0xff;

/** The key that `value` is, or undefined where it is none. Throws only what the value's own getters throw. */
export function toKey(value: unknown): Key | undefined {
  return convert(value, undefined);
}

/** The keys of an index with `multiEntry`: those of an array's members that are keys, each once. */
export function toMultiEntryKeys(value: unknown): Key[] {
  if (!Array.isArray(value)) {
    const key = toKey(value);
    return key ? [key] : [];
  }
  const keys: Key[] = [];
  const seen: unknown[] = [value];
  for (let at = 0; at < value.length; at++) {
    if (!Object.hasOwn(value, at)) continue;
    const key = convert(value[at], seen);
    if (key && !keys.some((known) => known.equals(key))) keys.push(key);
  }
  return keys;
}

/** Below zero, zero or above, as `first` sorts before, with or after `second`. */
export function compareKeys(first: Key, second: Key): -1 | 0 | 1 {
  return Buffer.compare(first, second);
}

/** The value that a script sees for this key. Made anew at each call. */
export function fromKey(key: Uint8Array): unknown {
  return new KeyReader(key).read();
}

function convert(value: unknown, seen: unknown[] | undefined): Key | undefined {
  switch (typeof value) {
    case "string":
      return encodeString(value);
    case "number":
      return Number.isNaN(value) ? undefined : encodeDouble(NUMBER, value);
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) return encodeArray(value, seen ?? []);
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    return Number.isNaN(time) ? undefined : encodeDouble(DATE, time);
  }
  if (types.isArrayBuffer(value)) return value.detached ? undefined : encodeBinary(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) {
    if (!types.isArrayBuffer(value.buffer) || value.buffer.detached) return undefined;
    return encodeBinary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return undefined;
}

function encodeDouble(type: number, value: number): Key {
  const key = Buffer.allocUnsafe(9);
  key[0] = type;
  // Both zeros are one key.
  key.writeDoubleBE(value === 0 ? 0 : value, 1);
  if ((key[1] as number) & 0x80) for (let at = 1; at < 9; at++) key[at] = ~(key[at] as number);
  else key[1] = (key[1] as number) | 0x80;
  return key as Key;
}

/** Up to this length a loop is quicker than a call into Buffer. */
const SHORT = 64;

function encodeString(text: string): Key {
  const length = text.length;
  if (length <= SHORT) {
    const key = Buffer.allocUnsafe(length + 2);
    let at = 0;
    for (; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 0 || unit > 0x7f) break;
      key[at + 1] = unit;
    }
    if (at === length) {
      key[0] = STRING;
      key[length + 1] = END;
      return key as Key;
    }
  }
  return encodeUnits(text);
}

function encodeUnits(text: string): Key {
  const key = Buffer.allocUnsafe(text.length * 3 + 2);
  let to = 0;
  key[to++] = STRING;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0) {
      key[to++] = 0;
      key[to++] = ESCAPED;
    } else if (unit < 0x80) key[to++] = unit;
    else if (unit < 0x800) {
      key[to++] = 0xc0 | (unit >> 6);
      key[to++] = 0x80 | (unit & 0x3f);
    } else {
      // Each half of a surrogate pair by itself: so the order stays that of code units, and a lone one is kept.
      key[to++] = 0xe0 | (unit >> 12);
      key[to++] = 0x80 | ((unit >> 6) & 0x3f);
      key[to++] = 0x80 | (unit & 0x3f);
    }
  }
  key[to++] = END;
  return Buffer.from(key.subarray(0, to)) as Key;
}

function encodeBinary(bytes: Uint8Array): Key {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  const key = Buffer.allocUnsafe(bytes.length + zeros + 2);
  let to = 0;
  key[to++] = BINARY;
  for (const byte of bytes) {
    key[to++] = byte;
    if (byte === 0) key[to++] = ESCAPED;
  }
  key[to] = END;
  return key as Key;
}

/** `seen` holds the arrays around this one: an array within itself is no key. */
function encodeArray(values: unknown[], seen: unknown[]): Key | undefined {
  if (seen.includes(values)) return undefined;
  const around = [...seen, values];
  const parts: Buffer[] = [Buffer.of(ARRAY)];
  for (let at = 0, length = values.length; at < length; at++) {
    if (!Object.hasOwn(values, at)) return undefined;
    const part = convert(values[at], around);
    if (!part) return undefined;
    parts.push(part);
  }
  parts.push(Buffer.of(END));
  return Buffer.concat(parts) as Key;
}

class KeyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(key: Uint8Array) {
    this.#bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  }

  read(): unknown {
    switch (this.#bytes[this.#at++]) {
      case NUMBER:
        return this.#double();
      case DATE:
        return new Date(this.#double());
      case STRING:
        return this.#string();
      case BINARY:
        return this.#binary();
      case ARRAY: {
        const values: unknown[] = [];
        while (this.#bytes[this.#at] !== END) values.push(this.read());
        this.#at++;
        return values;
      }
      default:
        throw new Error("not an encoded key");
    }
  }

  #double(): number {
    const bytes = Buffer.from(this.#bytes.subarray(this.#at, this.#at + 8));
    this.#at += 8;
    if ((bytes[0] as number) & 0x80) bytes[0] = (bytes[0] as number) & 0x7f;
    else for (let at = 0; at < 8; at++) bytes[at] = ~(bytes[at] as number);
    return bytes.readDoubleBE(0);
  }

  #string(): string {
    const bytes = this.#bytes;
    const end = bytes.indexOf(END, this.#at);
    if (bytes[end + 1] !== ESCAPED) {
      const text = bytes.toString("latin1", this.#at, end);
      // eslint-disable-next-line no-control-regex -- ASCII as a whole, control characters too
      if (/^[\x00-\x7f]*$/.test(text)) {
        this.#at = end + 1;
        return text;
      }
    }
    let text = "";
    for (;;) {
      const byte = bytes[this.#at++] as number;
      let unit = byte;
      if (byte === 0) {
        if (bytes[this.#at] !== ESCAPED) return text;
        this.#at++;
      } else if (byte >= 0xe0) unit = ((byte & 0x0f) << 12) | (this.#tail() << 6) | this.#tail();
      else if (byte >= 0xc0) unit = ((byte & 0x1f) << 6) | this.#tail();
      text += String.fromCharCode(unit);
    }
  }

  #tail(): number {
    return (this.#bytes[this.#at++] as number) & 0x3f;
  }

  #binary(): ArrayBuffer {
    const content: number[] = [];
    for (;;) {
      const byte = this.#bytes[this.#at++] as number;
      if (byte === 0) {
        if (this.#bytes[this.#at] !== ESCAPED) return Uint8Array.from(content).buffer;
        this.#at++;
      }
      content.push(byte);
    }
  }
}
