/** Indexes: made on new and existing data, unique, with many entries, over several paths, and kept by every write. */
import { expect, test } from "vitest";
import { done, ended, KeyRange, openDatabase, openFile, openStore, thrownBy, walk } from "./support.ts";

const people: [unknown, IDBValidKey][] = [
  [{ name: "Ada", age: 36, tags: ["math", "poetry", "math"] }, 1],
  [{ name: "Bob", age: 36, tags: "solo" }, 2],
  [{ name: "Cid", tags: [] }, 3],
  [{ name: "Ada", age: 20, tags: [1, null, "math"] }, 4],
]; // prettier-ignore

const withIndexes = (store: IDBObjectStore): void => {
  store.createIndex("name", "name");
  store.createIndex("age", "age");
  store.createIndex("tags", "tags", { multiEntry: true });
  store.createIndex("both", ["name", "age"]);
};

test("an index lists what its path finds, by key and then by primary key", async () => {
  const { store } = await openStore(people, {}, withIndexes);
  const index = (name: string) => store().index(name);
  expect(await walk(index("name").openKeyCursor())).toEqual([["Ada", 1], ["Ada", 4], ["Bob", 2], ["Cid", 3]]);
  expect(await walk(index("age").openCursor())).toEqual([[20, 4], [36, 1], [36, 2]]);
  expect(await walk(index("tags").openKeyCursor())).toEqual([[1, 4], ["math", 1], ["math", 4], ["poetry", 1], ["solo", 2]]);
  expect(await walk(index("both").openKeyCursor())).toEqual([[["Ada", 20], 4], [["Ada", 36], 1], [["Bob", 36], 2]]);
  expect(await done(index("name").get("Ada"))).toMatchObject({ age: 36 });
  expect(await done(index("name").getKey(KeyRange.lowerBound("B")))).toBe(2);
  expect(await done(index("name").getAll("Ada"))).toMatchObject([{ age: 36 }, { age: 20 }]);
  expect(await done(index("tags").getAllKeys(null, 3))).toEqual([4, 1, 4]);
  expect(await done(index("tags").count("math"))).toBe(2);
  expect(await done(index("age").get(99))).toBeUndefined();
}); // prettier-ignore

test("getAll on an index takes direction and unique", async () => {
  const { store } = await openStore(people, {}, withIndexes);
  const index = store().index("name") as IDBIndex & { getAllKeys(options: unknown): IDBRequest; getAllRecords(options?: unknown): IDBRequest };
  expect(await done(index.getAllKeys({ direction: "nextunique" }))).toEqual([1, 2, 3]);
  expect(await done(index.getAllKeys({ direction: "prevunique" }))).toEqual([3, 2, 1]);
  expect(await done(index.getAllKeys({ direction: "prev", count: 3 }))).toEqual([3, 2, 4]);
  expect(await done(index.getAllKeys({ direction: "prevunique", query: KeyRange.upperBound("Bob"), count: 1 }))).toEqual([2]);
  const records = (await done(index.getAllRecords({ count: 1 }))) as { key: unknown; primaryKey: unknown; value: unknown }[];
  expect(records.map(({ key, primaryKey, value }) => [key, primaryKey, value])).toEqual([["Ada", 1, people[0]?.[0]]]);
}); // prettier-ignore

test("every way of writing keeps the indexes", async () => {
  const { store } = await openStore(people, {}, withIndexes);
  const writing = store("readwrite");
  const names = () => done(writing.index("name").getAllKeys());
  const tags = async () => (await walk(writing.index("tags").openKeyCursor())).map(([tag]) => tag);
  writing.put({ name: "Zoe", tags: ["math", "new"] }, 1);
  expect([await names(), await tags()]).toEqual([[4, 2, 3, 1], [1, "math", "math", "new", "solo"]]);
  writing.delete(KeyRange.bound(2, 3));
  expect([await names(), await tags()]).toEqual([[4, 1], [1, "math", "math", "new"]]);
  const request = writing.openCursor();
  await new Promise<void>((resolve) => {
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve();
      if (cursor.key === 1) cursor.update({ name: "Abe" });
      else cursor.delete();
      cursor.continue();
    };
  });
  expect([await names(), await tags()]).toEqual([[1], []]);
  writing.clear();
  expect([await names(), await done(writing.index("both").count())]).toEqual([[], 0]);
}); // prettier-ignore

test("a unique index refuses a second record of a key, and the store stays as it was", async () => {
  const { store } = await openStore([[{ a: 1, b: ["x", "y"] }, 1]], {}, (made) => {
    made.createIndex("first", "a");
    made.createIndex("unique", "b", { unique: true, multiEntry: true });
  });
  const writing = store("readwrite");
  await expect(done(writing.put({ a: 2, b: ["z", "y"] }, 2))).rejects.toMatchObject({ name: "ConstraintError" });
  expect(await done(writing.index("first").getAllKeys())).toEqual([1]);
  expect(await done(writing.put({ a: 3, b: ["y"] }, 1))).toBe(1);
  expect(await done(writing.put({ a: 4, b: ["x", "x"] }, 2))).toBe(2);
  expect(await walk(writing.index("unique").openKeyCursor())).toEqual([["x", 2], ["y", 1]]);
  writing.put({ b: "y" }, 3);
  expect(await ended(writing.transaction)).toBe("ConstraintError");
  expect(await walk(store().index("unique").openKeyCursor())).toEqual([["x", 1], ["y", 1]]);
}); // prettier-ignore

test("an index over thousands of existing records is filled, and refused where unique cannot be", async () => {
  const { indexedDB } = openFile();
  const first = await openDatabase(indexedDB, (database) => {
    const store = database.createObjectStore("store");
    for (let at = 0; at < 1000; at++) store.put({ group: at % 10, at }, at);
  });
  first.close();
  const second = await openDatabase(indexedDB, (_database, transaction) => {
    transaction.objectStore("store").createIndex("group", "group");
    transaction.objectStore("store").createIndex("at", "at", { unique: true });
  }, { version: 2 });
  const store = second.transaction("store").objectStore("store");
  expect(await done(store.index("group").count(3))).toBe(100);
  expect(await done(store.index("at").getKey(999))).toBe(999);
  second.close();
  const failing = openDatabase(indexedDB, (_database, transaction) => {
    transaction.addEventListener("abort", () => expect(transaction.error?.name).toBe("ConstraintError"));
    transaction.objectStore("store").createIndex("bad", "group", { unique: true });
  }, { version: 3 });
  await expect(failing).rejects.toMatchObject({ name: "AbortError" });
  const third = await openDatabase(indexedDB, (_database, transaction) => {
    transaction.objectStore("store").deleteIndex("group");
  }, { version: 3 });
  expect([...third.transaction("store").objectStore("store").indexNames]).toEqual(["at"]);
}); // prettier-ignore

test("indexes are made, renamed and deleted, and each mistake has its name", async () => {
  const { indexedDB } = openFile();
  const found: string[] = [];
  await openDatabase(indexedDB, (database) => {
    const store = database.createObjectStore("store");
    const index = store.createIndex("a", "a");
    expect([index.name, index.keyPath, index.unique, index.multiEntry]).toEqual(["a", "a", false, false]);
    expect([index.objectStore, store.index("a")]).toEqual([store, index]);
    found.push(
      thrownBy(() => store.createIndex("a", "b")),
      thrownBy(() => store.createIndex("b", "1")),
      thrownBy(() => store.createIndex("b", ["a"], { multiEntry: true })),
      thrownBy(() => store.deleteIndex("b")),
      thrownBy(() => store.index("b")),
      thrownBy(() => (store.createIndex as unknown as (name: string) => void)("b")),
    );
    store.createIndex("c", "c");
    found.push(thrownBy(() => (index.name = "c")));
    index.name = "d";
    expect([...store.indexNames]).toEqual(["c", "d"]);
    expect(store.index("d")).toBe(index);
    store.deleteIndex("d");
    found.push(thrownBy(() => index.get(1)), thrownBy(() => (index.name = "e")));
    expect(store.createIndex("d", "x")).not.toBe(index);
    expect(thrownBy(() => index.count())).toBe("InvalidStateError");
  });
  expect(found).toEqual([
    "ConstraintError", "SyntaxError", "InvalidAccessError", "NotFoundError", "NotFoundError", "TypeError",
    "ConstraintError", "InvalidStateError", "InvalidStateError",
  ]);
}); // prettier-ignore

test("an index made and deleted in one upgrade leaves nothing, even where it could not be filled", async () => {
  const { indexedDB } = openFile();
  const database = await openDatabase(indexedDB, (opened) => {
    const store = opened.createObjectStore("store");
    store.put({ a: 1 }, 1);
    store.put({ a: 1 }, 2);
    store.createIndex("a", "a", { unique: true });
    store.deleteIndex("a");
  });
  expect(database.transaction("store").objectStore("store").indexNames).toHaveLength(0);
});
