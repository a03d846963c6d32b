/** Files over the app's own scheme: for its page only, in chunks, never as a page. Subject: shell/file-request.ts. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { EngineCallError } from "../../main/shell/engine-client.ts";
import { exchangeFile, isFileUrl } from "../../main/shell/file-request.ts";
import { MEDIA_BASE } from "../../main/shell/media-request.ts";
import { MAX_CHUNK_BYTES } from "../../preload/contract/engine-contract.ts";
import { appendUrl, fileUrl, type FileAddress } from "../../preload/contract/file-address.ts";
import type { AccountId, EventId, RoomId, UploadId } from "../../preload/contract/ids.ts";

const accountId = "a1b2c3d4e5f6g7h8" as AccountId;
const uploadId = "A".repeat(22) as UploadId;
const address: FileAddress = {
  accountId,
  file: { of: "event", roomId: "!r:example.org" as RoomId, eventId: "$e/1" as EventId, part: "thumbnail" },
};
const fileAt = (options?: { toSave: boolean }) => fileUrl(MEDIA_BASE, address, options);

function engineWith(file: { bytes: Buffer; contentType: string }, error?: EngineCallError) {
  const taken: Uint8Array[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const call = (command: string, args: Record<string, unknown>, options: { signal?: AbortSignal }) => {
    signals.push(options.signal);
    if (error) return Promise.reject(error);
    if (command === "files.open")
      return Promise.resolve({ sizeBytes: file.bytes.length, contentType: file.contentType, name: "x.png" });
    if (command === "files.append") {
      taken.push(args["bytes"] as Uint8Array);
      return Promise.resolve({ sizeBytes: (args["offset"] as number) + (args["bytes"] as Uint8Array).length });
    }
    const [offset, length] = [args["offset"] as number, args["length"] as number];
    return Promise.resolve({ bytes: new Uint8Array(file.bytes.subarray(offset, offset + length)) });
  };
  return { engine: { call } as never, taken, signals };
}
const picture = { bytes: randomBytes(MAX_CHUNK_BYTES + 9), contentType: "image/png" };

test("addresses of files are told from those of servers' media", () => {
  expect(isFileUrl(fileAt())).toBe(true);
  expect(isFileUrl(appendUrl(MEDIA_BASE, accountId, uploadId, 0))).toBe(true);
  expect(isFileUrl(`${MEDIA_BASE}${accountId}/example.org/abc`)).toBe(false);
});

test("a file, and a part of it", async () => {
  const { engine } = engineWith(picture);
  const whole = await exchangeFile(new Request(fileAt()), engine);
  expect(whole.status).toBe(200);
  expect(Buffer.from(await whole.arrayBuffer()).equals(picture.bytes)).toBe(true);
  expect(Object.fromEntries(whole.headers)).toMatchObject({
    "content-type": "image/png",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "access-control-allow-origin": "app://lattice",
  });
  const part = await exchangeFile(new Request(fileAt(), { headers: { range: "bytes=3-5" } }), engine);
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 3-5/${picture.bytes.length}`]);
  expect(Buffer.from(await part.arrayBuffer()).equals(picture.bytes.subarray(3, 6))).toBe(true);
  expect((await exchangeFile(new Request(fileAt(), { headers: { range: "bytes=9999999-" } }), engine)).status).toBe(
    416,
  );
});

test("what could run is saved, never shown", async () => {
  const { engine } = engineWith({ ...picture, contentType: "image/svg+xml" });
  const answer = await exchangeFile(new Request(fileAt()), engine);
  expect(answer.headers.get("content-type")).toBe("application/octet-stream");
  expect(answer.headers.get("content-disposition")).toMatch(/^attachment; /u);
});

test("the page's bytes go to the engine, those of others do not", async () => {
  const { engine, taken } = engineWith(picture);
  const url = appendUrl(MEDIA_BASE, accountId, uploadId, 7);
  const post = (headers: Record<string, string>) =>
    exchangeFile(new Request(url, { method: "POST", body: new Uint8Array(picture.bytes), headers }), engine);
  const answer = await post({ origin: "app://lattice" });
  expect(await answer.json()).toEqual({ sizeBytes: 7 + picture.bytes.length });
  expect(Buffer.concat(taken).equals(picture.bytes)).toBe(true);
  expect((await post({ origin: "https://evil.example" })).status).toBe(400);
  expect((await exchangeFile(new Request(url, { method: "DELETE" }), engine)).status).toBe(405);
  expect((await exchangeFile(new Request(fileAt(), { method: "POST", body: "x" }), engine)).status).toBe(400);
  expect(taken).toHaveLength(2);
});

test("a refusal says why, and who leaves takes the call with him", async () => {
  const { engine, signals } = engineWith(picture, new EngineCallError({ code: "rejected", message: "Damaged." }));
  const leaving = new AbortController();
  const answer = await exchangeFile(new Request(fileAt(), { signal: leaving.signal }), engine);
  expect([answer.status, await answer.json()]).toEqual([422, { error: { code: "rejected", message: "Damaged." } }]);
  leaving.abort();
  expect(signals[0]?.aborted).toBe(true);
});

test.each(["file/", `file/${accountId}/x/y`, `upload/${accountId}/..`, `upload/${accountId}/%00`])(
  "%s names no file",
  async (path) => {
    const { engine, signals } = engineWith(picture);
    expect((await exchangeFile(new Request(`${MEDIA_BASE}${path}`), engine)).status).toBe(400);
    expect(signals).toEqual([]);
  },
);
