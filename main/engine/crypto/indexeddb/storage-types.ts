/**
 * What Storage is asked and what it gives. Shared by storage.ts and read-cache.ts.
 */
import type { Key } from "./keys.ts";
import type { IndexSchema, StoreSchema } from "./schema.ts";
import type { StoredValue } from "./values.ts";

/** A record as a query gives it; the value only where it was asked for. In an object store both keys are one. */
export type StoredRecord = { readonly key: Key; readonly primaryKey: Key; readonly value: StoredValue | undefined };

/** Where a query looks: an object store's records, or an index of it. */
export type Place = { readonly store: StoreSchema; readonly index: IndexSchema | undefined };

/** Which records of a place, in which order. */
export type Query = {
  readonly from: Buffer;
  readonly until: Buffer;
  readonly isDescending: boolean;
  readonly withValues: boolean;
  /** At most this many; -1 is all. */
  readonly limit: number;
};
