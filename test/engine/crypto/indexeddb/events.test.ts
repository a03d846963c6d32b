/** Events on their way: capture, target and bubbling, stopping and preventing, and listeners that throw. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exceptionReporter } from "../../../../main/engine/crypto/indexeddb/index.ts";
import { done, ended, nextTask, openFile, openStore, thrownBy } from "./support.ts";

const report = exceptionReporter.report;
const reported = vi.fn();
beforeEach(() => {
  reported.mockReset();
  exceptionReporter.report = reported;
});
afterEach(() => {
  exceptionReporter.report = report;
});

async function openFailing() {
  const opened = await openStore([["old", 1]]);
  const store = opened.store("readwrite");
  return { ...opened, request: store.add("again", 1), transaction: store.transaction };
}

test("an error goes down to its request and up again, and tells where it is", async () => {
  const { request, transaction, database } = await openFailing();
  const seen: unknown[] = [];
  const names = new Map<unknown, string>([[request, "request"], [transaction, "transaction"], [database, "database"]]);
  for (const target of [request, transaction, database])
    for (const isCapture of [false, true])
      target.addEventListener("error", (event) => {
        event.preventDefault();
        seen.push([names.get(event.currentTarget), event.eventPhase, isCapture]);
        expect([event.target, event.srcElement, event.isTrusted, event.bubbles, event.cancelable]).toEqual([request, request, true, true, true]);
        expect(event.composedPath()).toEqual([request, transaction, database]);
      }, isCapture);
  let caught: Event | undefined;
  request.addEventListener("error", (event) => (caught = event));
  expect(await ended(transaction)).toBe("complete");
  expect(seen).toEqual([
    ["database", 1, true], ["transaction", 1, true], ["request", 2, true], ["request", 2, false],
    ["transaction", 3, false], ["database", 3, false],
  ]);
  expect([caught?.eventPhase, caught?.currentTarget, caught?.target, caught?.composedPath()]).toEqual([0, null, request, []]);
  expect([caught instanceof Event, Object.prototype.toString.call(caught), caught?.type]).toEqual([true, "[object Event]", "error"]);
}); // prettier-ignore

test("success does not bubble, but is captured", async () => {
  const { store, database } = await openStore();
  const seen: string[] = [];
  const reading = store();
  database.addEventListener("success", () => seen.push("captured"), true);
  database.addEventListener("success", () => seen.push("bubbled"));
  await done(reading.get(1));
  expect(seen).toEqual(["captured"]);
});

test("stopped propagation keeps an event from those above, at once also from those beside", async () => {
  const { request, transaction } = await openFailing();
  const seen: string[] = [];
  request.addEventListener("error", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });
  request.addEventListener("error", (event) => {
    seen.push("beside");
    event.stopImmediatePropagation();
  });
  request.addEventListener("error", () => seen.push("never"));
  transaction.addEventListener("error", () => seen.push("above"));
  expect(await ended(transaction)).toBe("complete");
  expect(seen).toEqual(["beside"]);
});

test("preventDefault counts wherever it is called, and a handler's false is one; a passive listener's is none", async () => {
  const atDatabase = await openFailing();
  // oxlint-disable-next-line prefer-add-event-listener -- what a handler gives back is what is tested
  atDatabase.database.onerror = () => false;
  expect(await ended(atDatabase.transaction)).toBe("complete");
  const passive = await openFailing();
  passive.request.addEventListener("error", (event) => event.preventDefault(), { passive: true });
  expect(await ended(passive.transaction)).toBe("ConstraintError");
});

test("handlers keep their place, listeners are there once, go when asked, and with their signal", async () => {
  const { store } = await openStore();
  const request = store().get(1);
  const seen: string[] = [];
  const listener = () => seen.push("listener");
  const controller = new AbortController();
  request.onsuccess = () => seen.push("old handler");
  request.addEventListener("success", listener);
  request.addEventListener("success", listener);
  request.addEventListener("success", { handleEvent: () => seen.push("object") });
  request.addEventListener("success", () => seen.push("once"), { once: true });
  request.addEventListener("success", () => seen.push("aborted"), { signal: controller.signal });
  const removed = () => seen.push("removed");
  request.addEventListener("success", removed);
  request.removeEventListener("success", removed, true);
  request.addEventListener("success", () => request.removeEventListener("success", removed), true);
  request.onsuccess = () => seen.push("handler");
  controller.abort();
  await nextTask();
  request.dispatchEvent(new Event("success"));
  const once = ["handler", "listener", "object"];
  expect(seen).toEqual([...once, "once", ...once]);
  request.onsuccess = 5 as never;
  expect(request.onsuccess).toBeNull();
  const callable = {};
  request.onsuccess = callable as never;
  expect(request.onsuccess).toBe(callable);
  expect(thrownBy(() => request.addEventListener("success", 5 as never))).toBe("TypeError");
  expect(thrownBy(() => (request.addEventListener as (type: string) => void)("success"))).toBe("TypeError");
});

test("a script's own event goes the same way, at once, untrusted, and is told from one that is under way", async () => {
  const { store, database } = await openStore();
  const reading = store();
  const request = reading.get(1);
  const seen: unknown[] = [];
  const event = new Event("mine", { bubbles: true, cancelable: true });
  request.addEventListener("mine", (one) => {
    seen.push([one.target === request, one.currentTarget === request, one.eventPhase, one.isTrusted, one.composedPath().length]);
    seen.push(thrownBy(() => request.dispatchEvent(one)));
  });
  reading.transaction.addEventListener("mine", (one) => one.preventDefault());
  database.addEventListener("mine", (one) => seen.push(one.eventPhase));
  expect(request.dispatchEvent(event)).toBe(false);
  expect(seen).toEqual([[true, true, 2, false, 3], "InvalidStateError", 3]);
  expect(thrownBy(() => request.dispatchEvent({} as Event))).toBe("TypeError");
  await done(request);
}); // prettier-ignore

test("an exception in a success listener aborts, is reported, and spares the other listeners", async () => {
  const { store } = await openStore([["old", 1]]);
  const writing = store("readwrite");
  const request = writing.put("new", 1);
  const seen: string[] = [];
  request.addEventListener("success", () => {
    throw new RangeError("mine");
  });
  request.addEventListener("success", () => seen.push("second"));
  expect(await ended(writing.transaction)).toBe("AbortError");
  expect(reported.mock.calls).toEqual([[new RangeError("mine")]]);
  expect([seen, await done(store().get(1))]).toEqual([["second"], "old"]);
});

test("an exception in an error listener aborts even where the error is prevented", async () => {
  const { transaction, request } = await openFailing();
  request.addEventListener("error", (event) => {
    event.preventDefault();
    throw new RangeError("mine");
  });
  expect(await ended(transaction)).toBe("AbortError");
  expect(reported).toHaveBeenCalledTimes(1);
});

test("an exception in complete, or in a listener without handleEvent, changes nothing", async () => {
  const { store } = await openStore();
  const writing = store("readwrite");
  writing.put("x", 1);
  writing.transaction.addEventListener("complete", () => {
    throw new Error("mine");
  });
  writing.transaction.addEventListener("complete", {} as never);
  expect(await ended(writing.transaction)).toBe("complete");
  await nextTask();
  expect(reported).toHaveBeenCalledTimes(2);
  expect(await done(store().count())).toBe(1);
});

test("an exception in upgradeneeded aborts the upgrade", async () => {
  const { indexedDB } = openFile();
  const request = indexedDB.open("test", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("x");
    throw new Error("mine");
  };
  await expect(done(request)).rejects.toMatchObject({ name: "AbortError" });
  expect(await indexedDB.databases()).toEqual([]);
});
