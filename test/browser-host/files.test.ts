/**
 * Files through the browser host: in parts, in a sandbox, in chunks, and only for its own page. Runs against a stub
 * engine that has one file and takes files in. Subject: browser-host/files.ts and the contract's file-address.ts.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { startBrowserHost, type BrowserHost } from "../../main/browser-host/server.ts";
import { MAX_CHUNK_BYTES } from "../../preload/contract/engine-contract.ts";
import {
  appendUrl,
  fileHeaders,
  fileUrl,
  parseFilePath,
  type FileAddress,
} from "../../preload/contract/file-address.ts";
import type { AccountId, EventId, RoomId, UploadId } from "../../preload/contract/ids.ts";
import type { FramePort } from "../../preload/contract/frames.ts";
import { stubEngine } from "./stub-engine.ts";

const accountId = "abcdefghijklmnop" as AccountId;
const uploadId = "A".repeat(22) as UploadId;
const picture: FileAddress = {
  accountId,
  file: { of: "event", roomId: "!room:example.org" as RoomId, eventId: "$a/b+c" as EventId, part: "file" },
};

type Ask = { command: string; args: Record<string, unknown> };
let folder: string;
let host: BrowserHost;
let cookie: string;
let file: { bytes: Buffer; contentType: string; name: string };
let taken: Buffer[];
let asked: Ask[];
let cancelled: number;
let openError: { code: string; message: string } | undefined;
let isSlow: boolean;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-host-files-"));
  file = { bytes: randomBytes(3 * MAX_CHUNK_BYTES + 17), contentType: "image/png", name: "a'b (ü).png" };
  taken = [];
  asked = [];
  cancelled = 0;
  openError = undefined;
  isSlow = false;
  const engine = stubEngine();
  engine.connect = (port) => serveFiles(port);
  host = await startBrowserHost({ engine, rendererDir: folder, hostScript: "" });
  const entered = await ask(host.mintUrl().slice(host.origin.length));
  cookie = entered.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
});
afterEach(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

function serveFiles(port: FramePort): void {
  port.post({ t: "hello", contractVersion: 1, engineId: "stub" });
  port.onFrame((data) => {
    const frame = data as { t: string; id: number } & Ask;
    if (frame.t === "cancel") cancelled += 1;
    if (frame.t !== "call") return;
    asked.push({ command: frame.command, args: frame.args });
    if (isSlow) return;
    const value = answer(frame);
    if (openError && frame.command === "files.open")
      port.post({ t: "failed", id: frame.id, error: openError as never });
    else port.post({ t: "reply", id: frame.id, value });
  });
}

function answer({ command, args }: Ask): unknown {
  if (command === "files.open") return { sizeBytes: file.bytes.length, contentType: file.contentType, name: file.name };
  if (command === "files.append") {
    taken.push(Buffer.from(args["bytes"] as Uint8Array));
    return { sizeBytes: (args["offset"] as number) + (args["bytes"] as Uint8Array).length };
  }
  const { offset, length } = args as { offset: number; length: number };
  return { bytes: new Uint8Array(file.bytes.subarray(offset, offset + length)) };
}

type Answer = { status: number; headers: IncomingMessage["headers"]; body: Buffer };
function ask(path: string, headers: Record<string, string> = {}, method = "GET", body?: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(host.origin);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method, agent: false, headers: { ...(cookie && { cookie }), ...headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
const pathOf = (address: FileAddress, options?: { toSave?: boolean }) => fileUrl("/media/", address, options);

test("a whole file comes in chunks, in a sandbox, and stays out of the browser's cache", async () => {
  const whole = await ask(pathOf(picture));
  expect(whole.status).toBe(200);
  expect(whole.body.equals(file.bytes)).toBe(true);
  expect(whole.headers).toMatchObject({
    "content-type": "image/png",
    "content-length": String(file.bytes.length),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "accept-ranges": "bytes",
  });
  expect(whole.headers["content-disposition"]).toBeUndefined();
  const reads = asked.filter(({ command }) => command === "files.read");
  expect(reads.map(({ args }) => args["length"])).toEqual([MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, 17]);
  expect(reads[0]?.args["file"]).toEqual(picture.file);
});

test("a part of it, its end, and what lies beyond", async () => {
  const part = await ask(pathOf(picture), { range: "bytes=1048570-1048580" });
  expect([part.status, part.headers["content-range"]]).toEqual([206, `bytes 1048570-1048580/${file.bytes.length}`]);
  expect(part.body.equals(file.bytes.subarray(1_048_570, 1_048_581))).toBe(true);
  expect((await ask(pathOf(picture), { range: "bytes=-5" })).body.equals(file.bytes.subarray(-5))).toBe(true);
  expect((await ask(pathOf(picture), { range: `bytes=${file.bytes.length}-` })).status).toBe(416);
  asked = [];
  const head = await ask(pathOf(picture), {}, "HEAD");
  expect([head.status, head.headers["content-length"], head.body.length]).toEqual([200, String(file.bytes.length), 0]);
  expect(asked.map(({ command }) => command)).toEqual(["files.open"]);
});

test.each([
  "text/html",
  "image/svg+xml",
  "application/pdf",
  "text/xml",
  "application/x-shockwave-flash",
  "",
  "IMAGE/SVG+XML; x",
])("%j is bytes to be saved, never shown", async (contentType) => {
  file.contentType = contentType;
  const { headers } = await ask(pathOf(picture), { range: "bytes=0-0" });
  expect(headers["content-type"]).toBe("application/octet-stream");
  expect(headers["content-disposition"]).toBe("attachment; filename*=UTF-8''a%27b%20%28%C3%BC%29.png");
});

test("a picture is saved where that is asked for, and no name breaks the header", async () => {
  const { headers } = await ask(pathOf(picture, { toSave: true }), { range: "bytes=0-0" });
  expect(headers["content-type"]).toBe("image/png");
  expect(headers["content-disposition"]).toMatch(/^attachment; /u);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      expect(fileHeaders({ contentType: "", name }, { toSave: true })["content-disposition"]).toMatch(
        /^attachment; filename\*=UTF-8''[A-Za-z0-9%._~!-]*$/u,
      );
    }),
  );
});

test.each([
  ["not-found", 404],
  ["forbidden", 404],
  ["offline", 503],
  ["rejected", 422],
  ["disk-full", 507],
  ["bug", 502],
])("a file that is refused with %s says so", async (code, status) => {
  openError = { code, message: "Why." };
  const answered = await ask(pathOf(picture));
  expect(answered.status).toBe(status);
  expect(JSON.parse(answered.body.toString())).toEqual({ error: openError });
});

test("who goes away takes the request back", async () => {
  isSlow = true;
  const leaving = new AbortController();
  const { hostname, port } = new URL(host.origin);
  const request = httpRequest({ hostname, port, path: pathOf(picture), headers: { cookie }, signal: leaving.signal });
  request.on("error", () => {});
  request.end();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  leaving.abort();
  await vi.waitFor(() => expect(cancelled).toBe(1));
});

test("the page's bytes arrive in order, in chunks", async () => {
  const bytes = randomBytes(2 * MAX_CHUNK_BYTES + 5);
  const path = appendUrl("/media/", accountId, uploadId, 100);
  const answered = await ask(path, { origin: host.origin }, "POST", bytes);
  expect([answered.status, JSON.parse(answered.body.toString())]).toEqual([200, { sizeBytes: 100 + bytes.length }]);
  expect(Buffer.concat(taken).equals(bytes)).toBe(true);
  expect(asked.map(({ args }) => args["offset"])).toEqual([100, 100 + MAX_CHUNK_BYTES, 100 + 2 * MAX_CHUNK_BYTES]);
  expect(asked[0]?.args).toMatchObject({ accountId, uploadId });
});

test("nobody else sends files", async () => {
  const path = appendUrl("/media/", accountId, uploadId, 0);
  const body = Buffer.from("x");
  expect((await ask(path, {}, "POST", body)).status).toBe(403);
  expect((await ask(path, { origin: "https://evil.example" }, "POST", body)).status).toBe(403);
  expect((await ask(path, { origin: "null" }, "POST", body)).status).toBe(403);
  expect((await ask(path, { origin: host.origin, cookie: "x=y" }, "POST", body)).status).toBe(403);
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    expect((await ask(path, { origin: host.origin }, method, body)).status).toBe(405);
  }
  expect((await ask(pathOf(picture), { origin: host.origin }, "POST", body)).status).toBe(405);
  expect((await ask(pathOf(picture), { cookie: "x=y" })).status).toBe(403);
  expect(taken).toEqual([]);
});

test.each([
  "/media/file/",
  "/media/file/short/!a:b/$c",
  `/media/file/${accountId}/!a:b`,
  `/media/file/${accountId}/!a:b/$c/other`,
  `/media/file/${accountId}/!a:b/$c/thumbnail/more`,
  `/media/file/${accountId}/%E0%A4%A/$c`,
  `/media/file/${accountId}/!a:b/c`,
  `/media/upload/${accountId}/..%2f..%2faccount.db`,
  `/media/upload/${accountId}/${uploadId}/more`,
  `/media/upload/${accountId}/short`,
])("%s names no file", async (path) => {
  expect((await ask(path)).status).toBe(400);
  expect(asked).toEqual([]);
});

test("a POST without a place is refused", async () => {
  for (const query of ["", "?offset=", "?offset=-1", "?offset=1e3"]) {
    const path = `/media/upload/${accountId}/${uploadId}${query}`;
    expect((await ask(path, { origin: host.origin }, "POST", Buffer.from("x"))).status).toBe(400);
  }
  expect(taken).toEqual([]);
});

test("every address names what it was made of", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter(
    // eslint-disable-next-line no-control-regex
    (name) => name.isWellFormed() && !/[\u0000-\u001f\u007f]/u.test(name),
  );
  fc.assert(
    fc.property(text, text, fc.constantFrom("file" as const, "thumbnail" as const), (room, event, part) => {
      const address: FileAddress = {
        accountId,
        file: { of: "event", roomId: `!${room}` as RoomId, eventId: `$${event}` as EventId, part },
      };
      expect(parseFilePath(new URL(fileUrl("http://x/", address)).pathname.slice(1))).toEqual(address);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (path) => void parseFilePath(path)));
});

test.each(["files.read", "files.append", "media.fetch"])(
  "%s is refused over a socket, which cannot carry bytes",
  async (command) => {
    const socket = new WebSocket(`${host.origin.replace("http", "ws")}/engine`, {
      headers: { cookie, origin: host.origin },
    });
    const frames: unknown[] = [];
    socket.on("message", (data) => frames.push(JSON.parse((data as Buffer).toString())));
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(JSON.stringify({ t: "call", id: 1, command, args: {} }));
    await vi.waitFor(() => expect(frames).toContainEqual(expect.objectContaining({ t: "failed", id: 1 })));
    expect(asked).toEqual([]);
    socket.close();
  },
);
