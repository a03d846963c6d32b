/**
 * diffItems against its promise: applying the ops gives exactly the new list, for any two lists.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Op } from "../../../preload/contract/frames.ts";
import { diffItems } from "../../../main/engine/port/diff.ts";

type Item = { key: string; value: number };

function apply(list: readonly Item[], ops: readonly Op<Item>[]): Item[] {
  let items = [...list];
  for (const op of ops) {
    if (op.op === "reset") items = [...op.items];
    else if (op.op === "insert") items.splice(op.at, 0, op.item);
    else if (op.op === "replace") items.splice(op.at, 1, op.item);
    else items.splice(op.at, 1);
  }
  return items;
}

const lists = fc
  .uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 30 })
  .chain((keys) =>
    fc.tuple(...keys.map((key) => fc.record({ key: fc.constant(`k${key}`), value: fc.integer({ min: 0, max: 2 }) }))),
  );

test("the ops turn any list into any other", () => {
  fc.assert(
    fc.property(lists, lists, (before, after) => {
      expect(apply(before, diffItems(before, after))).toEqual(after);
    }),
    { numRuns: 2_000 },
  );
});

test("one changed row among many is one op, and a row that moves to the top is two", () => {
  const rows = Array.from({ length: 1_000 }, (_, index) => ({ key: `k${index}`, value: 0 }));
  const changed = rows.with(500, { key: "k500", value: 1 });
  expect(diffItems(rows, changed)).toEqual([{ op: "replace", at: 500, item: { key: "k500", value: 1 } }]);
  const moved = [rows[500] as Item, ...rows.toSpliced(500, 1)];
  expect(diffItems(rows, moved)).toEqual([
    { op: "cut", at: 500 },
    { op: "insert", at: 0, item: rows[500] },
  ]);
});

test("nothing changed is no op", () => {
  const rows = [{ key: "a", value: 1 }];
  expect(diffItems(rows, [{ key: "a", value: 1 }])).toEqual([]);
});
