/**
 * What survives: a process killed at any moment leaves each transaction whole or absent, and `complete` comes after
 * the sync to disk. (rows I2, I5) The child is durability-child.ts, run by the Node that runs the tests.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { done, openDatabase, openFile, temporaryFolder } from "./support.ts";

const CHILD = join(import.meta.dirname, "durability-child.ts");
const KILLS = Number(process.env["IDB_KILLS"] ?? 8);

test(`${KILLS} kills within transactions: before or after, never between`, { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  const path = join(folder, "killed.db");
  let lastTold = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [CHILD, path, "write"], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    let told = 0;
    const lines = createInterface({ input: child.stdout });
    // Another moment each time: after so many transactions, and in the middle of the next.
    for await (const line of lines) {
      lastTold = Number(line);
      if (++told === 3 + kill * 5) break;
    }
    child.kill("SIGKILL");
    await exited;
    const { handle, indexedDB } = openFile(path);
    const database = await openDatabase(indexedDB, () => expect.unreachable("the upgrade was committed"));
    const transaction = database.transaction(["numbers", "sums"]);
    const numbers = (await done(transaction.objectStore("numbers").getAll())) as { round: number; part: number }[];
    const sums = (await done(transaction.objectStore("sums").getAll())) as { round: number; count: number }[];
    // Every round wrote ten numbers and one sum, in one transaction.
    expect(numbers).toHaveLength(sums.length * 10);
    expect(sums.every(({ count }) => count === 10)).toBe(true);
    expect(await done(transaction.objectStore("numbers").index("round").count(sums.length))).toBe(10);
    // What was told as complete is there; of what came after it, whole rounds at most.
    expect(sums.length).toBeGreaterThanOrEqual(lastTold);
    least = Math.min(least, sums.length - lastTold);
    handle.close();
  }
  console.log(`kills: ${KILLS}, rounds kept: ${lastTold}, torn: 0`);
});

test("an upgrade that is killed has not happened", { timeout: 60_000 }, async () => {
  const path = join(temporaryFolder(), "upgrade.db");
  const child = spawn(process.execPath, [CHILD, path, "upgrade"], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  await once(createInterface({ input: child.stdout }), "line");
  child.kill("SIGKILL");
  await exited;
  const { indexedDB } = openFile(path);
  expect(await indexedDB.databases()).toEqual([{ name: "test", version: 1 }]);
  const database = await openDatabase(indexedDB);
  expect([...database.objectStoreNames]).toEqual(["kept"]);
  expect(await done(database.transaction("kept").objectStore("kept").getAll())).toEqual(["old"]);
});

const hasStrace = spawnSync("strace", ["-V"]).status === 0;
if (!hasStrace) console.warn("SKIPPED: without strace the order of sync and complete is not proven");

test.skipIf(!hasStrace)("every complete event comes after the sync of its commit", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const log = join(folder, "trace.txt");
  const strace = ["-f", "-e", "trace=fsync,fdatasync,write", "-s", "64", "-o", log];
  const child = spawn("strace", [...strace, process.execPath, CHILD, join(folder, "traced.db"), "trace"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.resume();
  const [status] = (await once(child, "exit")) as [number | null];
  expect(status).toBe(0);
  // The child writes "asked n" before each commit and "complete n" from its complete event, by one write each.
  let syncsSinceAsked = -1;
  let completes = 0;
  for (const line of readFileSync(log, "utf8").split("\n")) {
    if (/write\(1, "asked /.test(line)) syncsSinceAsked = 0;
    else if (/f(data)?sync\(\d+.*= 0/.test(line)) syncsSinceAsked++;
    else if (/write\(1, "complete /.test(line)) {
      expect(syncsSinceAsked).toBeGreaterThan(0);
      completes++;
    }
  }
  expect(completes).toBe(20);
  console.log(`complete after sync: ${completes}/20`);
});
