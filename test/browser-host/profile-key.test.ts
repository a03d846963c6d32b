/**
 * The profile key that the browser host keeps in a data folder.
 * Invariant under test: a key is made once and never replaced.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openProfileKey } from "../../main/browser-host/profile-key.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-profile-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("the key is made once, for its owner only, and leaves nothing else behind", async () => {
  const dataDir = join(folder, "data");
  const keys = await Promise.all([openProfileKey(dataDir), openProfileKey(dataDir)]);
  expect(keys[0].byteLength).toBe(32);
  expect(keys[1]).toEqual(keys[0]);
  expect(await openProfileKey(dataDir)).toEqual(keys[0]);
  expect(await readdir(dataDir)).toEqual(["profile.key"]);
  expect((await stat(join(dataDir, "profile.key"))).mode & 0o777).toBe(0o600);
});

test("a damaged key is refused and kept", async () => {
  await writeFile(join(folder, "profile.key"), "short");
  await expect(openProfileKey(folder)).rejects.toThrow("is damaged");
  expect(await readFile(join(folder, "profile.key"), "utf8")).toBe("short");
});

test("a missing key is not replaced where accounts depend on it", async () => {
  await mkdir(join(folder, "accounts", "a1b2c3d4e5f6a7b8"), { recursive: true });
  await expect(openProfileKey(folder)).rejects.toThrow("is missing");
  expect(await readdir(folder)).toEqual(["accounts"]);
});

test("a key that others may read is taken back", async () => {
  const key = await openProfileKey(folder);
  await chmod(join(folder, "profile.key"), 0o644);
  expect(await openProfileKey(folder)).toEqual(key);
  expect((await stat(join(folder, "profile.key"))).mode & 0o777).toBe(0o600);
});
