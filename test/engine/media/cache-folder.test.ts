/** The quota of the cache, and that a file is there whole or not at all. Subject: cache-folder.ts. */
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCacheFolder, toDiskError } from "../../../main/engine/media/cache-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lattice-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function put(cache: ReturnType<typeof openCacheFolder>, name: string, sizeBytes: number, usedAtMs?: number) {
  const made = await cache.create();
  await made.write(new Uint8Array(sizeBytes));
  await (await made.keep(name)).close();
  if (usedAtMs !== undefined) utimesSync(join(folder, name), usedAtMs / 1_000, usedAtMs / 1_000);
}

test("what was not used for longest goes first; what came last stays, however large it is", async () => {
  const cache = openCacheFolder({ folder, quotaBytes: 10_000 });
  await put(cache, "old", 4_000, 1_000);
  await put(cache, "older", 4_000, 500);
  await put(cache, "used", 4_000, 200);
  await (await cache.open("used"))?.close();
  await put(cache, "huge", 65 * 2 ** 20);
  expect(readdirSync(folder)).toEqual(["huge"]);
  await put(cache, "a", 4_000, 3_000);
  await put(cache, "b", 4_000, 2_000);
  await put(cache, "c", 65 * 2 ** 20);
  expect(readdirSync(folder)).toEqual(["c"]);
});

test("many small files are counted too", async () => {
  const cache = openCacheFolder({ folder, quotaBytes: 500 });
  for (let index = 0; index < 100; index += 1) await put(cache, `f${index}`, 100, 1_000 * (index + 1));
  expect(readdirSync(folder).length).toBeLessThanOrEqual(5);
  expect(readdirSync(folder)).toContain("f98");
});

test("what is not kept has no name, and what was left half done is cleared away", async () => {
  writeFileSync(join(folder, "left.part"), "half");
  const cache = openCacheFolder({ folder });
  const made = await cache.create();
  await made.write(new Uint8Array(10));
  expect(await cache.open("x")).toBeUndefined();
  await made.drop();
  expect(readdirSync(folder)).toEqual([]);
});

test("a full disk is told as one", () => {
  for (const code of ["ENOSPC", "EDQUOT", "EFBIG"]) {
    expect(toDiskError(Object.assign(new Error("x"), { code }))).toMatchObject({ code: "disk-full" });
  }
  const other = Object.assign(new Error("x"), { code: "EIO" });
  expect(toDiskError(other)).toBe(other);
});
