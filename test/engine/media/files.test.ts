/**
 * Files there and back: what lies on disk, what the server sees, and what a tampered, broken or slow server can do.
 * Rows E14 and P4. Subject: engine/media as a whole, over a fake content repository.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { initAsync, Attachment, EncryptedAttachment } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { EventId } from "../../../preload/contract/ids.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { json } from "./media-server.ts";
import { MovedClock, never, openMediaBench, readAll, sendAsOther, stage } from "./media-bench.ts";

beforeAll(() => initAsync());

const CANARY = "canary-that-must-not-be-found";
const clear = Buffer.concat([Buffer.from(CANARY), randomBytes(300_000), Buffer.from(CANARY)]);
const fileOf = (content: JsonObject) =>
  content["file"] as { url: string; iv: string; key: { k: string }; hashes: { sha256: string } };

describe("sending", () => {
  test("into an encrypted room: the server learns neither name nor type, and the Rust SDK reads it", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const uploadId = await stage(media, clear);
    expect(bench.holds(CANARY)).toBe(false);
    expect(bench.holds("secret-plan")).toBe(false);

    const pending = await media.toPendingContent({ uploadId, widthPx: 3, heightPx: 4, caption: "Here!" });
    const content = await media.prepareContent(pending, { isEncrypted: true });
    expect(content).toMatchObject({
      msgtype: "m.image",
      body: "Here!",
      filename: "secret-plan.png",
      info: { mimetype: "image/png", size: clear.length, w: 3, h: 4 },
      "m.mentions": {},
    });
    expect(content["url"]).toBeUndefined();
    expect(JSON.stringify(content)).not.toContain("lattice");

    const upload = bench.server.requests.find(({ method }) => method === "POST");
    expect(upload?.path).toBe("/_matrix/media/v3/upload");
    expect(upload?.headers["content-type"]).toBe("application/octet-stream");
    expect(upload?.headers["content-length"]).toBe(String(clear.length));
    expect(upload?.headers.authorization).toBe("Bearer secret-token");
    expect(JSON.stringify(bench.server.requests)).not.toMatch(/secret-plan|image.png/u);

    const stored = bench.server.files.get(fileOf(content).url);
    expect(stored?.bytes.includes(CANARY)).toBe(false);
    const attachment = new EncryptedAttachment(new Uint8Array(stored?.bytes ?? []), JSON.stringify(fileOf(content)));
    expect(Buffer.from(Attachment.decrypt(attachment)).equals(clear)).toBe(true);
  });

  test("into a room in the clear: the bytes as they are", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const pending = await media.toPendingContent({ uploadId: await stage(media, clear) });
    const content = await media.prepareContent(pending, { isEncrypted: false });
    expect(content["file"]).toBeUndefined();
    const stored = bench.server.files.get(content["url"] as string);
    expect(stored?.contentType).toBe("image/png");
    expect(stored?.bytes.equals(clear)).toBe(true);
    expect(bench.holds(CANARY)).toBe(false);
  });

  test("a thumbnail goes with it, under a key of its own", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const uploadId = await stage(media, clear, { contentType: "video/mp4" });
    const small = await stage(media, Buffer.from("small"), { name: "thumb", contentType: "image/jpeg" });
    const pending = await media.toPendingContent({ uploadId, thumbnail: { uploadId: small, widthPx: 5, heightPx: 6 } });
    const content = await media.prepareContent(pending, { isEncrypted: true });
    const info = content["info"] as { thumbnail_file: ReturnType<typeof fileOf>; thumbnail_info: unknown };
    expect(content["msgtype"]).toBe("m.video");
    expect(info.thumbnail_info).toEqual({ mimetype: "image/jpeg", size: 5, w: 5, h: 6 });
    expect(info.thumbnail_file.key.k).not.toBe(fileOf(content).key.k);
    expect(info.thumbnail_file.iv).not.toBe(fileOf(content).iv);
    expect((await readAll(media, bench.receive(content, "thumbnail"))).toString()).toBe("small");
  });

  test("what was uploaded once is not uploaded again, not even by another engine", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const pending = await media.toPendingContent({ uploadId: await stage(media, clear) });
    const first = await media.prepareContent(pending, { isEncrypted: true });
    expect(await bench.open().prepareContent(pending, { isEncrypted: true })).toEqual(first);
    expect(bench.server.pathsWith("/upload")).toHaveLength(1);
    // What was uploaded encrypted never serves a room in the clear, nor the other way round.
    await expect(media.prepareContent(pending, { isEncrypted: false })).rejects.toMatchObject({ code: "rejected" });
  });

  test("two messages with one file share its upload", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const pending = await media.toPendingContent({ uploadId: await stage(media, clear) });
    const prepare = () => media.prepareContent(pending, { isEncrypted: true });
    const [one, two] = await Promise.all([prepare(), prepare()]);
    expect(one).toEqual(two);
    expect(bench.server.pathsWith("/upload")).toHaveLength(1);
  });

  test("a try that failed is made again with the same bytes", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const pending = await media.toPendingContent({ uploadId: await stage(media, clear) });
    const prepare = () => media.prepareContent(pending, { isEncrypted: true });
    bench.server.fail("/upload", (request) => void request.socket.destroy());
    await expect(prepare()).rejects.toMatchObject({ code: "offline" });
    bench.server.fail("/upload", async (request, response) => {
      await request.resume().toArray();
      json(response, 500, { errcode: "M_UNKNOWN" });
    });
    await expect(prepare()).rejects.toMatchObject({ code: "server-error" });
    bench.server.fail("/upload", async (request, response) => {
      await request.resume().toArray();
      json(response, 200, { content_uri: "https://evil.example/x" });
    });
    await expect(prepare()).rejects.toMatchObject({ code: "server-error" });
    const content = await prepare();
    expect((await readAll(media, bench.receive(content))).equals(clear)).toBe(true);
  });

  test("a file that is too large is refused in plain words, before and after it was read", async () => {
    const bench = await openMediaBench();
    bench.server.uploadLimit = 1_572_864;
    const media = bench.open();
    const begin = media.begin({ name: "x", contentType: "", sizeBytes: 2_000_000 });
    await expect(begin).rejects.toThrow("larger than your server takes (1.5 MB at most)");
    bench.server.uploadLimit = undefined;
    const again = await openMediaBench();
    const other = again.open();
    const pending = await other.toPendingContent({ uploadId: await stage(other, clear) });
    again.server.fail("/upload", (_request, response) => {
      response.writeHead(413, { "content-type": "text/html", connection: "close" }).end("<h1>Too large</h1>");
    });
    await expect(other.prepareContent(pending, { isEncrypted: true })).rejects.toMatchObject({
      code: "rejected",
      data: { errcode: "M_TOO_LARGE" },
    });
  });

  test("an upload that nobody wants any more ends, and leaves nothing", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const uploadId = await stage(media, clear);
    const pending = await media.toPendingContent({ uploadId });
    const arrived = Promise.withResolvers<void>();
    bench.server.fail("/upload", () => arrived.resolve());
    const sending = media.prepareContent(pending, { isEncrypted: true });
    sending.catch(() => undefined);
    await arrived.promise;
    await media.discard(uploadId);
    await expect(sending).rejects.toMatchObject({ code: "cancelled" });
    expect(bench.files()).toEqual([]);
  });

  test("a server that takes nothing in any more is given up", async () => {
    const clock = new MovedClock();
    const bench = await openMediaBench({ clock });
    const media = bench.open();
    const pending = await media.toPendingContent({ uploadId: await stage(media, clear) });
    const arrived = Promise.withResolvers<void>();
    bench.server.fail("/upload", () => arrived.resolve());
    const sending = media.prepareContent(pending, { isEncrypted: true });
    sending.catch(() => undefined);
    await arrived.promise;
    // Longer than a server may need to store it: the answer does not come.
    clock.advance(301_000);
    await expect(sending).rejects.toMatchObject({ code: "offline" });
  });

  test("while it goes up its sender is told how far it has come, a few times a second at most", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const large = Buffer.alloc(12 * 2 ** 20, 7);
    const uploadId = await stage(media, large);
    const pending = await media.toPendingContent({ uploadId });
    const startedAtMs = performance.now();
    await media.prepareContent(pending, { isEncrypted: true });
    const tookMs = performance.now() - startedAtMs;
    expect(bench.progress.length).toBeGreaterThan(0);
    expect(bench.progress.length).toBeLessThanOrEqual(1 + tookMs / 250);
    for (const [index, { sentBytes, totalBytes }] of bench.progress.entries()) {
      expect(totalBytes).toBe(large.length);
      expect(sentBytes).toBeGreaterThan(bench.progress[index - 1]?.sentBytes ?? 0);
      expect(sentBytes).toBeLessThanOrEqual(totalBytes);
    }
    expect(media.progressOf(uploadId)).toBeUndefined();
  });

  test("a content without a file passes as it is", async () => {
    const media = (await openMediaBench()).open();
    const content = { msgtype: "m.text", body: "hello" };
    expect(await media.prepareContent(content, { isEncrypted: true })).toBe(content);
  });

  test("while it is being sent, and after, the sender sees his file without fetching it", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const uploadId = await stage(media, clear);
    const file = { of: "upload", uploadId } as const;
    expect((await readAll(media, file)).equals(clear)).toBe(true);
    const content = await media.prepareContent(await media.toPendingContent({ uploadId }), { isEncrypted: true });
    expect((await readAll(media, file)).equals(clear)).toBe(true);
    expect((await readAll(media, bench.receive(content))).equals(clear)).toBe(true);
    expect(bench.server.pathsWith("/download")).toEqual([]);
    expect(bench.holds(CANARY)).toBe(false);
  });
});

describe("receiving", () => {
  test("a file is fetched once, however many ask, and lies here as it came", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const file = bench.receive(await sendAsOther(bench, media, clear));
    const opened = await Promise.all(Array.from({ length: 5 }, () => media.open(file, { signal: never })));
    expect(opened[0]).toEqual({ sizeBytes: clear.length, contentType: "image/png", name: "secret-plan.png" });
    expect((await readAll(media, file)).equals(clear)).toBe(true);
    expect((await media.read(file, 7, 5, { signal: never })).buffer.byteLength).toBe(5);
    expect(await media.read(file, clear.length + 9, 100, { signal: never })).toHaveLength(0);
    expect((await readAll(bench.open(), file)).equals(clear)).toBe(true);
    expect(bench.server.pathsWith("/download")).toHaveLength(1);
    expect(bench.holds(CANARY)).toBe(false);
  });

  const flip = (text: string): string => (text.startsWith("A") ? "B" : "A") + text.slice(1);
  test.each<[string, (content: JsonObject) => JsonObject | undefined]>([
    ["the hash", ({ hashes }) => ({ hashes: { sha256: flip((hashes as { sha256: string }).sha256) } })],
    ["the version", () => ({ v: "v1" })],
    ["the hash away", () => ({ hashes: {} })],
  ])("with %s changed, not one byte is handed out", async (_what, change) => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const described = content["file"] as JsonObject;
    const file = bench.receive({ ...content, file: { ...described, ...change(described) } });
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({
      code: expect.stringMatching(/rejected|not-found/u),
    });
    await expect(media.read(file, 0, 10, { signal: never })).rejects.toThrow();
    expect(bench.files().filter((path) => path.includes("media/"))).toEqual([]);
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["its first bit", (bytes) => ((bytes[0] = (bytes[0] ?? 0) ^ 1), bytes)],
    ["its last bit", (bytes) => ((bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 128), bytes)],
    ["a bit in its middle", (bytes) => ((bytes[150_000] = (bytes[150_000] ?? 0) ^ 16), bytes)],
    ["its end gone", (bytes) => bytes.subarray(0, -1)],
    ["a byte too many", (bytes) => Buffer.concat([bytes, Buffer.from([0])])],
    ["nothing left", () => Buffer.alloc(0)],
    [
      "two blocks exchanged",
      (bytes) => Buffer.concat([bytes.subarray(16, 32), bytes.subarray(0, 16), bytes.subarray(32)]),
    ],
  ])("ciphertext with %s changed by the server is refused and not kept", async (_what, change) => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const stored = bench.server.files.get(fileOf(content).url);
    if (!stored) throw new Error("nothing stored");
    stored.bytes = change(Buffer.from(stored.bytes));
    const file = bench.receive(content);
    await expect(media.read(file, 0, 10, { signal: never })).rejects.toThrow("not the one that was sent");
    expect(bench.files().filter((path) => path.includes("media/"))).toEqual([]);
    // Looking once more does not fetch once more.
    await expect(media.open(file, { signal: never })).rejects.toThrow("not the one that was sent");
    expect(bench.server.pathsWith("/download")).toHaveLength(1);
  });

  test.each(["k", "iv"])("a changed %s gives other bytes than the sender's: neither is in the hash", async (what) => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const { key, iv, ...file } = fileOf(content);
    const changed = what === "k" ? { ...file, iv, key: { ...key, k: flip(key.k) } } : { ...file, key, iv: flip(iv) };
    const read = await readAll(media, bench.receive({ ...content, file: changed }));
    expect(read.includes(CANARY)).toBe(false);
  });

  test("a file that was changed on this disk is fetched anew", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const file = bench.receive(await sendAsOther(bench, media, clear));
    await media.open(file, { signal: never });
    const path = bench.files().find((each) => each.includes("media/")) ?? "";
    const bytes = readFileSync(path);
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect((await readAll(bench.open(), file)).equals(clear)).toBe(true);
    expect(bench.server.pathsWith("/download")).toHaveLength(2);
  });

  test("an event with a wrong hash does not drive out the file of another", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const good = bench.receive(content, "file", "$good" as EventId);
    await media.open(good, { signal: never });
    const { hashes, ...described } = fileOf(content);
    const bad = { ...content, file: { ...described, hashes: { sha256: flip(hashes.sha256) } } };
    await expect(media.open(bench.receive(bad, "file", "$bad" as EventId), { signal: never })).rejects.toThrow();
    expect((await readAll(media, good)).equals(clear)).toBe(true);
    expect(bench.server.pathsWith("/download")).toHaveLength(2);
  });

  test("a download that breaks off leaves nothing, and the next one is whole", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const stored = bench.server.files.get(fileOf(content).url)?.bytes ?? Buffer.alloc(0);
    bench.server.fail("/download", (_request, response) => {
      response.writeHead(200, { "content-length": String(stored.length) });
      response.write(stored.subarray(0, 100_000), () => response.destroy());
    });
    const file = bench.receive(content);
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({ code: "offline" });
    expect(bench.files().filter((path) => path.includes("media/"))).toEqual([]);
    bench.server.fail("/download", (_request, response) => json(response, 502, {}));
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({ code: "server-error" });
    bench.server.fail("/download", (_request, response) => json(response, 404, { errcode: "M_NOT_FOUND" }));
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({ code: "not-found" });
    expect((await readAll(media, file)).equals(clear)).toBe(true);
  });

  test("a download that stands still ends, and one that nobody waits for ends a little later", async () => {
    const clock = new MovedClock();
    const bench = await openMediaBench({ clock });
    const media = bench.open();
    const file = bench.receive(await sendAsOther(bench, media, clear));
    const stall = () => {
      const begun = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      bench.server.fail("/download", (request, response) => {
        request.socket.once("close", () => ended.resolve());
        response.writeHead(200, { "content-length": "300000" });
        response.write("x", () => begun.resolve());
      });
      return { begun: begun.promise, ended: ended.promise };
    };
    const stalled = stall();
    const opening = media.open(file, { signal: never });
    opening.catch(() => undefined);
    await stalled.begun;
    await vi.waitFor(async () => {
      clock.advance(61_000);
      await expect(Promise.race([opening, Promise.resolve("still")])).rejects.toMatchObject({ code: "offline" });
    });

    const left = stall();
    const leaving = new AbortController();
    const waiting = media.open(file, { signal: leaving.signal });
    waiting.catch(() => undefined);
    await left.begun;
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    clock.advance(16_000);
    await left.ended;
    expect((await readAll(media, file)).equals(clear)).toBe(true);
  });

  test("who comes back in time finds the same download", async () => {
    const clock = new MovedClock();
    const bench = await openMediaBench({ clock });
    const media = bench.open();
    const content = await sendAsOther(bench, media, clear);
    const stored = bench.server.files.get(fileOf(content).url)?.bytes;
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    bench.server.fail("/download", async (_request, response) => {
      begun.resolve();
      await goOn.promise;
      response.writeHead(200).end(stored);
    });
    const file = bench.receive(content);
    const leaving = new AbortController();
    const first = media.open(file, { signal: leaving.signal });
    await begun.promise;
    leaving.abort();
    await expect(first).rejects.toMatchObject({ code: "cancelled" });
    clock.advance(10_000);
    const second = readAll(media, file);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(10_000);
    goOn.resolve();
    expect((await second).equals(clear)).toBe(true);
    expect(bench.server.pathsWith("/download")).toHaveLength(1);
  });

  test("a file in the clear, a picture without one, and a message that was removed", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const content = {
      msgtype: "m.file",
      body: "../../.bashrc",
      url: bench.server.put(clear),
      info: { mimetype: "text/html" },
    };
    const file = bench.receive(content);
    expect(await media.open(file, { signal: never })).toEqual({
      sizeBytes: clear.length,
      contentType: "text/html",
      name: "bashrc",
    });
    expect((await readAll(media, file)).equals(clear)).toBe(true);
    await expect(media.open(bench.receive(content, "thumbnail"), { signal: never })).rejects.toMatchObject({
      code: "not-found",
    });
    bench.redact();
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({ code: "not-found" });
    const unknown = { of: "event", roomId: "!r:x", eventId: "$none", part: "file" } as never;
    await expect(media.open(unknown, { signal: never })).rejects.toMatchObject({ code: "not-found" });
  });

  test("a received message that names an upload of ours gets nothing", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const uploadId = await stage(media, clear);
    const file = bench.receive({ msgtype: "m.file", body: "x", "lattice.upload": uploadId });
    await expect(media.open(file, { signal: never })).rejects.toMatchObject({ code: "not-found" });
  });

  test("twenty files at once, more than may be open", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const contents = Array.from({ length: 20 }, (_, index) => randomBytes(200_000 + index));
    const files = contents.map((bytes, index) =>
      bench.receive({ msgtype: "m.file", body: "x", url: bench.server.put(bytes) }, "file", `$${index}` as EventId),
    );
    const read = await Promise.all(files.map((file) => readAll(media, file)));
    expect(read.every((bytes, index) => bytes.equals(contents[index] ?? Buffer.alloc(0)))).toBe(true);
  });

  test("what an engine that was killed left half done is cleared away", async () => {
    const bench = await openMediaBench();
    const media = bench.open();
    const file = bench.receive(await sendAsOther(bench, media, clear));
    await media.open(file, { signal: never });
    const path = bench.files().find((each) => each.includes("media/")) ?? "";
    writeFileSync(`${path}.part`, "half");
    rmSync(path);
    expect((await readAll(bench.open(), file)).equals(clear)).toBe(true);
    expect(bench.files().some((each) => each.endsWith(".part"))).toBe(false);
  });
});
