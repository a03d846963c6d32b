/**
 * IDBRecord: one record as getAllRecords() gives it.
 * spec: IndexedDB 3.0 "The IDBRecord interface"
 */
import { fromKey } from "../keys.ts";
import type { StoredRecord } from "../storage-types.ts";
import { construct, exposeInterface, INTERNAL, type Internal } from "../web-idl.ts";

type Members = { key: unknown; primaryKey: unknown; value: unknown };

export class IDBRecord {
  readonly #members: Members;

  constructor(...internal: Internal<Members>) {
    this.#members = construct(internal);
  }

  get key(): unknown {
    return this.#members.key;
  }

  get primaryKey(): unknown {
    return this.#members.primaryKey;
  }

  get value(): unknown {
    return this.#members.value;
  }
}
exposeInterface(IDBRecord);

export function toRecordFace({ key, primaryKey, value }: StoredRecord): IDBRecord {
  return new IDBRecord(INTERNAL, {
    key: fromKey(key),
    primaryKey: fromKey(primaryKey),
    value: value?.read(),
  });
}
