/** Opening, upgrading, deleting and listing databases; versionchange and blocked; what aborts an upgrade. */
import { expect, test } from "vitest";
import { openIndexedDb } from "../../../../main/engine/crypto/indexeddb/index.ts";
import { done, ended, nextTask, openDatabase, openFile, openStore, temporaryFolder, thrownBy } from "./support.ts";
import { join } from "node:path";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const outcome = (request: IDBOpenDBRequest): Promise<string> =>
  new Promise((resolve) => {
    request.onsuccess = () => resolve("success");
    request.addEventListener("error", () => resolve((request.error as DOMException).name));
  });

test("a new database begins at version 0, with the version asked for or 1", async () => {
  const { indexedDB } = openFile();
  const versions: unknown[] = [];
  const database = await openDatabase(
    indexedDB,
    (_database, _transaction, event) => versions.push(event.oldVersion, event.newVersion),
    { version: 7 },
  );
  expect([database.version, database.name, versions]).toEqual([7, "test", [0, 7]]);
  const plain = await done(indexedDB.open("plain"));
  expect(plain.version).toBe(1);
  expect(await indexedDB.databases()).toEqual([
    { name: "test", version: 7 },
    { name: "plain", version: 1 },
  ]);
});

test("a version is an integer from 1 to 2^53 - 1", () => {
  const { indexedDB } = openFile();
  for (const version of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53, null, "x", {}, 1n, Symbol("a")])
    expect(thrownBy(() => indexedDB.open("a", version as number))).toBe("TypeError");
  expect(thrownBy(() => (indexedDB.open as unknown as () => void)())).toBe("TypeError");
});

test("a lower version is a VersionError, and the database stays as it is", async () => {
  const { indexedDB } = openFile();
  (await openDatabase(indexedDB, undefined, { version: 3 })).close();
  expect(await outcome(indexedDB.open("test", 2))).toBe("VersionError");
  expect((await done(indexedDB.open("test"))).version).toBe(3);
});

test("everything is there when the file is opened again, generators and names included", async () => {
  const first = openFile();
  const name = 'a"\ud800\0é';
  const database = await openDatabase(
    first.indexedDB,
    (opened) => {
      const store = opened.createObjectStore(name, { keyPath: "id", autoIncrement: true });
      store.createIndex(name, ["a", "b"], { unique: true });
      opened.createObjectStore("other", { keyPath: ["x", "y"] }).createIndex("many", "m", { multiEntry: true });
    },
    { name, version: 2 },
  );
  const writing = database.transaction(name, "readwrite");
  writing.objectStore(name).put({ a: 1, b: 2 });
  writing.objectStore(name).put({ id: 41 });
  expect(await ended(writing)).toBe("complete");
  first.handle.close();
  const { indexedDB } = openFile(first.path);
  const again = await openDatabase(indexedDB, undefined, { name, version: 2 });
  expect([...again.objectStoreNames]).toEqual([name, "other"].toSorted());
  const transaction = again.transaction([name, "other"], "readwrite");
  const store = transaction.objectStore(name);
  expect([store.keyPath, store.autoIncrement, [...store.indexNames]]).toEqual(["id", true, [name]]);
  expect([store.index(name).keyPath, store.index(name).unique]).toEqual([["a", "b"], true]);
  expect(transaction.objectStore("other").index("many").multiEntry).toBe(true);
  expect(await done(store.put({}))).toBe(42);
  expect(await done(store.index(name).get([1, 2]))).toEqual({ a: 1, b: 2, id: 1 });
});

test.each<[string, (database: IDBDatabase, transaction: IDBTransaction) => void]>([
  ["abort()", (_database, transaction) => transaction.abort()],
  ["a request that fails", (database) => {
    const store = database.createObjectStore("made");
    store.add(1, 1);
    store.add(1, 1);
  }],
  ["a unique index over what is not unique", (_database, transaction) => {
    transaction.objectStore("kept").createIndex("unique", "same", { unique: true });
  }],
])("an upgrade ended by %s leaves everything as it was", async (_name, spoil) => {
  const { indexedDB, path, handle } = openFile();
  const first = await openDatabase(indexedDB, (database) => {
    const store = database.createObjectStore("kept", { keyPath: "id", autoIncrement: true });
    store.createIndex("index", "a");
    store.add({ a: 1, same: 1 });
    store.add({ a: 2, same: 1 });
    database.createObjectStore("dropped").put("x", 1);
  });
  first.close();
  const request = indexedDB.open("test", 2);
  let seen: IDBDatabase | undefined;
  let stores: IDBObjectStore[] = [];
  request.onupgradeneeded = () => {
    const database = request.result;
    const transaction = request.transaction as IDBTransaction;
    seen = database;
    const kept = transaction.objectStore("kept");
    kept.name = "renamed";
    kept.index("index").name = "also renamed";
    kept.createIndex("new", "b");
    kept.add({ a: 3 });
    kept.name = "kept";
    stores = [kept, transaction.objectStore("dropped"), database.createObjectStore("created")];
    database.deleteObjectStore("dropped");
    spoil(database, transaction);
  };
  expect(await outcome(request)).toBe("AbortError");
  expect(request.transaction).toBeNull();
  expect([seen?.version, [...(seen?.objectStoreNames ?? [])]]).toEqual([1, ["dropped", "kept"]]);
  expect(stores.map((store) => [store.name, [...store.indexNames]])).toEqual([
    ["kept", ["index"]], ["dropped", []], ["created", []],
  ]);
  const check = async (factory: IDBFactory) => {
    const database = await openDatabase(factory);
    expect([...database.objectStoreNames]).toEqual(["dropped", "kept"]);
    const transaction = database.transaction(["dropped", "kept"], "readonly");
    expect(await done(transaction.objectStore("dropped").get(1))).toBe("x");
    expect(await done(transaction.objectStore("kept").index("index").getAllKeys())).toEqual([1, 2]);
    expect([...transaction.objectStore("kept").indexNames]).toEqual(["index"]);
    const writing = database.transaction("kept", "readwrite").objectStore("kept");
    expect(await done(writing.add({}))).toBe(3);
    writing.transaction.abort();
  };
  await check(indexedDB);
  handle.close();
  await check(openFile(path).indexedDB);
}); // prettier-ignore

test("a first upgrade that aborts leaves no database, and the next open begins anew", async () => {
  const { indexedDB } = openFile();
  const request = indexedDB.open("test", 5);
  let database: IDBDatabase | undefined;
  request.onupgradeneeded = () => {
    database = request.result;
    database.createObjectStore("a");
    (request.transaction as IDBTransaction).abort();
  };
  expect(await outcome(request)).toBe("AbortError");
  expect([database?.version, database?.objectStoreNames.length]).toEqual([0, 0]);
  expect(thrownBy(() => request.result)).toBe("nothing");
  expect(request.result).toBeUndefined();
  expect(await indexedDB.databases()).toEqual([]);
  expect((await openDatabase(indexedDB)).version).toBe(1);
});

test("databases() does not tell of an upgrade that has not committed", async () => {
  const { indexedDB } = openFile();
  (await openDatabase(indexedDB)).close();
  const request = indexedDB.open("test", 2);
  const other = indexedDB.open("new");
  const listed = new Promise((resolve) => {
    request.onupgradeneeded = () => resolve(indexedDB.databases());
  });
  expect(await listed).toEqual([{ name: "test", version: 1 }]);
  await Promise.all([done(request), done(other)]);
  expect(await indexedDB.databases()).toEqual([
    { name: "test", version: 2 },
    { name: "new", version: 1 },
  ]);
});

test("an open connection is asked to close; while it stays the request is blocked, then it goes on", async () => {
  const { indexedDB } = openFile();
  const first = await openDatabase(indexedDB);
  const events: unknown[] = [];
  first.onversionchange = (event) => events.push(["versionchange", event.oldVersion, event.newVersion]);
  const request = indexedDB.open("test", 2);
  request.onblocked = (event) => {
    events.push(["blocked", event.oldVersion, event.newVersion]);
    setTimeout(() => first.close(), 1);
  };
  request.onupgradeneeded = () => events.push("upgradeneeded");
  await done(request);
  expect(events).toEqual([["versionchange", 1, 2], ["blocked", 1, 2], "upgradeneeded"]);
});

test("a connection that closes when asked is not in the way", async () => {
  const { indexedDB } = openFile();
  const first = await openDatabase(indexedDB);
  first.onversionchange = () => first.close();
  const request = indexedDB.deleteDatabase("test");
  let isBlocked = false;
  request.onblocked = () => (isBlocked = true);
  const event = await new Promise<IDBVersionChangeEvent>((resolve) => {
    request.onsuccess = (success) => resolve(success as IDBVersionChangeEvent);
  });
  expect([event.oldVersion, event.newVersion, request.result, isBlocked]).toEqual([1, null, undefined, false]);
  expect(await indexedDB.databases()).toEqual([]);
});

test("requests for one name are answered in order, those for others do not wait", async () => {
  const { indexedDB } = openFile();
  const blocker = await openDatabase(indexedDB);
  const order: string[] = [];
  const note = (label: string, request: IDBOpenDBRequest) =>
    new Promise<void>((resolve) => {
      request.onsuccess = () => {
        order.push(label);
        (request.result as IDBDatabase | undefined)?.close();
        resolve();
      };
    });
  const waiting = [note("delete", indexedDB.deleteDatabase("test")), note("open", indexedDB.open("test", 9))];
  await note("other", indexedDB.open("other"));
  blocker.close();
  await Promise.all(waiting);
  expect(order).toEqual(["other", "delete", "open"]);
});

test("closing within upgradeneeded lets the upgrade commit, but the request fails", async () => {
  const { indexedDB } = openFile();
  const request = indexedDB.open("test", 1);
  let ending: Promise<string> | undefined;
  request.onupgradeneeded = () => {
    request.result.createObjectStore("kept");
    ending = ended(request.transaction as IDBTransaction);
    request.result.close();
  };
  expect(await outcome(request)).toBe("AbortError");
  expect(await ending).toBe("complete");
  expect([...(await openDatabase(indexedDB)).objectStoreNames]).toEqual(["kept"]);
});

test("a closed connection makes no transactions; those it has go on", async () => {
  const { database, store } = await openStore();
  const writing = store("readwrite");
  writing.put("x", 1);
  database.close();
  expect(thrownBy(() => database.transaction("store"))).toBe("InvalidStateError");
  expect(await ended(writing.transaction)).toBe("complete");
});

test("deleting what is not there succeeds", async () => {
  const { indexedDB } = openFile();
  expect(await outcome(indexedDB.deleteDatabase("nothing"))).toBe("success");
});

test("objects stores are made, found and deleted in an upgrade only, and each mistake has its name", async () => {
  const { indexedDB } = openFile();
  const found: string[] = [];
  const database = await openDatabase(indexedDB, (opened, transaction) => {
    opened.createObjectStore("a");
    found.push(
      thrownBy(() => opened.createObjectStore("a")),
      thrownBy(() => opened.createObjectStore("b", { keyPath: "1a" })),
      thrownBy(() => opened.createObjectStore("b", { keyPath: "", autoIncrement: true })),
      thrownBy(() => opened.createObjectStore("b", { keyPath: ["a"], autoIncrement: true })),
      thrownBy(() => opened.createObjectStore("b", { keyPath: [] })),
      thrownBy(() => opened.deleteObjectStore("b")),
      thrownBy(() => opened.transaction("a")),
      thrownBy(() => transaction.objectStore("b")),
    );
    const store = transaction.objectStore("a");
    opened.deleteObjectStore("a");
    found.push(thrownBy(() => store.get(1)), thrownBy(() => store.createIndex("i", "i")), thrownBy(() => (store.name = "c")));
    const reborn = opened.createObjectStore("a");
    expect(reborn).not.toBe(store);
  });
  expect(found).toEqual([
    "ConstraintError", "SyntaxError", "InvalidAccessError", "InvalidAccessError", "SyntaxError", "NotFoundError",
    "InvalidStateError", "NotFoundError", "InvalidStateError", "InvalidStateError", "InvalidStateError",
  ]);
  expect(thrownBy(() => database.createObjectStore("x"))).toBe("InvalidStateError");
  expect(thrownBy(() => database.deleteObjectStore("a"))).toBe("InvalidStateError");
}); // prettier-ignore

test("an upgrade is not active between its events", async () => {
  const { indexedDB } = openFile();
  const request = indexedDB.open("test", 1);
  const found: string[] = [];
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("a");
    const spin = () => {
      if (found.length === 0) store.get(1).onsuccess = spin;
    };
    spin();
    void Promise.resolve().then(() => request.result.createObjectStore("in a microtask"));
    setTimeout(() => {
      found.push(
        thrownBy(() => request.result.createObjectStore("b")),
        thrownBy(() => store.createIndex("i", "i")),
        thrownBy(() => store.get(1)),
        thrownBy(() => request.result.deleteObjectStore("a")),
      );
    }, 0);
  };
  const database = await done(request);
  expect(found).toEqual(Array.from({ length: 4 }, () => "TransactionInactiveError"));
  expect([...database.objectStoreNames]).toEqual(["a", "in a microtask"]);
});

test("the file is its owner's only, and its write-ahead log too", async () => {
  const { path, indexedDB } = openFile();
  await openDatabase(indexedDB);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
});

test("a file is open once at a time", async () => {
  const { path, handle, indexedDB } = openFile();
  await openDatabase(indexedDB);
  expect(thrownBy(() => openIndexedDb({ path }))).toBe("StorageFailure");
  handle.close();
  openIndexedDb({ path }).close();
});

test("what is no database of ours is told and left as it is", () => {
  const folder = temporaryFolder();
  const garbage = join(folder, "garbage.db");
  writeFileSync(garbage, "this is no database, whatever it is called".repeat(100));
  expect(thrownBy(() => openIndexedDb({ path: garbage }))).toBe("StorageFailure");
  expect(readFileSync(garbage, "utf8")).toContain("this is no database");
  const other = join(folder, "other.db");
  const foreign = new DatabaseSync(other);
  foreign.exec("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
  foreign.close();
  expect(() => openIndexedDb({ path: other })).toThrow(/another program/);
  expect(thrownBy(() => openIndexedDb({ path: other }))).toBe("StorageFailure");
  const reopened = new DatabaseSync(other);
  expect(reopened.prepare("SELECT a FROM mine").get()).toEqual({ a: 1 });
  reopened.close();
});

test("damage within the file fails the request with UnknownError and aborts, and deletes nothing", async () => {
  const first = openFile();
  const database = await openDatabase(first.indexedDB, (opened) => {
    const store = opened.createObjectStore("store");
    for (let at = 0; at < 2000; at++) store.put("x".repeat(200), at);
  });
  database.close();
  first.handle.close();
  const bytes = readFileSync(first.path);
  // Page 1 and the schema stay; everything after is overwritten.
  bytes.fill(0xa5, 16 * 4096);
  chmodSync(first.path, 0o600);
  writeFileSync(first.path, bytes);
  const { indexedDB } = openFile(first.path);
  const damaged = await openDatabase(indexedDB);
  const transaction = damaged.transaction("store");
  const request = transaction.objectStore("store").getAll();
  const ending = ended(transaction);
  await expect(done(request)).rejects.toMatchObject({ name: "AbortError" });
  expect(await ending).toBe("UnknownError");
  expect(readFileSync(first.path).length).toBe(bytes.length);
});

test("closing the handle aborts what runs; what was not committed is not there", async () => {
  const { path, handle, store, database } = await openStore([["old", 1]]);
  const writing = store("readwrite");
  const ending = ended(writing.transaction);
  await done(writing.put("new", 1));
  handle.close();
  expect(await ending).toBe("AbortError");
  expect(thrownBy(() => database.transaction("store"))).toBe("InvalidStateError");
  const again = await openDatabase(openFile(path).indexedDB);
  expect(await done(again.transaction("store").objectStore("store").get(1))).toBe("old");
  await nextTask();
});

test("a request that waits for others to close fails when the file is closed", async () => {
  const { handle, indexedDB } = openFile();
  const first = await openDatabase(indexedDB);
  const waiting = [outcome(indexedDB.open("test", 2)), outcome(indexedDB.deleteDatabase("test"))];
  await nextTask();
  expect(first.version).toBe(1);
  handle.close();
  expect(await Promise.all(waiting)).toEqual(["AbortError", "InvalidStateError"]);
});

test("opening and listing on a closed handle fail", async () => {
  const { handle, indexedDB } = openFile();
  handle.close();
  expect(await outcome(indexedDB.open("a"))).toBe("InvalidStateError");
  expect(await outcome(indexedDB.deleteDatabase("a"))).toBe("InvalidStateError");
  await expect(indexedDB.databases()).rejects.toMatchObject({ name: "InvalidStateError" });
});
