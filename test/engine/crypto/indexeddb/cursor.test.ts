/** Cursors: all directions over stores and indexes, steps ahead, updating and deleting on the way, and mistakes. */
import { describe, expect, test } from "vitest";
import { done, KeyRange, openStore, thrownBy, walk } from "./support.ts";

const rows: [unknown, IDBValidKey][] = [
  [{ c: "red" }, 1], [{ c: "blue" }, 2], [{ c: "red" }, 3], [{ c: "blue" }, 4], [{ c: "green" }, 5], [{ c: "red" }, 6],
]; // prettier-ignore
const open = () => openStore(rows, {}, (store) => store.createIndex("c", "c"));

/** What a cursor shows after each of `steps`, the first being where it opens. */
function drive(request: IDBRequest, steps: ((cursor: IDBCursorWithValue) => void)[]): Promise<unknown[]> {
  const seen: unknown[] = [];
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(request.error as DOMException));
    request.onsuccess = () => {
      const cursor = request.result as IDBCursorWithValue | null;
      seen.push(cursor && [cursor.key, cursor.primaryKey]);
      const step = steps.shift();
      if (!step || !cursor) return resolve(seen);
      try {
        step(cursor);
      } catch (error) {
        reject(error);
      }
    };
  });
}

test.each<[IDBCursorDirection, IDBValidKey[], [string, number][]]>([
  ["next", [2, 3, 4], [["blue", 2], ["blue", 4], ["green", 5], ["red", 1], ["red", 3], ["red", 6]]],
  ["nextunique", [2, 3, 4], [["blue", 2], ["green", 5], ["red", 1]]],
  ["prev", [4, 3, 2], [["red", 6], ["red", 3], ["red", 1], ["green", 5], ["blue", 4], ["blue", 2]]],
  ["prevunique", [4, 3, 2], [["red", 1], ["green", 5], ["blue", 2]]],
])("%s, over a store within a range and over an index", async (direction, inStore, inIndex) => {
  const { store } = await open();
  const visited = await walk(store().openCursor(KeyRange.bound(1, 5, true, true), direction));
  expect(visited.map(([key]) => key)).toEqual(inStore);
  expect(await walk(store().index("c").openKeyCursor(null, direction))).toEqual(inIndex);
  const range = KeyRange.bound("blue", "green");
  const within = inIndex.filter(([color]) => color !== "red");
  expect(await walk(store().index("c").openCursor(range, direction))).toEqual(within);
}); // prettier-ignore

describe("steps", () => {
  test("continue to a key, and past what is not there", async () => {
    const { store } = await open();
    expect(
      await drive(store().openCursor(), [
        (cursor) => cursor.continue(3),
        (cursor) => cursor.continue(5.5),
        (cursor) => cursor.continue(7),
      ]),
    ).toEqual([[1, 1], [3, 3], [6, 6], null]);
    expect(await drive(store().openCursor(null, "prev"), [(cursor) => cursor.continue(4.5)])).toEqual([
      [6, 6],
      [4, 4],
    ]);
    const byColor = store().index("c");
    expect(
      await drive(byColor.openCursor(), [(cursor) => cursor.continue("c"), (cursor) => cursor.continue("red")]),
    ).toEqual([
      ["blue", 2],
      ["green", 5],
      ["red", 1],
    ]);
    expect(
      await drive(byColor.openCursor(null, "prev"), [
        (cursor) => cursor.continue("green"),
        (cursor) => cursor.continue("blue"),
      ]),
    ).toEqual([
      ["red", 6],
      ["green", 5],
      ["blue", 4],
    ]);
    expect(await drive(byColor.openCursor(null, "prevunique"), [(cursor) => cursor.continue("blue")])).toEqual([
      ["red", 1],
      ["blue", 2],
    ]);
  });

  test("advance by several", async () => {
    const { store } = await open();
    expect(
      await drive(store().openCursor(), [
        (cursor) => cursor.advance(2),
        (cursor) => cursor.advance(3),
        (cursor) => cursor.advance(1),
      ]),
    ).toEqual([[1, 1], [3, 3], [6, 6], null]);
    expect(await drive(store().index("c").openCursor(null, "nextunique"), [(cursor) => cursor.advance(2)])).toEqual([
      ["blue", 2],
      ["red", 1],
    ]);
    expect(await drive(store().index("c").openCursor(null, "prev"), [(cursor) => cursor.advance(100)])).toEqual([
      ["red", 6],
      null,
    ]);
  });

  test("continue to a primary key", async () => {
    const { store } = await open();
    const index = store().index("c");
    expect(
      await drive(index.openCursor(), [
        (cursor) => cursor.continuePrimaryKey("blue", 3),
        (cursor) => cursor.continuePrimaryKey("red", 2),
        (cursor) => cursor.continuePrimaryKey("red", 7),
      ]),
    ).toEqual([["blue", 2], ["blue", 4], ["red", 3], null]);
    expect(
      await drive(index.openCursor(null, "prev"), [
        (cursor) => cursor.continuePrimaryKey("red", 2),
        (cursor) => cursor.continuePrimaryKey("blue", 3),
      ]),
    ).toEqual([
      ["red", 6],
      ["red", 1],
      ["blue", 2],
    ]);
    expect(await drive(index.openCursor(), [(cursor) => cursor.continuePrimaryKey("blue", 9)])).toEqual([
      ["blue", 2],
      ["green", 5],
    ]);
    expect(
      await drive(index.openCursor(KeyRange.upperBound("green")), [(cursor) => cursor.continuePrimaryKey("red", 1)]),
    ).toEqual([["blue", 2], null]);
  });

  test("a cursor sees what is written ahead of it, and not what is deleted", async () => {
    const { store } = await open();
    const writing = store("readwrite");
    const seen = await drive(writing.openCursor(), [
      (cursor) => {
        writing.put({ c: "new" }, 1.5);
        writing.delete(2);
        cursor.continue();
      },
      (cursor) => {
        writing.put({ c: "behind" }, 1);
        cursor.continue();
      },
    ]);
    expect(seen).toEqual([
      [1, 1],
      [1.5, 1.5],
      [3, 3],
    ]);
  });
});

test("a cursor is one object; its key is one object until it moves", async () => {
  const { store } = await openStore([
    ["a", [1]],
    ["b", [2]],
  ]);
  const request = store().openCursor();
  const first = (await done(request)) as IDBCursorWithValue;
  const { key } = first;
  expect([first.key === key, first.value === first.value, first.source, first.direction]).toEqual([
    true,
    true,
    request.source,
    "next",
  ]);
  expect((first as IDBCursor & { request: unknown }).request).toBe(request);
  first.continue();
  expect([request.readyState, thrownBy(() => request.result)]).toEqual(["pending", "InvalidStateError"]);
  // Until the next event it shows what it showed.
  expect(first.key).toBe(key);
  expect(await done(request)).toBe(first);
  expect(first.key).toEqual([2]);
  first.continue();
  expect(await done(request)).toBeNull();
  expect([first.key, first.primaryKey, first.value]).toEqual([undefined, undefined, undefined]);
  expect(thrownBy(() => first.continue())).toBe("InvalidStateError");
});

test.each<[string, (cursor: IDBCursorWithValue) => unknown, string]>([
  ["a step by 0", (cursor) => cursor.advance(0), "TypeError"],
  ["a step backwards", (cursor) => cursor.advance(-1), "TypeError"],
  ["a step by nothing", (cursor) => (cursor.advance as () => void)(), "TypeError"],
  ["a key that is passed", (cursor) => cursor.continue(1), "DataError"],
  ["what is no key", (cursor) => cursor.continue({} as never), "DataError"],
  ["a primary key in a store", (cursor) => cursor.continuePrimaryKey(2, 2), "InvalidAccessError"],
  [
    "two steps at once",
    (cursor) => {
      cursor.continue();
      cursor.continue();
    },
    "InvalidStateError",
  ],
  [
    "a step, then an update",
    (cursor) => {
      cursor.advance(1);
      cursor.update({});
    },
    "InvalidStateError",
  ],
  [
    "a step, then a delete",
    (cursor) => {
      cursor.continue();
      cursor.delete();
    },
    "InvalidStateError",
  ],
  ["an update with a function", (cursor) => cursor.update(() => 1), "DataCloneError"],
])("%s is refused", async (_name, work, expected) => {
  const { store } = await open();
  const cursor = (await done(store("readwrite").openCursor())) as IDBCursorWithValue;
  expect(thrownBy(() => work(cursor))).toBe(expected);
});

test("primary keys are for indexes, ahead, and not for unique directions", async () => {
  const { store } = await open();
  const index = store().index("c");
  const unique = (await done(index.openCursor(null, "nextunique"))) as IDBCursor;
  expect(thrownBy(() => unique.continuePrimaryKey("red", 1))).toBe("InvalidAccessError");
  const cursor = (await done(index.openCursor())) as IDBCursor;
  expect(thrownBy(() => cursor.continuePrimaryKey("blue", 2))).toBe("DataError");
  expect(thrownBy(() => cursor.continuePrimaryKey("a", 9))).toBe("DataError");
  expect(thrownBy(() => cursor.continuePrimaryKey({} as never, 9))).toBe("DataError");
});

test("update keeps the key, delete removes; neither where there are only keys or only reading", async () => {
  const { store } = await openStore([[{ id: 1, a: 1 }], [{ id: 2, a: 1 }]], { keyPath: "id" });
  const writing = store("readwrite");
  const cursor = (await done(writing.openCursor())) as IDBCursorWithValue;
  expect(thrownBy(() => cursor.update({ id: 2 }))).toBe("DataError");
  expect(thrownBy(() => cursor.update({}))).toBe("DataError");
  expect(await done(cursor.update({ id: 1, a: 9 }))).toBe(1);
  const deleting = cursor.delete();
  expect([deleting.source, await done(deleting)]).toEqual([cursor, undefined]);
  expect(await done(writing.getAll())).toEqual([{ id: 2, a: 1 }]);
  // The record is gone, its place is not: an update puts it back.
  await done(cursor.update({ id: 1, a: 3 }));
  expect(await done(writing.count())).toBe(2);
  const keys = (await done(writing.openKeyCursor())) as IDBCursorWithValue;
  expect([thrownBy(() => keys.update({})), thrownBy(() => keys.delete()), "value" in keys]).toEqual(["InvalidStateError", "InvalidStateError", false]);
  const reading = (await done(store().openCursor())) as IDBCursorWithValue;
  expect([thrownBy(() => reading.update({})), thrownBy(() => reading.delete())]).toEqual(["ReadOnlyError", "ReadOnlyError"]);
}); // prettier-ignore
