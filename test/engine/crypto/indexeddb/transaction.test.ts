/** Transactions: when they are active, in which order they run, and how they end. */
import { describe, expect, test } from "vitest";
import { done, ended, nextTask, openDatabase, openFile, openStore, thrownBy } from "./support.ts";

const isActive = (store: IDBObjectStore): boolean => {
  const found = thrownBy(() => store.get(0));
  if (found !== "nothing" && found !== "TransactionInactiveError") throw new Error(found);
  return found === "nothing";
};

/** Keeps a transaction alive by asking it something again and again, until the returned function is called. */
function keepAlive(store: IDBObjectStore): () => void {
  let isKept = true;
  const spin = () => {
    if (isKept) store.get(0).onsuccess = spin;
  };
  spin();
  return () => (isKept = false);
}

describe("a transaction is active", () => {
  test("in the task that made it, through its microtasks, and not in the next task", async () => {
    const { store } = await openStore();
    const made = store();
    const release = keepAlive(made);
    const seen = [isActive(made)];
    await Promise.resolve();
    seen.push(isActive(made));
    for (let at = 0; at < 20; at++) await Promise.resolve();
    seen.push(isActive(made));
    for (let round = 0; round < 5; round++) {
      await nextTask();
      seen.push(isActive(made));
    }
    release();
    expect(seen).toEqual([true, true, true, false, false, false, false, false]);
  });

  test("in its events and their microtasks, and at no other time", async () => {
    const { store } = await openStore([["here", 0]]);
    const made = store("readwrite");
    const release = keepAlive(made);
    const seen: boolean[] = [];
    const failing = made.add("again", 0);
    await new Promise<void>((resolve) => {
      failing.addEventListener("error", (event) => {
        event.preventDefault();
        event.stopPropagation();
        seen.push(isActive(made));
        void Promise.resolve().then(() => seen.push(isActive(made)));
        setTimeout(() => {
          seen.push(isActive(made));
          release();
          resolve();
        }, 0);
      });
    });
    expect(seen).toEqual([true, true, false]);
  });

  test("not in the events of another, nor in those of no one", async () => {
    const { store, database } = await openStore([["here", 0]]);
    const one = store();
    const release = keepAlive(one);
    const other = store();
    const seen: boolean[] = [];
    await new Promise<void>((resolve) => {
      const request = other.get(0);
      request.onsuccess = () => {
        seen.push(isActive(other), isActive(one));
        resolve();
      };
    });
    database.dispatchEvent(new Event("custom"));
    await nextTask();
    expect([...seen, isActive(one)]).toEqual([true, false, false]);
    release();
  });

  test("each listener has its microtasks before the next, and what one makes is inactive in the next", async () => {
    const { store } = await openStore([["here", 0]]);
    const made = store();
    const request = made.get(0);
    const seen: unknown[] = [];
    let inner: IDBObjectStore;
    request.addEventListener("success", () => {
      inner = store();
      seen.push("first", isActive(inner));
      void Promise.resolve().then(() => seen.push("microtask", isActive(inner), isActive(made)));
    });
    await new Promise<void>((resolve) => {
      request.addEventListener("success", () => {
        seen.push("second", isActive(inner), isActive(made));
        resolve();
      });
    });
    expect(seen).toEqual(["first", true, "microtask", true, true, "second", false, true]);
  });

  test("for as long as a chain of awaits goes from one of its requests to the next", async () => {
    const { store } = await openStore();
    const made = store("readwrite");
    for (let at = 0; at < 200; at++) {
      await done(made.put(at, at));
      await Promise.resolve();
    }
    expect(await ended(made.transaction)).toBe("complete");
    expect(await done(store().count())).toBe(200);
  });
});

test("a transaction without requests completes, and in order", async () => {
  const { store } = await openStore();
  const order: string[] = [];
  const endings = (["readwrite", "readonly", "readwrite"] as const).map(async (mode, at) => {
    const ending = await ended(store(mode).transaction);
    order.push(`${at} ${ending}`);
  });
  await Promise.all(endings);
  expect(order).toEqual(["0 complete", "1 complete", "2 complete"]);
});

test("a finished transaction is of no more use", async () => {
  const { store, database } = await openStore();
  const made = store();
  await ended(made.transaction);
  const { transaction } = made;
  expect(thrownBy(() => transaction.objectStore("store"))).toBe("InvalidStateError");
  expect(thrownBy(() => transaction.abort())).toBe("InvalidStateError");
  expect(thrownBy(() => transaction.commit())).toBe("InvalidStateError");
  expect(thrownBy(() => made.get(1))).toBe("TransactionInactiveError");
  expect([transaction.mode, transaction.db, transaction.error, transaction.durability]).toEqual(["readonly", database, null, "default"]);
}); // prettier-ignore

describe("transactions run", () => {
  async function openTwo() {
    const { indexedDB } = openFile();
    return openDatabase(indexedDB, (database) => {
      database.createObjectStore("a");
      database.createObjectStore("b");
    });
  }

  test("one after another where they share what one of them writes", async () => {
    const { store } = await openStore([[0, "n"]]);
    const increments = Array.from({ length: 20 }, async () => {
      const made = store("readwrite");
      const before = (await done(made.get("n"))) as number;
      await done(made.put(before + 1, "n"));
    });
    const reading = done(store().get("n"));
    await Promise.all(increments);
    expect(await reading).toBe(20);
  });

  test("together where they only read, or share nothing", async () => {
    const database = await openTwo();
    const started = async (transaction: IDBTransaction, name: string) => {
      const store = transaction.objectStore(name);
      const release = keepAlive(store);
      await done(store.get(1));
      return release;
    };
    const releases = await Promise.all([
      started(database.transaction("a"), "a"),
      started(database.transaction(["a"]), "a"),
      started(database.transaction("b", "readwrite"), "b"),
    ]);
    for (const release of releases) release();
  });

  test("together when both may write, as long as one of them does not yet", async () => {
    const database = await openTwo();
    const one = database.transaction("a", "readwrite").objectStore("a");
    const release = keepAlive(one);
    await done(one.put(1, 1));
    const two = database.transaction("b", "readwrite").objectStore("b");
    const releaseTwo = keepAlive(two);
    expect(await done(two.get(1))).toBeUndefined();
    // This one waits for the first to end; it must neither fail nor be forgotten.
    const writing = done(two.put(2, 2));
    release();
    expect(await ended(one.transaction)).toBe("complete");
    expect(await writing).toBe(2);
    releaseTwo();
    expect(await ended(two.transaction)).toBe("complete");
  });

  test("with a writer's changes unseen by those that read elsewhere, and undone without harm to them", async () => {
    const database = await openTwo();
    const writing = database.transaction("a", "readwrite").objectStore("a");
    const release = keepAlive(writing);
    await done(writing.put("x", 1));
    const other = database.transaction("b", "readwrite").objectStore("b");
    const queued = done(other.put("y", 1));
    writing.transaction.abort();
    release();
    await queued;
    expect(await ended(other.transaction)).toBe("complete");
    const reading = database.transaction(["a", "b"]);
    expect(await done(reading.objectStore("a").get(1))).toBeUndefined();
    expect(await done(reading.objectStore("b").get(1))).toBe("y");
  });

  test("a reader between two writers sees the first one's work only", async () => {
    const { store } = await openStore([["old", 1]]);
    store("readwrite").put("first", 1);
    const reading = done(store().get(1));
    store("readwrite").put("second", 1);
    expect(await reading).toBe("first");
    expect(await done(store().get(1))).toBe("second");
  });

  test("over two databases of one file at once", async () => {
    const { indexedDB } = openFile();
    const make = (name: string) =>
      openDatabase(indexedDB, (database) => void database.createObjectStore("s"), { name });
    const [one, two] = await Promise.all([make("one"), make("two")]);
    const writes = [one, two].map((database) => {
      const transaction = database.transaction("s", "readwrite");
      for (let at = 0; at < 50; at++) transaction.objectStore("s").put(database.name, at);
      return ended(transaction);
    });
    expect(await Promise.all(writes)).toEqual(["complete", "complete"]);
    for (const database of [one, two])
      expect(await done(database.transaction("s").objectStore("s").get(49))).toBe(database.name);
  });
});

describe("abort", () => {
  test("undoes all, fails what is pending in order, then tells", async () => {
    const { store, database } = await openStore([["old", 1]]);
    const made = store("readwrite");
    const events: string[] = [];
    for (const type of ["error", "abort", "complete"])
      for (const [name, target] of [["transaction", made.transaction], ["database", database]] as const)
        target.addEventListener(type, (event) => events.push(`${name} ${event.type}`));
    await done(made.put("new", 1));
    const pending = [made.put("x", 2), made.get(1)];
    for (const [at, request] of pending.entries())
      request.addEventListener("error", () => events.push(`${at} ${(request.error as DOMException).name} ${String(request.result)}`));
    made.transaction.abort();
    expect(thrownBy(() => made.get(1))).toBe("TransactionInactiveError");
    expect(thrownBy(() => made.transaction.abort())).toBe("InvalidStateError");
    await ended(made.transaction);
    await nextTask();
    expect(events).toEqual([
      "0 AbortError undefined", "transaction error", "database error",
      "1 AbortError undefined", "transaction error", "database error",
      "transaction abort", "database abort",
    ]);
    expect(made.transaction.error).toBeNull();
    expect(await done(store().getAll())).toEqual(["old"]);
  }); // prettier-ignore

  test("comes of an error that nobody prevents, with that error; one that is prevented is forgotten", async () => {
    const { store } = await openStore([["old", 1]]);
    const failing = store("readwrite");
    failing.put("lost", 2);
    failing.add("again", 1);
    expect(await ended(failing.transaction)).toBe("ConstraintError");
    const prevented = store("readwrite");
    prevented.add("again", 1).addEventListener("error", (event) => event.preventDefault());
    prevented.put("kept", 2);
    expect(await ended(prevented.transaction)).toBe("complete");
    expect(await done(store().getAll())).toEqual(["old", "kept"]);
  });
});

describe("commit()", () => {
  test("ends the transaction at once for what is new, but not for what was asked", async () => {
    const { store } = await openStore();
    const made = store("readwrite");
    const request = made.put("x", 1);
    made.transaction.commit();
    expect(thrownBy(() => made.put("y", 2))).toBe("TransactionInactiveError");
    expect(thrownBy(() => made.transaction.commit())).toBe("InvalidStateError");
    expect(thrownBy(() => made.transaction.abort())).toBe("InvalidStateError");
    let inEvent = "";
    request.onsuccess = () => (inEvent = thrownBy(() => made.put("z", 3)));
    expect(await ended(made.transaction)).toBe("complete");
    expect(inEvent).toBe("TransactionInactiveError");
    expect(await done(store().getAllKeys())).toEqual([1]);
  });

  test("with a request that fails, aborts", async () => {
    const { store } = await openStore([["old", 1]]);
    const made = store("readwrite");
    made.put("lost", 2);
    made.add("again", 1).addEventListener("error", (event) => event.preventDefault());
    made.transaction.commit();
    expect(await ended(made.transaction)).toBe("ConstraintError");
    expect(await done(store().count())).toBe(1);
  });

  test("is refused where the transaction is not active", async () => {
    const { store } = await openStore();
    const made = store();
    const release = keepAlive(made);
    await nextTask();
    expect(thrownBy(() => made.transaction.commit())).toBe("InvalidStateError");
    release();
  });
});

test.each<[string, (database: IDBDatabase) => unknown, string]>([
  ["no object store", (database) => database.transaction([]), "InvalidAccessError"],
  ["one that is not there", (database) => database.transaction(["store", "none"]), "NotFoundError"],
  ["an unknown mode", (database) => database.transaction("store", "write" as never), "TypeError"],
  ["the mode of upgrades", (database) => database.transaction("store", "versionchange"), "TypeError"],
  ["an unknown durability", (database) => database.transaction("store", "readonly", { durability: "x" as never }), "TypeError"],
  ["nothing at all", (database) => (database.transaction as unknown as () => void)(), "TypeError"],
])("%s makes no transaction", async (_name, work, expected) => {
  const { database } = await openStore();
  expect(thrownBy(() => work(database))).toBe(expected);
}); // prettier-ignore

test("a transaction's names are sorted and each there once, its durability is what was asked", async () => {
  const { indexedDB } = openFile();
  const database = await openDatabase(indexedDB, (opened) => {
    for (const name of ["b", "a", "\u00e9", "Z"]) opened.createObjectStore(name);
  });
  const transaction = database.transaction(new Set(["b", "a", "b"]), "readonly", { durability: "relaxed" });
  expect([[...transaction.objectStoreNames], transaction.durability]).toEqual([["a", "b"], "relaxed"]);
  expect([...database.objectStoreNames]).toEqual(["Z", "a", "b", "\u00e9"]);
  expect(thrownBy(() => transaction.objectStore("Z"))).toBe("NotFoundError");
});

test("timers and other work get their turn while transactions keep busy", async () => {
  const { store } = await openStore();
  const release = keepAlive(store());
  for (let at = 0; at < 5; at++) await nextTask();
  release();
});
