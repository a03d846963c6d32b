/**
 * diffItems: the ops that turn one list of keyed items into another. Used by the topic hub.
 * Invariant: applying the ops in order to `before` gives exactly `after`; where that would take more ops than
 * items, it is one reset. Items with the same identity are taken as equal without a look inside.
 */
import type { Op } from "../../../preload/contract/frames.ts";

export type KeyedItem = { readonly key: string };

export function diffItems<T extends KeyedItem>(before: readonly T[], after: readonly T[]): Op<T>[] {
  const limit = Math.max(8, after.length / 2);
  const ops: Op<T>[] = [];
  const reset: Op<T>[] = [{ op: "reset", items: after }];
  const wanted = new Set(after.map((item) => item.key));
  const list = [...before];
  for (let index = list.length - 1; index >= 0; index -= 1) {
    const item = list[index];
    if (item && wanted.has(item.key)) continue;
    list.splice(index, 1);
    ops.push({ op: "cut", at: index });
    if (ops.length > limit) return reset;
  }
  for (const [index, item] of after.entries()) {
    const current = list[index];
    if (current?.key === item.key) {
      if (current === item || isSame(current, item)) continue;
      list[index] = item;
      ops.push({ op: "replace", at: index, item });
    } else {
      const from = list.findIndex((other, at) => at > index && other.key === item.key);
      if (from !== -1) {
        list.splice(from, 1);
        ops.push({ op: "cut", at: from });
      }
      list.splice(index, 0, item);
      ops.push({ op: "insert", at: index, item });
    }
    if (ops.length > limit) return reset;
  }
  return ops;
}

/** Items are plain data made by one function each, so their keys come in the same order. */
const isSame = (a: KeyedItem, b: KeyedItem): boolean => JSON.stringify(a) === JSON.stringify(b);
