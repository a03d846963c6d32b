/**
 * A full disk, for real: the file lies on a small file system of its own. Needs the right to mount; where that is
 * missing the test says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { done, ended, openDatabase, openFile } from "./support.ts";

test("a transaction that finds the disk full is aborted with QuotaExceededError, and nothing else is lost", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "lattice-idb-disk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]).status !== 0) {
    console.warn("SKIPPED: no right to mount a small disk, so a full one could not be tried");
    return context.skip();
  }
  onTestFinished(() => void spawnSync("umount", [folder]));
  const { indexedDB, handle, path } = openFile(join(folder, "small.db"));
  const database = await openDatabase(indexedDB, (opened) => {
    opened.createObjectStore("store", { autoIncrement: true }).put("kept", "key");
  });
  const store = () => database.transaction("store", "readwrite").objectStore("store");
  let rounds = 0;
  let ending = "complete";
  for (; ending === "complete" && rounds < 50; rounds++) {
    const writing = store();
    for (let at = 0; at < 20; at++)
      // Forgiving the request does not help: the disk is full all the same.
      writing.put("x".repeat(10_000)).addEventListener("error", (event) => event.preventDefault());
    ending = await ended(writing.transaction);
  }
  expect(ending).toBe("QuotaExceededError");
  // All rounds but the last are there, the last is not at all, and the generator knows it.
  const whole = (rounds - 1) * 20;
  expect(await done(database.transaction("store").objectStore("store").count())).toBe(whole + 1);
  const emptying = store();
  emptying.delete(1);
  expect(await ended(emptying.transaction)).toMatch(/complete|QuotaExceededError/);
  handle.close();
  const again = await openDatabase(openFile(path).indexedDB);
  const reading = again.transaction("store").objectStore("store");
  expect(await done(reading.get("key"))).toBe("kept");
  expect(await done(reading.count())).toBeGreaterThanOrEqual(whole);
});
