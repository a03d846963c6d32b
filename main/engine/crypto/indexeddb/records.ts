/**
 * What requests do to the records of an object store and to its indexes. Run by transactions, asked by the faces.
 * Invariant: an index holds, for every record of its object store, exactly the entries that its key path finds in
 * the record's value; since that is a function of the value alone, the entries to remove are found the same way.
 * spec: IndexedDB 6.1 to 6.8 "Database operations"
 */
import { exception } from "./errors.ts";
import { extractIndexKeys, injectKey } from "./key-path.ts";
import { after, KeyRange } from "./key-range.ts";
import { type Key, fromKey, toKey } from "./keys.ts";
import { type IndexSchema, MAX_GENERATED, type StoreSchema } from "./schema.ts";
import type { Storage } from "./storage.ts";
import type { Place, StoredRecord } from "./storage-types.ts";
import type { Transaction } from "./transaction.ts";
import { StoredValue } from "./values.ts";

export type CursorDirection = "next" | "nextunique" | "prev" | "prevunique";

/** Stores a clone and gives its key. With `isNew` a record of the same key is a ConstraintError. */
export function storeRecord(
  transaction: Transaction,
  store: StoreSchema,
  { clone, key: givenKey, isNew }: { clone: unknown; key: Key | undefined; isNew: boolean },
): Key {
  const { storage } = transaction;
  const key = givenKey ?? generateKey(transaction, store);
  if (givenKey) moveGenerator(transaction, store, givenKey);
  else if (typeof store.keyPath === "string") injectKey(clone, store.keyPath, key);
  if (store.indexes.size === 0) {
    const value = StoredValue.of(clone);
    if (!isNew) storage.putRecord(store, key, value);
    else if (!storage.addRecord(store, key, value)) throw keyExists();
    return key;
  }
  const before = storage.getValue(store, key);
  if (before && isNew) throw keyExists();
  const entries = entriesOf(store, clone);
  for (const { index, keys } of entries)
    if (index.unique && keys.some((entry) => storage.hasOtherEntry(index, entry, key))) throw notUnique(index);
  const known = before ? entriesOf(store, before.read()) : [];
  for (const { index, keys } of known) {
    const kept = entries.find((entry) => entry.index === index)?.keys ?? [];
    for (const entry of keys) if (!kept.some((other) => other.equals(entry))) storage.deleteEntry(index, entry, key);
  }
  storage.putRecord(store, key, StoredValue.of(clone));
  for (const { index, keys } of entries) {
    const had = known.find((entry) => entry.index === index)?.keys ?? [];
    for (const entry of keys) if (!had.some((other) => other.equals(entry))) storage.addEntry(index, entry, key);
  }
  return key;
}

function entriesOf(store: StoreSchema, value: unknown): { index: IndexSchema; keys: Key[] }[] {
  return [...store.indexes.values()].map((index) => ({
    index,
    keys: extractIndexKeys(value, index.keyPath, index.multiEntry),
  }));
}

function generateKey(transaction: Transaction, store: StoreSchema): Key {
  if (store.nextKey > MAX_GENERATED) throw exception("ConstraintError", "The key generator has given its last number.");
  transaction.keepGenerator(store);
  const key = toKey(store.nextKey) as Key;
  // 2^53 + 1 is no double; the next one is as good an end.
  store.nextKey += store.nextKey === MAX_GENERATED ? 2 : 1;
  return key;
}

/** A number given by hand moves the generator past itself. */
function moveGenerator(transaction: Transaction, store: StoreSchema, key: Key): void {
  if (!store.autoIncrement) return;
  const value = fromKey(key);
  if (typeof value !== "number" || value < store.nextKey) return;
  transaction.keepGenerator(store);
  const reached = Math.floor(Math.min(value, MAX_GENERATED));
  store.nextKey = reached + (reached === MAX_GENERATED ? 2 : 1);
}

function keyExists(): DOMException {
  return exception("ConstraintError", "A record with this key exists already.");
}

function notUnique(index: IndexSchema): DOMException {
  return exception("ConstraintError", `Another record has this key in the unique index "${index.name}".`);
}

export function deleteRecords(storage: Storage, store: StoreSchema, range: KeyRange): void {
  const { single } = range;
  if (store.indexes.size === 0) {
    if (single) storage.deleteRecord(store, single);
    else storage.deleteRecords(store, range);
    return;
  }
  for (;;) {
    const batch = storage.query(
      { store, index: undefined },
      { from: range.from, until: range.until, isDescending: false, withValues: true, limit: BATCH },
    );
    for (const { primaryKey, value } of batch) {
      for (const { index, keys } of entriesOf(store, value?.read()))
        for (const key of keys) storage.deleteEntry(index, key, primaryKey);
      storage.deleteRecord(store, primaryKey);
    }
    if (batch.length < BATCH) return;
  }
}

/** How many records are held at once while many are gone through. */
const BATCH = 256;

/** Fills a new index from the records that are there. */
export function fillIndex(storage: Storage, store: StoreSchema, index: IndexSchema): void {
  let { from } = KeyRange.all;
  for (;;) {
    const batch = storage.query(
      { store, index: undefined },
      { from, until: KeyRange.all.until, isDescending: false, withValues: true, limit: BATCH },
    );
    for (const { primaryKey, value } of batch)
      for (const key of extractIndexKeys(value?.read(), index.keyPath, index.multiEntry)) {
        if (index.unique && storage.hasOtherEntry(index, key, primaryKey)) throw notUnique(index);
        storage.addEntry(index, key, primaryKey);
      }
    const last = batch.at(-1);
    if (!last || batch.length < BATCH) return;
    from = after(last.primaryKey);
  }
}

/** The first record in `range`. */
export function findRecord(
  storage: Storage,
  place: Place,
  range: KeyRange,
  withValues: boolean,
): StoredRecord | undefined {
  const { single } = range;
  if (single && !place.index && withValues) {
    const value = storage.getValue(place.store, single);
    return value && { key: single, primaryKey: single, value };
  }
  return storage.query(place, { from: range.from, until: range.until, isDescending: false, withValues, limit: 1 })[0];
}

/** Up to `limit` records in `range`, in the order of `direction`; -1 is all. */
export function findRecords(
  storage: Storage,
  place: Place,
  range: KeyRange,
  { direction, withValues, limit }: { direction: CursorDirection; withValues: boolean; limit: number },
): readonly StoredRecord[] {
  const isDescending = direction.startsWith("prev");
  if (!place.index || !direction.endsWith("unique"))
    return storage.query(place, { from: range.from, until: range.until, isDescending, withValues, limit });
  const found: StoredRecord[] = [];
  let { from, until } = range;
  while (found.length !== limit) {
    const record = firstOfKey(storage, { ...place, index: place.index }, { from, until, isDescending, withValues });
    if (!record) break;
    found.push(record);
    if (isDescending) until = record.key;
    else from = after(record.key);
  }
  return found;
}

/** The next key's first record, whichever way the keys are gone through. */
export function firstOfKey(
  storage: Storage,
  place: Place & { index: IndexSchema },
  bounds: { from: Buffer; until: Buffer; isDescending: boolean; withValues: boolean },
): StoredRecord | undefined {
  const withValues = bounds.withValues && !bounds.isDescending;
  const [record] = storage.query(place, { ...bounds, withValues, limit: 1 });
  if (!record || !bounds.isDescending) return record;
  return storage.entryWithin(place, record.key, {
    from: KeyRange.all.from,
    until: KeyRange.all.until,
    isDescending: false,
    withValues: bounds.withValues,
  });
}
