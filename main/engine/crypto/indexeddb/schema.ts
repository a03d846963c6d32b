/**
 * The shape of a database in memory: its object stores and their indexes, as the file has them. Made by
 * storage.ts when a database is first opened, changed by upgrade transactions only.
 * Invariant: an object store or index is one object for as long as it exists, whatever it is called; an upgrade
 * that aborts puts back every name and member as they were (SchemaSnapshot).
 */
import type { KeyPath } from "./key-path.ts";

export type IndexSchema = {
  readonly id: number;
  name: string;
  readonly keyPath: KeyPath;
  readonly unique: boolean;
  readonly multiEntry: boolean;
  isDeleted: boolean;
};

export type StoreSchema = {
  readonly id: number;
  name: string;
  readonly keyPath: KeyPath | null;
  readonly autoIncrement: boolean;
  /** The next generated key; above MAX_GENERATED there is none. */
  nextKey: number;
  indexes: Map<string, IndexSchema>;
  isDeleted: boolean;
};

/** 2^53, the highest number that a key generator gives. */
export const MAX_GENERATED = 2 ** 53;

export type DatabaseSchema = {
  readonly id: number;
  readonly name: string;
  /** 0 until the first upgrade has committed. */
  version: number;
  stores: Map<string, StoreSchema>;
};

/** Names in the specification's order, by code unit. */
export function sortedNames(names: Iterable<string>): string[] {
  // The default order of sort() is that of code units.
  return [...names].sort(); // oxlint-disable-line unicorn/no-array-sort
}

/** Remembers a schema as it is, and puts it back. */
export class SchemaSnapshot {
  readonly #schema: DatabaseSchema;
  readonly #version: number;
  readonly #stores: readonly (readonly [StoreSchema, StoreSchema])[];
  readonly #indexes: readonly (readonly [IndexSchema, IndexSchema])[];

  constructor(schema: DatabaseSchema) {
    this.#schema = schema;
    this.#version = schema.version;
    const stores = [...schema.stores.values()];
    this.#stores = stores.map((store) => [store, { ...store, indexes: new Map(store.indexes) }]);
    this.#indexes = stores.flatMap((store) =>
      [...store.indexes.values()].map((index) => [index, { ...index }] as const),
    );
  }

  restore(): void {
    const schema = this.#schema;
    // What the upgrade made is gone; what it deleted is back.
    for (const store of schema.stores.values()) {
      store.isDeleted = true;
      for (const index of store.indexes.values()) index.isDeleted = true;
      store.indexes = new Map();
    }
    for (const [index, before] of this.#indexes) Object.assign(index, before);
    for (const [store, before] of this.#stores) Object.assign(store, before, { indexes: new Map(before.indexes) });
    schema.version = this.#version;
    schema.stores = new Map(this.#stores.map(([store]) => [store.name, store]));
  }
}
