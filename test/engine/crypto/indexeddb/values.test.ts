/** Values: what is put comes back as a structured clone, whichever way it is stored, and nothing else is stored. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cloneValue, StoredValue } from "../../../../main/engine/crypto/indexeddb/values.ts";
import { done, ended, openStore, thrownBy } from "./support.ts";

/** Stored, and read twice: once as from the file, once as from the cache. */
function roundTrip(value: unknown): unknown {
  const stored = StoredValue.of(cloneValue(value));
  const first = new StoredValue(stored.content).read();
  stored.keep();
  expect(stored.read()).toEqual(first);
  expect(stored.read()).toEqual(first);
  return first;
}

const sparse = [1, , 3]; // oxlint-disable-line no-sparse-arrays -- a hole is what is tested

test.each<[string, unknown]>([
  ["undefined", undefined], ["null", null], ["booleans", [true, false]], ["numbers", [1.5, -0, Number.NaN, Infinity]],
  ["strings", ["", "\ud800", "\0", "é"]], ["a bigint", -(2n ** 80n)], ["a date", new Date(5)],
  ["an invalid date", new Date(Number.NaN)], ["a regexp", /a\/b/giu], ["boxes", [Object(1), Object("a"), Object(false), Object(2n)]],
  ["a map", new Map<unknown, unknown>([[{ a: 1 }, new Set([1, "b"])]])], ["a buffer", new Uint8Array([1, 2]).buffer],
  ["typed arrays", [new Int8Array([1]), new Float64Array([Number.NaN]), new BigInt64Array([5n]), new Uint8ClampedArray([9])]],
  ["a data view", new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 2)],
  ["an object with undefined", { a: undefined, b: [undefined] }], ["a hole", sparse],
  ["names that are special", JSON.parse('{"__proto__":{"x":1},"constructor":2,"toJSON":3}')],
])("%s comes back as it was", (_name, value) => {
  expect(roundTrip(value)).toEqual(value);
}); // prettier-ignore

test("-0, holes, extra properties and missing prototypes are as a structured clone has them", () => {
  expect(Object.is(roundTrip(-0), -0)).toBe(true);
  expect(1 in (roundTrip(sparse) as object)).toBe(false);
  const extended = Object.assign([1, 2], { extra: "x" });
  expect(roundTrip(extended)).toEqual(structuredClone(extended));
  class Point {
    x = 1;
    get double() {
      return this.x * 2;
    }
  }
  const point = roundTrip(new Point());
  expect(Object.getPrototypeOf(point)).toBe(Object.prototype);
  expect(point).toEqual({ x: 1 });
  const proto = roundTrip(JSON.parse('{"__proto__":1}')) as object;
  expect(Object.getPrototypeOf(proto)).toBe(Object.prototype);
  expect(Object.hasOwn(proto, "__proto__")).toBe(true);
});

test("what is one object stays one, also around a circle and within a buffer", () => {
  const shared = { a: 1 };
  const twice = roundTrip([shared, shared]) as unknown[];
  expect(twice[0]).toBe(twice[1]);
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const back = roundTrip(circle) as Record<string, unknown>;
  expect(back["self"]).toBe(back);
  const buffer = new ArrayBuffer(8);
  const views = roundTrip([new Uint8Array(buffer, 2, 3), new Uint16Array(buffer)]) as [Uint8Array, Uint16Array];
  expect(views[0].buffer).toBe(views[1].buffer);
  expect([views[0].byteOffset, views[0].length, views[0].buffer.byteLength]).toEqual([2, 3, 8]);
});

test("errors keep their kind, message and cause, and no more", () => {
  const error = Object.assign(new RangeError("too far", { cause: { a: 1 } }), { extra: 1 });
  const back = roundTrip(error) as RangeError & { extra?: unknown };
  expect(back).toBeInstanceOf(RangeError);
  expect([back.message, back.cause, back.extra]).toEqual(["too far", { a: 1 }, undefined]);
  class Mine extends Error {
    override name = "Mine";
  }
  expect(Object.getPrototypeOf(roundTrip(new Mine("x")))).toBe(Error.prototype);
});

test.each<[string, () => unknown]>([
  ["a function", () => () => 1], ["a symbol", () => ({ a: Symbol("a") })], ["a symbol object", () => Object(Symbol("a"))],
  ["a promise", () => Promise.resolve()], ["a weak map", () => new WeakMap()], ["a weak ref", () => new WeakRef({})],
  ["a proxy", () => new Proxy({}, {})], ["a generator", () => (function* () {})()], ["a shared buffer", () => [new SharedArrayBuffer(1)]],
  ["an event", () => new Event("x")], ["an event target", () => new EventTarget()], ["a URL", () => new URL("a:b")],
  ["a port", () => new MessageChannel()], ["the global object", () => globalThis], ["a blob", () => new Blob(["a"])],
  ["headers", () => new Headers()],
])("%s is refused, with a DataCloneError", (_name, make) => {
  expect(thrownBy(() => cloneValue(make()))).toBe("DataCloneError");
  expect(thrownBy(() => cloneValue({ deep: [make()] }))).toBe("DataCloneError");
}); // prettier-ignore

test("a detached buffer is refused", () => {
  const buffer = new ArrayBuffer(2);
  structuredClone(buffer, { transfer: [buffer] });
  expect(thrownBy(() => cloneValue(buffer))).toBe("DataCloneError");
});

test("a getter runs once, and what it throws is passed on", () => {
  let runs = 0;
  const value = {
    get a() {
      runs++;
      return { b: runs };
    },
  };
  expect(roundTrip(value)).toEqual({ a: { b: 1 } });
  expect(runs).toBe(1);
  const bad = {
    get a() {
      throw new RangeError("mine");
    },
  };
  expect(() => cloneValue(bad)).toThrow(RangeError);
});

test("any value that V8 clones comes back equal", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withSparseArray: true, withBoxedValues: true }), (value) => {
      expect(roundTrip(value)).toEqual(structuredClone(value));
    }),
    { numRuns: 1000 },
  );
}); // prettier-ignore

test("nothing is shared with what was put, nor between two reads", async () => {
  const value = { list: [1], bytes: new Uint8Array([1]) };
  const { store } = await openStore([], {});
  const writing = store("readwrite");
  writing.put(value, "bytes");
  writing.put({ list: [1] }, "tree");
  value.list.push(2);
  value.bytes[0] = 9;
  expect(await ended(writing.transaction)).toBe("complete");
  for (const key of ["bytes", "tree"]) {
    const one = (await done(store().get(key))) as typeof value;
    one.list.push(3);
    const two = (await done(store().get(key))) as typeof value;
    expect(two.list).toEqual([1]);
    if (key === "bytes") expect(two.bytes[0]).toBe(1);
  }
});

test("a getter cannot use the transaction that clones it, which is active again afterwards", async () => {
  const { store } = await openStore();
  const writing = store("readwrite");
  let inside = "";
  const value = {
    get a() {
      inside = thrownBy(() => writing.get(1));
      return 1;
    },
  };
  await done(writing.put(value, 1));
  expect(inside).toBe("TransactionInactiveError");
  expect(await done(store().get(1))).toEqual({ a: 1 });
});
