/**
 * IDBCursor and IDBCursorWithValue. Made by IDBObjectStore and IDBIndex.
 * spec: IndexedDB 4.8 "The IDBCursor interface"
 */
import { Cursor, type Step } from "../cursor.ts";
import { exception } from "../errors.ts";
import { extractKey } from "../key-path.ts";
import { KeyRange } from "../key-range.ts";
import { compareKeys, fromKey } from "../keys.ts";
import { deleteRecords, storeRecord } from "../records.ts";
import { Request } from "../request.ts";
import type { StoredRecord } from "../storage-types.ts";
import type { Transaction } from "../transaction.ts";
import { cloneValue } from "../values.ts";
import {
  construct,
  exposeInterface,
  INTERNAL,
  type Internal,
  type Optional,
  requireArguments,
  toEnforcedInteger,
} from "../web-idl.ts";
import { requireKey } from "./idb-key-range.ts";
import { IDBRequest, placeRequest } from "./idb-request.ts";

/** A cursor and what its face shows of the record it stands on. */
class CursorState {
  readonly cursor: Cursor;
  readonly source: object;
  readonly transaction: Transaction;
  readonly request: Request;
  /** Whether it stands on a record: not while a step is under way, and not past the end. */
  gotValue = false;
  key: unknown;
  primaryKey: unknown;
  value: unknown;

  constructor(cursor: Cursor, source: object, transaction: Transaction) {
    this.cursor = cursor;
    this.source = source;
    this.transaction = transaction;
    this.request = new Request(source, transaction);
  }

  /** Queues a step; the request's result is then `face`, or null past the last record. */
  step(step: Step, face: () => object): void {
    this.transaction.place(
      this.request,
      () => {
        const record = this.cursor.advance(this.transaction.storage, step);
        this.#show(record);
        return record ? face() : null;
      },
      false,
    );
  }

  #show(record: StoredRecord | undefined): void {
    this.gotValue = record !== undefined;
    this.key = record && fromKey(record.key);
    this.primaryKey = record && fromKey(record.primaryKey);
    this.value = record?.value?.read();
  }

  get place(): Cursor["place"] {
    return this.cursor.place;
  }

  get position(): StoredRecord {
    return this.cursor.position as StoredRecord;
  }

  requireActive(): void {
    if (this.transaction.state !== "active")
      throw exception("TransactionInactiveError", "The transaction is not active.");
  }

  requireAlive(): void {
    if (this.place.store.isDeleted || this.place.index?.isDeleted)
      throw exception("InvalidStateError", "The cursor's source was deleted.");
  }

  requireValue(): void {
    if (!this.gotValue) throw exception("InvalidStateError", "The cursor is moving, or has come to its end.");
  }

  requireWritable(): void {
    if (this.transaction.isReadOnly) throw exception("ReadOnlyError", "The transaction is read-only.");
  }
}

export class IDBCursor {
  readonly #state: CursorState;

  constructor(...internal: Internal<CursorState>) {
    this.#state = construct(internal);
  }

  get source(): object {
    return this.#state.source;
  }

  get direction(): string {
    return this.#state.cursor.direction;
  }

  get key(): unknown {
    return this.#state.key;
  }

  get primaryKey(): unknown {
    return this.#state.primaryKey;
  }

  get request(): EventTarget {
    return this.#state.request.face as EventTarget;
  }

  advance(count: unknown): void {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBCursor.advance");
    const steps = toEnforcedInteger(count, 32);
    if (steps === 0) throw new TypeError("A cursor does not advance by 0.");
    state.requireActive();
    state.requireAlive();
    state.requireValue();
    this.#move({ count: steps, key: undefined, primaryKey: undefined });
  }

  continue(...[key]: Optional): void {
    const state = this.#state;
    state.requireActive();
    state.requireAlive();
    state.requireValue();
    const target = key === undefined ? undefined : requireKey(key);
    if (target) {
      const order = compareKeys(target, state.position.key);
      if (state.cursor.isDescending ? order >= 0 : order <= 0) throw notAhead();
    }
    this.#move({ count: 1, key: target, primaryKey: undefined });
  }

  continuePrimaryKey(key: unknown, primaryKey: unknown): void {
    const state = this.#state;
    requireArguments(arguments.length, 2, "IDBCursor.continuePrimaryKey");
    state.requireActive();
    state.requireAlive();
    if (!state.place.index || state.cursor.isUnique)
      throw exception("InvalidAccessError", "Only a cursor over all records of an index continues to a primary key.");
    state.requireValue();
    const target = requireKey(key);
    const primaryTarget = requireKey(primaryKey);
    const order = compareKeys(target, state.position.key) || compareKeys(primaryTarget, state.position.primaryKey);
    if (state.cursor.isDescending ? order >= 0 : order <= 0) throw notAhead();
    this.#move({ count: 1, key: target, primaryKey: primaryTarget });
  }

  #move(step: Step): void {
    this.#state.gotValue = false;
    this.#state.request.restart();
    this.#state.step(step, () => this);
  }

  update(value: unknown): IDBRequest {
    const state = this.#state;
    requireArguments(arguments.length, 1, "IDBCursor.update");
    const { transaction, place } = state;
    state.requireActive();
    state.requireWritable();
    state.requireAlive();
    state.requireValue();
    requireValues(state);
    const key = state.position.primaryKey;
    const clone = transaction.whileInactive(() => cloneValue(value));
    if (place.store.keyPath !== null) {
      const inside = extractKey(clone, place.store.keyPath);
      if (typeof inside === "string" || compareKeys(inside, key) !== 0)
        throw exception("DataError", "An update may not change the key.");
    }
    return placeRequest(
      transaction,
      this,
      () => fromKey(storeRecord(transaction, place.store, { clone, key, isNew: false })),
      { writes: true },
    );
  }

  delete(): IDBRequest {
    const state = this.#state;
    const { transaction, place } = state;
    state.requireActive();
    state.requireWritable();
    state.requireAlive();
    state.requireValue();
    requireValues(state);
    const key = state.position.primaryKey;
    return placeRequest(transaction, this, () => deleteRecords(transaction.storage, place.store, KeyRange.only(key)), {
      writes: true,
    });
  }
}
exposeInterface(IDBCursor);

function requireValues(state: CursorState): void {
  if (state.cursor.isKeyOnly) throw exception("InvalidStateError", "The cursor goes over keys only.");
}

function notAhead(): DOMException {
  return exception("DataError", "The key is not ahead of the cursor.");
}

export class IDBCursorWithValue extends IDBCursor {
  readonly #state: CursorState;

  constructor(...internal: Internal<CursorState>) {
    super(...internal);
    this.#state = internal[1] as CursorState;
  }

  get value(): unknown {
    return this.#state.value;
  }
}
exposeInterface(IDBCursorWithValue);

/** Opens `cursor` for `source` and asks for its first record. */
export function openCursor(transaction: Transaction, source: object, cursor: Cursor): IDBRequest {
  const state = new CursorState(cursor, source, transaction);
  const face = new (cursor.isKeyOnly ? IDBCursor : IDBCursorWithValue)(INTERNAL, state);
  const request = new IDBRequest(INTERNAL, state.request);
  state.step({ count: 1, key: undefined, primaryKey: undefined }, () => face);
  return request;
}
