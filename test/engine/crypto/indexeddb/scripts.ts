/**
 * Random scripts of IndexedDB operations, and the interpreter that runs one on any implementation and writes down all
 * that a program can see: results, errors, how each transaction ended, and the records left. Used by the differential
 * tests. The interpreter is one self-contained function, since Chromium gets it as text.
 */
import fc from "fast-check";

/** A key as JSON: kinds that JSON lacks are spelled out. */
export type KeyText = number | string | { date: number } | { bytes: number[] } | { invalid: string } | KeyText[];
export type QueryText =
  | { key: KeyText }
  | { lower: KeyText; upper: KeyText; lowerOpen: boolean; upperOpen: boolean }
  | { above: KeyText; open: boolean }
  | { below: KeyText; open: boolean }
  | null;
type Value = { a?: KeyText; tags?: KeyText | KeyText[]; u?: KeyText; id?: KeyText; note: number };
type Place = { store: "plain" | "auto"; index: "a" | "tags" | "u" | "pair" | null };
type CursorStep =
  | { step: "continue" | "delete" | "update" }
  | { step: "continueTo"; key: KeyText }
  | { step: "advance"; count: number }
  | { step: "continuePrimaryKey"; key: KeyText; primaryKey: KeyText };
export type Operation =
  | { do: "put" | "add"; store: Place["store"]; value: Value; key: KeyText | null }
  | { do: "delete"; store: Place["store"]; query: QueryText }
  | { do: "clear"; store: Place["store"] }
  | { do: "get" | "getKey" | "count"; place: Place; query: QueryText }
  | { do: "getAll" | "getAllKeys"; place: Place; query: QueryText; limit: number }
  | {
      do: "cursor";
      place: Place;
      query: QueryText;
      direction: IDBCursorDirection;
      keysOnly: boolean;
      steps: CursorStep[];
    };
export type ScriptTransaction = {
  mode: "readonly" | "readwrite";
  stores: Place["store"][];
  /** Whether each operation waits for the one before, or all are asked for at once. */
  waits: boolean;
  operations: Operation[];
  end: "none" | "abort" | "commit";
};
export type Script = { transactions: ScriptTransaction[] };

const scalar: fc.Arbitrary<KeyText> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -1, max: 5 }) },
  { weight: 3, arbitrary: fc.constantFrom("", "a", "a\u0000", "b", "\ud83d\ude00", "\uffff", "é") },
  { weight: 1, arbitrary: fc.constantFrom(0.5, -1.5, 1e300) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }).map((date) => ({ date })) },
  { weight: 1, arbitrary: fc.constantFrom([], [0], [0, 1], [255]).map((bytes): KeyText => ({ bytes: [...bytes] })) },
);
const validKey: fc.Arbitrary<KeyText> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
);
const invalidKey: fc.Arbitrary<KeyText> = fc
  .constantFrom("NaN", "null", "object", "true", "invalid date")
  .map((invalid) => ({ invalid }));
const anyKey = fc.oneof({ weight: 20, arbitrary: validKey }, { weight: 1, arbitrary: invalidKey });
const someQuery: fc.Arbitrary<QueryText> = fc.oneof(
  { weight: 4, arbitrary: anyKey.map((key) => ({ key })) },
  fc.record({ lower: validKey, upper: validKey, lowerOpen: fc.boolean(), upperOpen: fc.boolean() }),
  fc.record({ above: validKey, open: fc.boolean() }),
  fc.record({ below: validKey, open: fc.boolean() }),
  fc.constant(null),
);
const someValue: fc.Arbitrary<Value> = fc
  .record(
    {
      a: anyKey,
      tags: fc.oneof(anyKey, fc.array(anyKey, { maxLength: 3 })),
      u: fc.oneof({ weight: 1, arbitrary: fc.integer({ min: 0, max: 30 }) }, { weight: 1, arbitrary: invalidKey }),
      id: anyKey,
      note: fc.nat(1000),
    },
    { requiredKeys: ["note"] },
  )
  .map((members) => members);
const someStore = fc.constantFrom<Place["store"]>("plain", "auto");
const somePlace: fc.Arbitrary<Place> = fc.record({
  store: someStore,
  index: fc.constantFrom<Place["index"]>(null, null, "a", "tags", "u", "pair"),
});
const someStep: fc.Arbitrary<CursorStep> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ step: "continue" as const }) },
  fc.constantFrom({ step: "delete" as const }, { step: "update" as const }),
  // Not null, which Chromium takes for no key at all.
  anyKey
    .filter((key) => !(typeof key === "object" && "invalid" in key && key.invalid === "null"))
    .map((key) => ({ step: "continueTo" as const, key })),
  fc.integer({ min: 0, max: 3 }).map((count) => ({ step: "advance" as const, count })),
  fc.record({ step: fc.constant("continuePrimaryKey" as const), key: anyKey, primaryKey: anyKey }),
);
const someOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("put" as const, "put" as const, "add" as const),
      store: someStore,
      value: someValue,
      key: fc.option(anyKey, { freq: 3 }),
    }),
  },
  fc.record({ do: fc.constant("delete" as const), store: someStore, query: someQuery }),
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("get" as const, "getKey" as const),
      place: somePlace,
      query: someQuery,
    }),
  },
  fc.record({ do: fc.constant("count" as const), place: somePlace, query: someQuery }),
  fc.record({
    do: fc.constantFrom("getAll" as const, "getAllKeys" as const),
    place: somePlace,
    query: someQuery,
    limit: fc.nat(4),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("cursor" as const),
      place: somePlace,
      query: someQuery,
      direction: fc.constantFrom<IDBCursorDirection>("next", "nextunique", "prev", "prevunique"),
      keysOnly: fc.boolean(),
      steps: fc.array(someStep, { maxLength: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), store: someStore }) },
);
const someTransaction: fc.Arbitrary<ScriptTransaction> = fc.record({
  mode: fc.constantFrom("readwrite" as const, "readwrite" as const, "readwrite" as const, "readonly" as const),
  stores: fc.constantFrom<Place["store"][]>(["plain", "auto"], ["plain", "auto"], ["plain"], ["auto"]),
  waits: fc.boolean(),
  operations: fc.array(someOperation, { minLength: 1, maxLength: 12 }),
  end: fc.constantFrom("none" as const, "none" as const, "none" as const, "abort" as const, "commit" as const),
});
export const scripts: fc.Arbitrary<Script> = fc.record({
  transactions: fc.array(someTransaction, { minLength: 1, maxLength: 6 }),
});

type Implementation = { indexedDB: IDBFactory; IDBKeyRange: typeof IDBKeyRange };

/** Runs a script on a database of its own and gives all that was seen, as text. */
export async function runScript(script: Script, name: string, given?: Implementation): Promise<string[]> {
  const { indexedDB: factory, IDBKeyRange: Range } = given ?? globalThis;
  const seen: string[] = [];

  const toKey = (text: KeyText): IDBValidKey => {
    if (Array.isArray(text)) return text.map(toKey);
    if (typeof text !== "object") return text;
    if ("date" in text) return new Date(text.date);
    if ("bytes" in text) return Uint8Array.from(text.bytes).buffer;
    const invalid: Record<string, unknown> = { NaN: Number.NaN, null: null, object: { x: 1 }, true: true };
    return (text.invalid in invalid ? invalid[text.invalid] : new Date(Number.NaN)) as IDBValidKey;
  };
  const toQuery = (text: QueryText): IDBValidKey | IDBKeyRange | null => {
    if (text === null) return null;
    if ("key" in text) return toKey(text.key);
    if ("above" in text) return Range.lowerBound(toKey(text.above), text.open);
    if ("below" in text) return Range.upperBound(toKey(text.below), text.open);
    return Range.bound(toKey(text.lower), toKey(text.upper), text.lowerOpen, text.upperOpen);
  };
  const toValue = ({ note, ...members }: Value): unknown => {
    const built: Record<string, unknown> = { note };
    for (const [member, text] of Object.entries(members)) built[member] = toKey(text);
    return built;
  };
  const show = (value: unknown): string => {
    if (value === undefined) return "undefined";
    // Infinity is no JSON.
    if (typeof value === "number") return `${value}`;
    if (value instanceof Date) return `Date(${value.getTime()})`;
    if (Object.prototype.toString.call(value) === "[object ArrayBuffer]")
      return `Bytes(${new Uint8Array(value as ArrayBuffer).join()})`;
    if (Array.isArray(value)) return `[${value.map(show).join()}]`;
    if (typeof value === "object" && value !== null)
      return `{${Object.entries(value)
        .map(([member, content]) => `${member}:${show(content)}`)
        .join()}}`;
    return JSON.stringify(value) ?? "no text";
  };
  const nameOf = (error: unknown): string => (error as Error).name;

  /** Resolves when the request has told all it will. */
  const ask = (label: string, request: IDBRequest, onResult?: (result: unknown) => boolean): Promise<void> =>
    new Promise((resolve) => {
      request.onsuccess = () => {
        if (onResult) {
          if (onResult(request.result)) return;
        } else seen.push(`${label} = ${show(request.result)}`);
        resolve();
      };
      request.addEventListener("error", (event) => {
        seen.push(`${label} failed: ${nameOf(request.error)}`);
        // One error in three ends its transaction.
        if (seen.length % 3 !== 0) event.preventDefault();
        resolve();
      });
    });

  const drive = (label: string, operation: Operation & { do: "cursor" }, source: IDBObjectStore | IDBIndex) => {
    const steps = [...operation.steps];
    const method = operation.keysOnly ? "openKeyCursor" : "openCursor";
    let stepsTaken = 0;
    const request = source[method](toQuery(operation.query), operation.direction);
    return ask(label, request, (result) => {
      const cursor = result as IDBCursorWithValue | null;
      if (!cursor) {
        seen.push(`${label} ends`);
        return false;
      }
      seen.push(`${label} at ${show(cursor.key)} ${show(cursor.primaryKey)} ${show(cursor.value)}`);
      for (;;) {
        const next = steps.shift() ?? { step: "continue" as const };
        if (++stepsTaken > 40) return false;
        try {
          switch (next.step) {
            case "continue":
              cursor.continue();
              return true;
            case "continueTo":
              cursor.continue(toKey(next.key));
              return true;
            case "advance":
              cursor.advance(next.count);
              return true;
            case "continuePrimaryKey":
              cursor.continuePrimaryKey(toKey(next.key), toKey(next.primaryKey));
              return true;
            case "delete":
              void ask(`${label} delete`, cursor.delete());
              break;
            case "update":
              void ask(`${label} update`, cursor.update({ ...(cursor.value as object), note: -stepsTaken }));
              break;
          }
        } catch (error) {
          seen.push(`${label} ${next.step} throws ${nameOf(error)}`);
        }
      }
    });
  };

  const perform = (label: string, operation: Operation, transaction: IDBTransaction): Promise<void> => {
    const storeName = "place" in operation ? operation.place.store : operation.store;
    const store = transaction.objectStore(storeName);
    const indexName = "place" in operation ? operation.place.index : null;
    const source = indexName === null ? store : store.index(indexName);
    switch (operation.do) {
      case "put":
      case "add": {
        const key = operation.key === null ? undefined : toKey(operation.key);
        return ask(label, store[operation.do](toValue(operation.value), key));
      }
      case "delete":
        return ask(label, store.delete(toQuery(operation.query) as IDBValidKey));
      case "clear":
        return ask(label, store.clear());
      case "get":
      case "getKey":
      case "count":
        return ask(label, source[operation.do](toQuery(operation.query) as IDBValidKey));
      case "getAll":
      case "getAllKeys":
        return ask(label, source[operation.do](toQuery(operation.query), operation.limit));
      case "cursor":
        return drive(label, operation, source);
    }
  };

  const opening = factory.open(name, 1);
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.onupgradeneeded = () => {
      for (const store of [
        opening.result.createObjectStore("plain"),
        opening.result.createObjectStore("auto", { keyPath: "id", autoIncrement: true }),
      ]) {
        store.createIndex("a", "a");
        store.createIndex("tags", "tags", { multiEntry: true });
        store.createIndex("u", "u", { unique: true });
        store.createIndex("pair", ["a", "note"]);
      }
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.addEventListener("error", () => reject(opening.error as DOMException));
  });
  for (const [at, { mode, stores, waits, operations, end }] of script.transactions.entries()) {
    const transaction = database.transaction(stores, mode);
    const ending = new Promise<void>((resolve) => {
      transaction.oncomplete = () => {
        seen.push(`${at} complete`);
        resolve();
      };
      transaction.addEventListener("abort", () => {
        seen.push(`${at} abort: ${transaction.error?.name}`);
        resolve();
      });
    });
    for (const [number, operation] of operations.entries()) {
      const label = `${at}.${number} ${operation.do}`;
      try {
        const asked = perform(label, operation, transaction);
        if (waits) await asked;
      } catch (error) {
        seen.push(`${label} throws ${nameOf(error)}`);
      }
    }
    try {
      if (end !== "none") transaction[end]();
    } catch (error) {
      seen.push(`${at} ${end} throws ${nameOf(error)}`);
    }
    await ending;
  }
  const last = database.transaction(["plain", "auto"]);
  for (const storeName of ["plain", "auto"]) {
    const store = last.objectStore(storeName);
    for (const source of [store, ...[...store.indexNames].map((index) => store.index(index))])
      await ask(`${storeName} ${source.name} keys`, source.getAllKeys());
    await ask(`${storeName} values`, store.getAll());
  }
  database.close();
  await new Promise<void>((resolve) => {
    factory.deleteDatabase(name).onsuccess = () => resolve();
  });
  return seen;
}
