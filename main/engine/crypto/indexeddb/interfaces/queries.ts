/**
 * The queries that an object store and an index have in common: get, getKey, getAll, getAllKeys, getAllRecords, count
 * and the cursors. Used by IDBObjectStore and IDBIndex, once they have checked that they may be asked.
 * spec: IndexedDB 4.5, 4.6; "create a request to retrieve multiple items"
 */
import { Cursor } from "../cursor.ts";
import { fromKey } from "../keys.ts";
import { type CursorDirection, findRecord, findRecords } from "../records.ts";
import type { Place, StoredRecord } from "../storage-types.ts";
import type { Transaction } from "../transaction.ts";
import { toDictionary, toEnforcedInteger, toEnum } from "../web-idl.ts";
import { openCursor } from "./idb-cursor.ts";
import { isKeyRange, toRange } from "./idb-key-range.ts";
import { toRecordFace } from "./idb-record.ts";
import { type IDBRequest, placeRequest } from "./idb-request.ts";

const DIRECTIONS: readonly CursorDirection[] = ["next", "nextunique", "prev", "prevunique"];

export function toDirection(value: unknown): CursorDirection {
  return value === undefined ? "next" : toEnum(value, DIRECTIONS, "IDBCursorDirection");
}

/** Who asks: the face, where it looks, and the transaction it looks in. */
export type Asker = { face: object; place: Place; transaction: Transaction };

export function askForValue({ face, place, transaction }: Asker, query: unknown): IDBRequest {
  const range = toRange(query, true);
  return placeRequest(transaction, face, () => {
    const record = findRecord(transaction.storage, place, range, true);
    return record?.value?.read();
  });
}

export function askForKey({ face, place, transaction }: Asker, query: unknown): IDBRequest {
  const range = toRange(query, true);
  return placeRequest(transaction, face, () => {
    const record = findRecord(transaction.storage, place, range, false);
    return record && fromKey(record.primaryKey);
  });
}

export function askForCount({ face, place, transaction }: Asker, query: unknown): IDBRequest {
  const range = toRange(query);
  return placeRequest(transaction, face, () => transaction.storage.count(place, range));
}

export function askForCursor(
  { face, place, transaction }: Asker,
  { query, direction, isKeyOnly }: { query: unknown; direction: CursorDirection; isKeyOnly: boolean },
): IDBRequest {
  return openCursor(transaction, face, new Cursor(place, toRange(query), direction, isKeyOnly));
}

/** What getAll() and its kin are asked for, as far as it can be told before the checks. */
export type ManyOptions = { query: unknown; limit: number; direction: CursorDirection };

/** The arguments (query, count), or one dictionary of options in their place. */
export function toManyOptions(queryOrOptions: unknown, count: unknown): ManyOptions {
  const limit = count === undefined ? -1 : toLimit(count);
  if (isQuery(queryOrOptions)) return { query: queryOrOptions, limit, direction: "next" };
  return toRecordOptions(queryOrOptions);
}

export function toRecordOptions(options: unknown): ManyOptions {
  const { count, direction, query } = toDictionary(options);
  return { query, limit: count === undefined ? -1 : toLimit(count), direction: toDirection(direction) };
}

/** 0 means no limit. */
function toLimit(count: unknown): number {
  return toEnforcedInteger(count, 32) || -1;
}

/** Whether it is meant as a query, valid or not, rather than as options. */
function isQuery(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (isKeyRange(value) || Array.isArray(value) || value instanceof Date) return true;
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

export function askForMany(
  { face, place, transaction }: Asker,
  { query, limit, direction }: ManyOptions,
  what: "values" | "keys" | "records",
): IDBRequest {
  const range = toRange(query);
  const shown = SHOW[what];
  return placeRequest(transaction, face, () =>
    findRecords(transaction.storage, place, range, { direction, limit, withValues: what !== "keys" }).map(shown),
  );
}

const SHOW = {
  values: ({ value }: StoredRecord): unknown => value?.read(),
  keys: ({ primaryKey }: StoredRecord): unknown => fromKey(primaryKey),
  records: toRecordFace,
};
