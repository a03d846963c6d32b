/** Object stores: keys in and out of line, key paths, generators, reading, counting, deleting, and their mistakes. */
import { describe, expect, test } from "vitest";
import { done, ended, KeyRange, openStore, thrownBy } from "./support.ts";

describe("keys", () => {
  test("out of line they are given, in line they are found, and generated where there is none", async () => {
    const plain = await openStore();
    expect(await done(plain.store("readwrite").put("a", [1, "x"]))).toEqual([1, "x"]);
    const inLine = await openStore([], { keyPath: "a.b" });
    expect(await done(inLine.store("readwrite").put({ a: { b: "key" } }))).toBe("key");
    const generated = await openStore([], { autoIncrement: true });
    const store = generated.store("readwrite");
    expect([await done(store.put("a")), await done(store.put("b", 7.5)), await done(store.put("c"))]).toEqual([
      1, 7.5, 8,
    ]);
    const both = await openStore([], { keyPath: "deep.id", autoIncrement: true });
    const writing = both.store("readwrite");
    expect(await done(writing.put({ x: 1 }))).toBe(1);
    expect(await done(writing.get(1))).toEqual({ x: 1, deep: { id: 1 } });
    const compound = await openStore([], { keyPath: ["a", "b.length"] });
    expect(await done(compound.store("readwrite").put({ a: 1, b: "xyz" }))).toEqual([1, 3]);
  });

  test.each<[string, IDBObjectStoreParameters, unknown, unknown, string]>([
    ["none where one is needed", {}, "a", undefined, "DataError"],
    ["one beside a key path", { keyPath: "a" }, { a: 1 }, 1, "DataError"],
    ["what is no key", {}, "a", {}, "DataError"],
    ["what is no key, with a generator", { autoIncrement: true }, "a", null, "DataError"],
    ["nothing at the key path", { keyPath: "a" }, {}, undefined, "DataError"],
    ["what is no key at the key path", { keyPath: "a", autoIncrement: true }, { a: null }, undefined, "DataError"],
    ["no place for a generated key", { keyPath: "a.b", autoIncrement: true }, { a: "text" }, undefined, "DataError"],
    ["a value without properties", { keyPath: "a", autoIncrement: true }, "text", undefined, "DataError"],
    ["a value that has no clone", {}, () => 1, 1, "DataCloneError"],
  ])("%s is refused", async (_name, options, value, key, expected) => {
    const { store } = await openStore([], options);
    expect(thrownBy(() => store("readwrite").put(value, key as IDBValidKey))).toBe(expected);
    expect(await done(store().count())).toBe(0);
  });

  test("an own property only is found; a prototype's is not, and none is changed", async () => {
    const { store } = await openStore([], { keyPath: "key", autoIncrement: true });
    // oxlint-disable-next-line no-extend-native -- that it does no harm is what is tested
    Object.defineProperty(Object.prototype, "key", { get: () => 99, configurable: true });
    try {
      expect(await done(store("readwrite").put({ a: 1 }))).toBe(1);
    } finally {
      Reflect.deleteProperty(Object.prototype, "key");
    }
    expect(await done(store().get(1))).toEqual({ a: 1, key: 1 });
  });

  test("a generator stops at 2^53, keeps on after an error, and goes back with an abort", async () => {
    const { store } = await openStore([], { autoIncrement: true });
    const aborted = store("readwrite");
    await done(aborted.put("a"));
    await done(aborted.put("b", 500));
    aborted.transaction.abort();
    const writing = store("readwrite");
    expect(await done(writing.put("a"))).toBe(1);
    await expect(done(writing.add("b", 1))).rejects.toMatchObject({ name: "ConstraintError" });
    expect(await done(writing.put("text", "no number"))).toBe("no number");
    expect(await done(writing.put("c", -10))).toBe(-10);
    expect(await done(writing.put("d"))).toBe(2);
    expect(await done(writing.put("e", 2 ** 53 - 1))).toBe(2 ** 53 - 1);
    expect(await done(writing.put("f"))).toBe(2 ** 53);
    await expect(done(writing.put("g"))).rejects.toMatchObject({ name: "ConstraintError" });
    expect(await done(writing.put("h", "still by hand"))).toBe("still by hand");
  });

  test("a number beyond the limit moves the generator to its end", async () => {
    const { store } = await openStore([], { autoIncrement: true });
    const writing = store("readwrite");
    await done(writing.put("a", Number.MAX_VALUE));
    await expect(done(writing.put("b"))).rejects.toMatchObject({ name: "ConstraintError" });
  });
});

const letters: [string, IDBValidKey][] = [["ONE", 1], ["A", "a"], ["B", "b"], ["C", "c"], ["D", "d"], ["E", "e"], ["F", "f"]]; // prettier-ignore

describe("reading", () => {
  test("get, getKey, getAll, getAllKeys, getAllRecords and count, by key, range and not at all", async () => {
    const { store } = await openStore(letters);
    const reading = store();
    expect(await done(reading.get("b"))).toBe("B");
    expect(await done(reading.get(KeyRange.lowerBound("b", true)))).toBe("C");
    expect(await done(reading.get("zz"))).toBeUndefined();
    expect(await done(reading.getKey(KeyRange.bound("aa", "d")))).toBe("b");
    expect(await done(reading.getAll())).toEqual(["ONE", "A", "B", "C", "D", "E", "F"]);
    expect(await done(reading.getAll(KeyRange.bound("b", "d", true, true)))).toEqual(["C"]);
    expect(await done(reading.getAll(null, 2))).toEqual(["ONE", "A"]);
    expect(await done(reading.getAll("c", 0))).toEqual(["C"]);
    expect(await done(reading.getAllKeys(KeyRange.upperBound("b"), 10))).toEqual([1, "a", "b"]);
    expect(await done(reading.count())).toBe(7);
    expect(await done(reading.count("x"))).toBe(0);
    expect(await done(reading.count(KeyRange.lowerBound("c")))).toBe(4);
  });

  test("with options: direction, count, and records", async () => {
    const { store } = await openStore(letters);
    const reading = store() as IDBObjectStore &
      Record<"getAllRecords" | "getAll" | "getAllKeys", (options?: unknown, count?: number) => IDBRequest>;
    expect(await done(reading.getAll({ direction: "prev", count: 2 }))).toEqual(["F", "E"]);
    expect(await done(reading.getAllKeys({ query: KeyRange.upperBound("b"), direction: "prevunique" }))).toEqual([
      "b",
      "a",
      1,
    ]);
    const records = (await done(reading.getAllRecords({ query: "c" }))) as {
      key: unknown;
      primaryKey: unknown;
      value: unknown;
    }[];
    expect(records.map((record) => [record.key, record.primaryKey, record.value])).toEqual([["c", "c", "C"]]);
    expect(Object.prototype.toString.call(records[0])).toBe("[object IDBRecord]");
    expect(await done(reading.getAllRecords())).toHaveLength(7);
    expect(thrownBy(() => reading.getAll({ direction: "up" }))).toBe("TypeError");
    expect(thrownBy(() => reading.getAllRecords({ query: {} }))).toBe("DataError");
  });

  test.each<[string, (store: IDBObjectStore) => unknown, string]>([
    ["get without a key", (store) => store.get(undefined as never), "DataError"],
    ["get with what is no key", (store) => store.get({} as never), "DataError"],
    ["count with what is no key", (store) => store.count(Number.NaN), "DataError"],
    ["a count below zero", (store) => store.getAll(null, -1), "TypeError"],
    ["a count too high", (store) => store.getAllKeys(null, 2 ** 32), "TypeError"],
    ["an unknown direction", (store) => store.openCursor(null, "up" as never), "TypeError"],
    ["writing", (store) => store.put(1, 1), "ReadOnlyError"],
    ["deleting", (store) => store.delete(1), "ReadOnlyError"],
    ["clearing", (store) => store.clear(), "ReadOnlyError"],
    ["an index that is not there", (store) => store.index("none"), "NotFoundError"],
    ["making an index", (store) => store.createIndex("i", "i"), "InvalidStateError"],
    ["deleting an index", (store) => store.deleteIndex("i"), "InvalidStateError"],
    ["another name", (store) => (store.name = "x"), "InvalidStateError"],
  ])("in a transaction that reads, %s is refused", async (_name, work, expected) => {
    const { store } = await openStore();
    expect(thrownBy(() => work(store()))).toBe(expected);
  });
});

test("add refuses a key that is there, put replaces, delete and clear remove", async () => {
  const { store } = await openStore(letters);
  const writing = store("readwrite");
  await expect(done(writing.add("x", "a"))).rejects.toMatchObject({ name: "ConstraintError" });
  expect(await done(writing.put("x", "a"))).toBe("a");
  expect(await done(writing.get("a"))).toBe("x");
  expect(await done(writing.delete(KeyRange.bound("b", "d")))).toBeUndefined();
  expect(await done(writing.delete("nothing"))).toBeUndefined();
  expect(await done(writing.getAllKeys())).toEqual([1, "a", "e", "f"]);
  expect(thrownBy(() => writing.delete(undefined as never))).toBe("DataError");
  expect(await done(writing.clear())).toBeUndefined();
  expect(await done(writing.count())).toBe(0);
  expect(await ended(writing.transaction)).toBe("complete");
  expect(await done(store().getAll())).toEqual([]);
});

test("what is written is read before and after the commit, whatever the cache holds", async () => {
  const { store } = await openStore([
    ["old", 1],
    ["other", 2],
  ]);
  expect(await done(store().getAll())).toEqual(["old", "other"]);
  expect(await done(store().get(1))).toBe("old");
  expect(await done(store().get(3))).toBeUndefined();
  const aborted = store("readwrite");
  aborted.put("new", 1);
  aborted.put("third", 3);
  expect([await done(aborted.get(1)), await done(aborted.getAll()), await done(aborted.get(3))]).toEqual([
    "new",
    ["new", "other", "third"],
    "third",
  ]);
  aborted.transaction.abort();
  expect([await done(store().get(1)), await done(store().getAll()), await done(store().get(3))]).toEqual([
    "old",
    ["old", "other"],
    undefined,
  ]);
  const writing = store("readwrite");
  writing.put("new", 1);
  writing.delete(2);
  writing.put("third", 3);
  await ended(writing.transaction);
  expect([await done(store().get(1)), await done(store().getAll()), await done(store().get(3))]).toEqual([
    "new",
    ["new", "third"],
    "third",
  ]);
});

test("a cache far too small for what is read changes nothing but the time", async () => {
  const { openFile, openDatabase } = await import("./support.ts");
  const { indexedDB } = openFile(undefined, 2000);
  const database = await openDatabase(indexedDB, (opened) => {
    const store = opened.createObjectStore("store");
    for (let at = 0; at < 50; at++) store.put({ at, text: "x".repeat(at) }, at);
  });
  for (let round = 0; round < 3; round++)
    for (let at = 0; at < 50; at++)
      expect(await done(database.transaction("store").objectStore("store").get(at))).toEqual({
        at,
        text: "x".repeat(at),
      });
});

test("attributes tell what the store is, and stay one object", async () => {
  const { store } = await openStore([], { keyPath: ["a", "b"] });
  const opened = store();
  expect([opened.name, opened.keyPath, opened.autoIncrement]).toEqual(["store", ["a", "b"], false]);
  expect(opened.keyPath).toBe(opened.keyPath);
  expect(opened.transaction.objectStore("store")).toBe(opened);
  expect(Object.prototype.toString.call(opened.indexNames)).toBe("[object DOMStringList]");
}); // prettier-ignore
