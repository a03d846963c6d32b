/** Keys: which values are keys, how they sort, and that each comes back as it went in. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareKeys, fromKey, toKey, toMultiEntryKeys } from "../../../../main/engine/crypto/indexeddb/keys.ts";
import { after, KeyRange } from "../../../../main/engine/crypto/indexeddb/key-range.ts";
import { isValidKeyPath } from "../../../../main/engine/crypto/indexeddb/key-path.ts";
import { openFile, thrownBy } from "./support.ts";

const key = (value: unknown) => {
  const found = toKey(value);
  if (!found) throw new Error("no key");
  return found;
};

test("types sort as number, date, string, binary, array", () => {
  const ascending = [
    -Infinity, -Number.MAX_VALUE, -1.5, -1, -Number.MIN_VALUE, 0, Number.MIN_VALUE, 1, 2 ** 53, Infinity,
    new Date(-1), new Date(0), new Date(1e15),
    "", "\0", "\0\0", "\0a", "A", "a", "a\0", "a\0b", "aa", "b", "\x7f", "\x80", "é", "\u07ff", "\u0800",
    "\ud83d\ude00", "\ud83d\ude01", "\udc00", "\ue000", "\uffff",
    new Uint8Array([]), new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([0, 1]), new Uint8Array([1]),
    new Uint8Array([255]), new Uint8Array([255, 0]),
    [], [[]], [[], []], [-1], [0], [0, 0], [1], [new Date(0)], [""], ["\0"], ["a"], ["a", "b"], ["a\0"], ["aa"],
    [new Uint8Array([0])], [[]].concat([[0] as never]), [[1]],
  ].map(key); // prettier-ignore
  const sorted = ascending.toSorted(compareKeys);
  // Arrays holding arrays are the highest; their own order is by their members.
  expect(sorted.slice(0, 40)).toEqual(ascending.slice(0, 40));
  for (const [at, one] of sorted.entries()) {
    for (const [other, two] of sorted.entries()) expect(Math.sign(compareKeys(one, two))).toBe(Math.sign(at - other));
  }
});

test("both zeros are one key, and a key with a surrogate is kept as it is", () => {
  expect(compareKeys(key(0), key(-0))).toBe(0);
  expect(fromKey(key("\ud800x\udc00"))).toBe("\ud800x\udc00");
  expect(fromKey(key([["\0", new Uint8Array([0, 255, 0]).buffer], -0.5]))).toEqual([
    ["\0", new Uint8Array([0, 255, 0]).buffer],
    -0.5,
  ]);
});

test.each([
  ["undefined", undefined], ["null", null], ["true", true], ["NaN", Number.NaN], ["an invalid date", new Date(Number.NaN)],
  ["an object", {}], ["a function", () => 1], ["a regexp", /a/], ["a bigint", 1n], ["a symbol", Symbol("a")],
  ["a boxed string", Object("a")], ["a hole", Array.from({ length: 1 }).concat(1).fill(undefined, 0, 1)], ["an array with null", [null]], ["a map", new Map()],
  ["a shared buffer", new SharedArrayBuffer(2)], ["a view of one", new Uint8Array(new SharedArrayBuffer(2))],
  ["an error", new Error("x")],
])("%s is no key", (_name, value) => {
  expect(toKey(value)).toBeUndefined();
}); // prettier-ignore

test("an array within itself is no key, the same array twice is one", () => {
  const cycle: unknown[] = [];
  cycle.push([cycle]);
  expect(toKey(cycle)).toBeUndefined();
  const twice = [1];
  expect(fromKey(key([twice, twice]))).toEqual([[1], [1]]);
});

test("a detached buffer is no key", () => {
  const bytes = new Uint8Array([1, 2]);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  expect(toKey(bytes)).toBeUndefined();
  expect(toKey(bytes.buffer)).toBeUndefined();
});

test("what a getter of an array throws is passed on", () => {
  const array: unknown[] = [];
  Object.defineProperty(array, "0", {
    get() {
      throw new RangeError("mine");
    },
  });
  expect(() => toKey(array)).toThrow(RangeError);
});

test("many entries are the valid members, each once", () => {
  expect(toMultiEntryKeys([1, "a", 1, null, {}, ["b"], "a"]).map(fromKey)).toEqual([1, "a", ["b"]]);
  expect(toMultiEntryKeys("a").map(fromKey)).toEqual(["a"]);
  expect(toMultiEntryKeys({})).toEqual([]);
});

const anyKey = fc.letrec<{ key: unknown }>((tie) => ({
  key: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.date({ noInvalidDate: true }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes).buffer),
    fc.array(tie("key"), { maxLength: 4 }),
  ),
})).key;

/** The order of the specification, by its own words. */
function specifiedOrder(first: unknown, second: unknown): number {
  const rank = (value: unknown): number => {
    if (Array.isArray(value)) return 4;
    if (value instanceof ArrayBuffer) return 3;
    if (typeof value === "string") return 2;
    return value instanceof Date ? 1 : 0;
  };
  if (rank(first) !== rank(second)) return Math.sign(rank(first) - rank(second));
  const members = (value: unknown): unknown[] =>
    value instanceof ArrayBuffer ? [...new Uint8Array(value)] : (value as unknown[]);
  if (rank(first) >= 3) {
    const [one, two] = [members(first), members(second)];
    for (let at = 0; at < Math.min(one.length, two.length); at++) {
      const order = specifiedOrder(one[at], two[at]);
      if (order !== 0) return order;
    }
    return Math.sign(one.length - two.length);
  }
  const [one, two] = [first as number, second as number];
  if (one < two) return -1;
  return one > two ? 1 : 0;
}

test("any two keys sort as the specification says, and come back as they were", () => {
  fc.assert(
    fc.property(anyKey, anyKey, (first, second) => {
      expect(compareKeys(key(first), key(second))).toBe(specifiedOrder(first, second));
      const back = fromKey(key(first));
      expect(specifiedOrder(back, first)).toBe(0);
      expect(compareKeys(key(back), key(first))).toBe(0);
    }),
    { numRuns: 2000 },
  );
});

test("a range includes what lies between its bounds, for any keys", () => {
  fc.assert(
    fc.property(anyKey, anyKey, anyKey, fc.boolean(), fc.boolean(), (one, two, probe, lowerOpen, upperOpen) => {
      const [lower, upper] = [key(one), key(two)].toSorted(compareKeys) as [
        ReturnType<typeof key>,
        ReturnType<typeof key>,
      ];
      const range = new KeyRange(lower, upper, lowerOpen, upperOpen);
      const [low, high] = [compareKeys(key(probe), lower), compareKeys(key(probe), upper)];
      expect(range.includes(key(probe))).toBe((lowerOpen ? low > 0 : low >= 0) && (upperOpen ? high < 0 : high <= 0));
      expect(Buffer.compare(after(lower), lower)).toBe(1);
    }),
  );
});

test("cmp compares, and refuses what is no key", () => {
  const { indexedDB } = openFile();
  expect([indexedDB.cmp(1, 2), indexedDB.cmp("b", "a"), indexedDB.cmp([1], [1])]).toEqual([-1, 1, 0]);
  expect(thrownBy(() => indexedDB.cmp(1, null))).toBe("DataError");
  expect(thrownBy(() => (indexedDB.cmp as unknown as (one: unknown) => void)(1))).toBe("TypeError");
});

test.each([
  ["", true], ["a", true], ["a.b", true], ["$._é", true], ["変数.length", true], ["a\u200cb", true],
  [" ", false], ["a.", false], [".a", false], ["a..b", false], ["1a", false], ["a-b", false], ["a b", false],
])("the key path %j is valid: %s", (path, isValid) => {
  expect(isValidKeyPath(path)).toBe(isValid);
  expect(isValidKeyPath([path])).toBe(isValid);
}); // prettier-ignore
