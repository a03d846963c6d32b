/** What scripts see: the shape of every interface, wrong `this`, missing arguments, and the globals. */
import { describe, expect, test } from "vitest";
import * as engine from "../../../../main/engine/crypto/indexeddb/index.ts";
import { done, openDatabase, openFile, openStore, temporaryFolder, thrownBy } from "./support.ts";
import { join } from "node:path";

/** Each interface: its parent, its attributes, and its operations with their number of required arguments. */
const INTERFACES: Record<string, { parent: string; attributes: string; operations: Record<string, number>; statics?: Record<string, number> }> = {
  IDBRequest: { parent: "EventTarget", attributes: "result error source transaction readyState onsuccess onerror", operations: {} },
  IDBOpenDBRequest: { parent: "IDBRequest", attributes: "onblocked onupgradeneeded", operations: {} },
  IDBVersionChangeEvent: { parent: "Event", attributes: "oldVersion newVersion", operations: {} },
  IDBFactory: { parent: "Object", attributes: "", operations: { open: 1, deleteDatabase: 1, databases: 0, cmp: 2 } },
  IDBDatabase: { parent: "EventTarget", attributes: "name version objectStoreNames onabort onclose onerror onversionchange", operations: { transaction: 1, close: 0, createObjectStore: 1, deleteObjectStore: 1 } },
  IDBObjectStore: { parent: "Object", attributes: "name keyPath indexNames transaction autoIncrement", operations: { put: 1, add: 1, delete: 1, clear: 0, get: 1, getKey: 1, getAll: 0, getAllKeys: 0, getAllRecords: 0, count: 0, openCursor: 0, openKeyCursor: 0, index: 1, createIndex: 2, deleteIndex: 1 } },
  IDBIndex: { parent: "Object", attributes: "name objectStore keyPath multiEntry unique", operations: { get: 1, getKey: 1, getAll: 0, getAllKeys: 0, getAllRecords: 0, count: 0, openCursor: 0, openKeyCursor: 0 } },
  IDBKeyRange: { parent: "Object", attributes: "lower upper lowerOpen upperOpen", operations: { includes: 1 }, statics: { only: 1, lowerBound: 1, upperBound: 1, bound: 2 } },
  IDBRecord: { parent: "Object", attributes: "key primaryKey value", operations: {} },
  IDBCursor: { parent: "Object", attributes: "source direction key primaryKey request", operations: { advance: 1, continue: 0, continuePrimaryKey: 2, update: 1, delete: 0 } },
  IDBCursorWithValue: { parent: "IDBCursor", attributes: "value", operations: {} },
  IDBTransaction: { parent: "EventTarget", attributes: "objectStoreNames mode durability db error onabort oncomplete onerror", operations: { objectStore: 1, commit: 0, abort: 0 } },
  DOMStringList: { parent: "Object", attributes: "length", operations: { item: 1, contains: 1 } },
}; // prettier-ignore

const scope: Record<string, unknown> = {};
engine.installIndexedDbGlobals(openFileFactory(), scope);
function openFileFactory() {
  return engine.openIndexedDbRouter().indexedDB;
}
type Class = (new (...parameters: unknown[]) => object) & { prototype: object };

describe.each(Object.entries(INTERFACES))("%s", (name, { parent, attributes, operations, statics = {} }) => {
  const type = scope[name] as Class;
  const parentType = (scope[parent] ?? (globalThis as Record<string, unknown>)[parent]) as Class;

  test("is a global that does not show, of the right name, length, parent and class string", () => {
    expect(Object.getOwnPropertyDescriptor(scope, name)).toEqual({ value: type, writable: true, configurable: true, enumerable: false });
    expect([type.name, type.length]).toEqual([name, name === "IDBVersionChangeEvent" ? 1 : 0]);
    expect(Object.getPrototypeOf(type.prototype)).toBe(parentType.prototype);
    expect(Object.getPrototypeOf(type)).toBe(parent === "Object" ? Function.prototype : parentType);
    expect(Object.getOwnPropertyDescriptor(type, "prototype")).toMatchObject({ writable: false, enumerable: false, configurable: false });
    expect(Object.getOwnPropertyDescriptor(type.prototype, "constructor")).toMatchObject({ value: type, writable: true, enumerable: false, configurable: true });
    expect(Object.getOwnPropertyDescriptor(type.prototype, Symbol.toStringTag)).toEqual({ value: name, writable: false, enumerable: false, configurable: true });
  }); // prettier-ignore

  test("cannot be constructed by scripts, or needs its arguments", () => {
    expect(() => new type()).toThrow(TypeError);
    expect(() => (type as unknown as () => void)()).toThrow(TypeError);
  });

  test.each(attributes.split(" ").filter(Boolean))("has the attribute %s", (attribute) => {
    const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(type.prototype, attribute) ?? {};
    const isWritable = attribute.startsWith("on") || (attribute === "name" && /ObjectStore|Index/.test(name));
    expect([enumerable, configurable, get?.name, get?.length]).toEqual([true, true, `get ${attribute}`, 0]);
    expect([set?.name, set?.length]).toEqual(isWritable ? [`set ${attribute}`, 1] : [undefined, undefined]);
    for (const wrong of [{}, null, type.prototype]) expect(() => get?.call(wrong)).toThrow(TypeError);
    if (set) expect(() => set.call({}, "x")).toThrow(TypeError);
  });

  test.each(Object.entries(operations))("has the operation %s", async (operation, length) => {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, operation);
    expect(descriptor).toMatchObject({ writable: true, enumerable: true, configurable: true });
    const method = descriptor?.value as (...parameters: unknown[]) => unknown;
    expect([method.name, method.length]).toEqual([operation, length]);
    expect(() => new (method as unknown as Class)()).toThrow(TypeError);
    const parameters = Array.from({ length }, () => 1);
    if (operation === "databases") await expect(method.call({})).rejects.toThrow(TypeError);
    else expect(() => method.apply({}, parameters)).toThrow(TypeError);
  });

  test.each(Object.entries(statics))("has the static operation %s", (operation, length) => {
    const descriptor = Object.getOwnPropertyDescriptor(type, operation);
    expect(descriptor).toMatchObject({ writable: true, enumerable: true, configurable: true });
    const method = descriptor?.value as () => void;
    expect(method.length).toBe(length);
    expect(() => method()).toThrow(TypeError);
  });
});

test("indexedDB is a read-only attribute that shows, and always the same", () => {
  const descriptor = Object.getOwnPropertyDescriptor(scope, "indexedDB");
  expect(descriptor).toMatchObject({ enumerable: true, configurable: true, set: undefined });
  expect([descriptor?.get?.name, scope["indexedDB"] === scope["indexedDB"]]).toEqual(["get indexedDB", true]);
});

test("missing arguments are TypeErrors before anything else is looked at", async () => {
  const { store, database } = await openStore();
  const opened = store();
  await done(opened.count());
  for (const [target, operations] of [[opened, INTERFACES["IDBObjectStore"]], [database, INTERFACES["IDBDatabase"]]] as const)
    for (const [operation, length] of Object.entries(operations?.operations ?? {})) {
      if (length === 0) continue;
      const method = (target as unknown as Record<string, () => void>)[operation];
      expect(thrownBy(() => method?.call(target))).toBe("TypeError");
    }
}); // prettier-ignore

test("key ranges have their bounds as given, and refuse what is none", () => {
  const Range = engine.IDBKeyRange;
  const range = Range.bound("a", [1], true);
  expect([range.lower, range.upper, range.lowerOpen, range.upperOpen]).toEqual(["a", [1], true, false]);
  expect(range.upper).toBe(range.upper);
  expect(range.lower).toBe(range.lower);
  const half = Range.lowerBound(0);
  expect([half.lower, half.upper, half.lowerOpen, half.upperOpen]).toEqual([0, undefined, false, true]);
  const only = Range.only("x");
  expect([only.lower, only.upper, only.lowerOpen, only.upperOpen]).toEqual(["x", "x", false, false]);
  expect([range.includes("a"), range.includes([1]), range.includes("b")]).toEqual([false, true, true]);
  for (const work of [() => Range.bound(2, 1), () => Range.bound(1, 1, true), () => Range.only(null), () => Range.lowerBound({}), () => range.includes(undefined)])
    expect(thrownBy(work)).toMatch(/DataError/);
}); // prettier-ignore

test("a version change event is constructed with its versions", () => {
  const event = new engine.IDBVersionChangeEvent("versionchange", {
    oldVersion: 3,
    newVersion: 2 ** 53,
    bubbles: true,
  });
  expect([event.type, event.oldVersion, event.newVersion, event.bubbles]).toEqual(["versionchange", 3, 2 ** 53, true]);
  const plain = new engine.IDBVersionChangeEvent("x");
  expect([plain.oldVersion, plain.newVersion, plain.isTrusted]).toEqual([0, null, false]);
});

test("a list of names is indexed, iterated, and asked", async () => {
  const { indexedDB } = openFile();
  const database = await openDatabase(indexedDB, (opened) => {
    opened.createObjectStore("b");
    opened.createObjectStore("a");
  });
  const names = database.objectStoreNames;
  expect([names.length, names[0], names[1], names[2], names.item(1), names.item(9)]).toEqual([2, "a", "b", undefined, "b", null]);
  expect([names.contains("a"), names.contains("c"), [...names], Object.keys(names)]).toEqual([true, false, ["a", "b"], ["0", "1"]]);
}); // prettier-ignore

test("the router leads a name to the longest prefix mounted, and no other name anywhere", async () => {
  const router = engine.openIndexedDbRouter();
  const folder = temporaryFolder();
  const [one, two] = [openFile(join(folder, "1.db")), openFile(join(folder, "2.db"))];
  const unmount = router.mount("alice", one.handle);
  router.mount("alice2", two.handle);
  const factory = router.indexedDB as unknown as IDBFactory;
  (await openDatabase(factory, undefined, { name: "alice::x" })).close();
  (await openDatabase(factory, undefined, { name: "alice2::x" })).close();
  expect(await one.indexedDB.databases()).toEqual([{ name: "alice::x", version: 1 }]);
  expect(await two.indexedDB.databases()).toEqual([{ name: "alice2::x", version: 1 }]);
  expect(await factory.databases()).toHaveLength(2);
  expect(thrownBy(() => factory.open("bob"))).toBe("UnknownError");
  expect(() => router.mount("alice", one.handle)).toThrow(/mounted already/);
  unmount();
  expect(thrownBy(() => factory.open("alice::x"))).toBe("UnknownError");
}); // prettier-ignore
