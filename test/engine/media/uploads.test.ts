/** Taking files in: in order, as ciphertext only, and nothing forgotten stays. Subject: uploads.ts. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { UploadId } from "../../../preload/contract/ids.ts";
import { MovedClock, never, openMediaBench, readAll, stage } from "./media-bench.ts";

const DAY_MS = 24 * 3_600_000;
const upload = (uploadId: UploadId) => ({ of: "upload", uploadId }) as const;

test("any bytes in any pieces come back the same, and are nowhere on the disk", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 5_000 }),
      fc.integer({ min: 1, max: 5_000 }),
      async (bytes, pieceBytes) => {
        const uploadId = await stage(media, bytes, { pieceBytes: Math.max(pieceBytes, 50) });
        expect((await readAll(media, upload(uploadId))).equals(bytes)).toBe(true);
        expect(new Set(bytes).size < 8 || !bench.holds(bytes)).toBe(true);
        await media.discard(uploadId);
      },
    ),
    { numRuns: 40 },
  );
  expect(bench.files()).toEqual([]);
});

test("pieces that are sent at once are written in their order", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  const bytes = randomBytes(1_000_000);
  const uploadId = await media.begin({ name: "a", contentType: "" });
  await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      media.append(uploadId, index * 100_000, bytes.subarray(index * 100_000, (index + 1) * 100_000)),
    ),
  );
  await media.finish(uploadId);
  expect((await readAll(media, upload(uploadId))).equals(bytes)).toBe(true);
});

test("a gap, a repetition, a stranger and a latecomer are refused", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  const uploadId = await media.begin({ name: "a", contentType: "" });
  await media.append(uploadId, 0, Buffer.from("ab"));
  await expect(media.append(uploadId, 3, Buffer.from("d"))).rejects.toMatchObject({ code: "rejected" });
  await expect(media.append(uploadId, 0, Buffer.from("a"))).rejects.toMatchObject({ code: "rejected" });
  expect(await media.append(uploadId, 2, Buffer.from("c"))).toBe(3);
  await expect(media.append("x".repeat(22) as UploadId, 0, Buffer.from("a"))).rejects.toMatchObject({
    code: "not-found",
  });
  await media.finish(uploadId);
  await expect(media.append(uploadId, 3, Buffer.from("d"))).rejects.toMatchObject({ code: "not-found" });
  await expect(media.finish(uploadId)).rejects.toMatchObject({ code: "not-found" });
  expect((await readAll(media, upload(uploadId))).toString()).toBe("abc");
});

test("an empty file is refused in words, and leaves nothing", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  const uploadId = await media.begin({ name: "a", contentType: "" });
  await expect(media.finish(uploadId)).rejects.toThrow("This file is empty");
  expect(bench.files()).toEqual([]);
});

test("offline, a file is taken in all the same", async () => {
  const clock = new MovedClock();
  const bench = await openMediaBench({ clock });
  const media = bench.open();
  const asked = Promise.withResolvers<void>();
  bench.server.fail("/config", () => asked.resolve());
  const beginning = media.begin({ name: "a", contentType: "", sizeBytes: 10 });
  await asked.promise;
  clock.advance(2_001);
  await media.append(await beginning, 0, Buffer.from("0123456789"));
});

test("a file that survives a restart is whole, and one that was not finished is gone later", async () => {
  const clock = new MovedClock();
  const bench = await openMediaBench({ clock });
  const media = bench.open();
  const kept = await stage(media, Buffer.from("kept"));
  const half = await media.begin({ name: "half", contentType: "" });
  await media.append(half, 0, Buffer.from("half"));
  const again = bench.open();
  expect((await readAll(again, upload(kept))).toString()).toBe("kept");
  await expect(again.finish(half)).rejects.toMatchObject({ code: "not-found" });
  await expect(again.open(upload(half), { signal: never })).rejects.toThrow("not on this device");
  clock.advance(600_001);
  await vi.waitFor(() => expect(bench.files().some((path) => path.includes(half))).toBe(false));
  expect(bench.files().some((path) => path.includes(kept))).toBe(true);
});

test("what no message names goes after a day; what one names stays; what was sent goes soon", async () => {
  const clock = new MovedClock();
  const bench = await openMediaBench({ clock });
  const media = bench.open();
  const [waiting, taken, sent, unused] = [
    await stage(media, Buffer.from("1")),
    await stage(media, Buffer.from("2")),
    await stage(media, Buffer.from("3")),
    await stage(media, Buffer.from("4")),
  ];
  bench.pending.push(await media.toPendingContent({ uploadId: taken }));
  await media.toPendingContent({ uploadId: sent });
  const names = () => new Set(bench.files().map((path) => path.split("/").at(-1)?.split(".")[0]));
  clock.advance(3_700_000);
  await vi.waitFor(() => expect(names()).toEqual(new Set([waiting, taken, unused])));
  await media.toPendingContent({ uploadId: waiting }).then((content) => bench.pending.push(content));
  clock.advance(DAY_MS);
  await vi.waitFor(() => expect(names()).toEqual(new Set([waiting, taken])));
  expect((await readAll(media, upload(taken))).toString()).toBe("2");
});

test("under another profile key nothing can be read, and nothing is thrown away", async () => {
  const bench = await openMediaBench();
  const uploadId = await stage(bench.open(), Buffer.from("sealed"));
  for (const path of bench.files()) utimesSync(path, new Date(0), new Date(0));
  const clock = new MovedClock();
  const other = bench.open(randomBytes(32));
  clock.advance(DAY_MS * 2);
  await expect(other.open(upload(uploadId), { signal: never })).rejects.toThrow("not on this device");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await readAll(bench.open(), upload(uploadId))).toString()).toBe("sealed");
});

test("a record cannot be put in the place of another", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  const one = await stage(media, Buffer.from("one"));
  const two = await stage(media, Buffer.from("two"));
  const folder = join(bench.folder, "uploads");
  writeFileSync(join(folder, `${two}.sealed`), readFileSync(join(folder, `${one}.sealed`)));
  await expect(media.open(upload(two), { signal: never })).rejects.toThrow("not on this device");
});

test("no more than so many at once, and a disk that fails is told", async () => {
  const bench = await openMediaBench();
  const media = bench.open();
  const begin = () => media.begin({ name: "a", contentType: "" });
  for (let index = 0; index < 32; index += 1) await begin();
  await expect(begin()).rejects.toMatchObject({ code: "rejected" });
  const broken = await openMediaBench();
  mkdirSync(join(broken.folder, "x"));
  writeFileSync(join(broken.folder, "uploads"), "a file where the folder should be");
  await expect(broken.open().begin({ name: "a", contentType: "" })).rejects.toThrow();
  expect(readdirSync(broken.folder)).toContain("uploads");
});
