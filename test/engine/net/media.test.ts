/** That media come over the right endpoint, and that neither an mxc URI nor a redirect leads astray. Subject: net/media.ts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import type { MxcUri } from "../../../main/engine/matrix/ids.ts";
import { openMediaClient } from "../../../main/engine/net/media.ts";
import { SignedOutError } from "../../../main/engine/net/http.ts";
import { html, json, redirect, ScriptedServer } from "./scripted-server.ts";
import type { Answer } from "./scripted-server.ts";

const HOME = "https://home.example.org";
const DOWNLOAD = "home.example.org/_matrix/client/v1/media/download/example.org/abc";
const mxc = "mxc://example.org/abc" as MxcUri;

let server: ScriptedServer;
beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const open = () =>
  openMediaClient({
    fetch: server.fetchAs,
    clock: systemClock,
    baseUrl: HOME,
    useToken: (request) => request("secret"),
  });
const file =
  (contentType: string, bytes = "GIF89a"): Answer =>
  (response) =>
    void response.writeHead(200, { "content-type": contentType }).end(bytes);

test("a file, and a thumbnail", async () => {
  server.answers.set("*", file("Image/GIF; charset=x"));
  const client = open();
  const downloaded = await client.download(mxc, undefined);
  expect(downloaded.contentType).toBe("image/gif");
  expect(Buffer.from(downloaded.bytes).toString()).toBe("GIF89a");
  expect(downloaded.bytes.buffer.byteLength).toBe(6);
  await client.download(mxc, { widthPx: 96, heightPx: 1e9, method: "crop" });
  expect(server.requests.map(({ path, authorization }) => [path, authorization])).toEqual([
    ["/_matrix/client/v1/media/download/example.org/abc", "Bearer secret"],
    ["/_matrix/client/v1/media/thumbnail/example.org/abc?width=96&height=4096&method=crop", "Bearer secret"],
  ]);
});

test.each(["text/html\r\nx", "image", "", "a/b/c", "x".repeat(300)])(
  "content type %.20j is not believed",
  async (contentType) => {
    server.answers.set("*", (response, request) => {
      try {
        return file(contentType)(response, request);
      } catch {
        return file("image/")(response, request);
      }
    });
    expect((await open().download(mxc, undefined)).contentType).toBe("application/octet-stream");
  },
);

test("an old server is asked as it knows it, without the token", async () => {
  server.answers.set(DOWNLOAD, json({ errcode: "M_UNRECOGNIZED" }, 404));
  server.answers.set("home.example.org/_matrix/media/v3/download/example.org/abc", file("image/png"));
  const client = open();
  expect((await client.download(mxc, undefined)).contentType).toBe("image/png");
  await client.download(mxc, undefined);
  expect(server.requests.map((request) => request.authorization)).toEqual(["Bearer secret", undefined, undefined]);
});

test("a file that is not there is not there", async () => {
  server.answers.set("*", json({ errcode: "M_NOT_FOUND" }, 404));
  await expect(open().download(mxc, undefined)).rejects.toMatchObject({ code: "not-found" });
  expect(server.requests).toHaveLength(1);
});

test("a redirect to another host takes no token with it, and its 401 ends no session", async () => {
  server.answers.set(DOWNLOAD, redirect("https://cdn.example.org/abc", 307));
  server.answers.set("cdn.example.org/abc", file("image/png"));
  await open().download(mxc, undefined);
  expect(server.requests.map(({ host, authorization }) => [host, authorization])).toEqual([
    ["home.example.org", "Bearer secret"],
    ["cdn.example.org", undefined],
  ]);
  server.answers.set("cdn.example.org/abc", json({ errcode: "M_UNKNOWN_TOKEN" }, 401));
  await expect(open().download(mxc, undefined)).rejects.toMatchObject({ code: "server-error" });
});

test.each([
  "http://cdn.example.org/abc",
  "file:///etc/passwd",
  "https://a:b@cdn.example.org/",
  `${HOME}/_matrix/client/v1/media/download/example.org/abc`,
])("no redirect to %s", async (location) => {
  server.answers.set("*", redirect(location));
  await expect(open().download(mxc, undefined)).rejects.toMatchObject({ code: "server-error" });
  expect(server.requests.length).toBeLessThan(8);
  expect(server.requests.every(({ host }) => host === "home.example.org")).toBe(true);
});

test.each([
  "mxc://../abc",
  "mxc://./abc",
  "mxc://a..b/abc",
  "mxc://example.org/../../v3/account/whoami",
  "mxc://example.org/..",
  "mxc://example.org/a%2fb",
  "mxc://example.org/a?b",
  "mxc://example.org:99999999/abc",
  "mxc://[::1/abc",
  "mxc://[..]/abc",
  "mxc://user@example.org/abc",
  "mxc:///abc",
  "https://example.org/abc",
])("%s is never asked for", async (bad) => {
  server.answers.set("*", file("image/png"));
  await expect(open().download(bad as MxcUri, undefined)).rejects.toMatchObject({ code: "rejected" });
  expect(server.requests).toEqual([]);
});

test.each([
  "mxc://example.org:8448/abc",
  "mxc://192.0.2.1/a_-9",
  "mxc://[2001:db8::1]:8448/abc",
  "mxc://localhost/abc",
])("%s is", async (fine) => {
  server.answers.set("*", file("image/png"));
  await open().download(fine as MxcUri, undefined);
  expect(server.requests).toHaveLength(1);
});

test("a captive portal's page is no picture with a Matrix name", async () => {
  server.answers.set("*", html(401));
  await expect(open().download(mxc, undefined)).rejects.toMatchObject({ code: "server-error" });
});

const bytesOf = (text: string) => ({
  contentType: "text/plain",
  sizeBytes: text.length,
  async *open() {
    for (const letter of text) yield await Promise.resolve(Buffer.from(letter));
  },
});
const UPLOAD = "POST home.example.org/_matrix/media/v3/upload";

test("a file is streamed to the server, without a name, with its length and its progress", async () => {
  let length: string | undefined;
  server.answers.set(UPLOAD, (response, request) => {
    length = response.req.headers["content-length"];
    return json({ content_uri: "mxc://example.org/new" })(response, request);
  });
  const progress: number[] = [];
  const mxc2 = await open().upload(bytesOf("hello"), { onProgress: (sent) => progress.push(sent) });
  expect(mxc2).toBe("mxc://example.org/new");
  expect(progress).toEqual([1, 2, 3, 4, 5]);
  expect([length, server.requests[0]?.body, server.requests[0]?.authorization]).toEqual([
    "5",
    "hello",
    "Bearer secret",
  ]);
});

test("a refused token is told to the keeper, whose second try sends all bytes again", async () => {
  server.answers.set(UPLOAD, (response, request) =>
    (request.authorization === "Bearer old"
      ? json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true }, 401)
      : json({ content_uri: "mxc://example.org/new" }))(response, request),
  );
  const client = openMediaClient({
    fetch: server.fetchAs,
    clock: systemClock,
    baseUrl: HOME,
    useToken: (request) =>
      request("old").catch((error: unknown) => {
        if (error instanceof SignedOutError) return request("new");
        throw error;
      }),
  });
  expect(await client.upload(bytesOf("again"))).toBe("mxc://example.org/new");
  expect(server.requests.map(({ body }) => body)).toEqual(["again", "again"]);
});

test.each([
  [json({ content_uri: "mxc://../x" }), "server-error"],
  [json({}), "server-error"],
  [json([]), "server-error"],
  [html(200), "server-error"],
  [json({ errcode: "M_FORBIDDEN" }, 403), "forbidden"],
  [json({ errcode: "M_TOO_LARGE" }, 413), "rejected"],
  [html(413), "rejected"],
  [json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 5 }, 429), "rate-limited"],
  [redirect("https://evil.example/upload", 307), "server-error"],
])("an upload that ends otherwise is a failure with a reason", async (answer, code) => {
  server.answers.set(UPLOAD, answer);
  await expect(open().upload(bytesOf("x"))).rejects.toMatchObject({ code });
  expect(server.requests).toHaveLength(1);
});

test("a file goes to the sink piece by piece, and never more of it than is wanted", async () => {
  server.answers.set("*", file("image/png", "x".repeat(100_000)));
  let sizeBytes = 0;
  const sink = (bytes: Uint8Array) => Promise.resolve(void (sizeBytes += bytes.byteLength));
  await open().downloadTo(mxc, sink, { maxBytes: 100_000 });
  expect(sizeBytes).toBe(100_000);
  await expect(open().downloadTo(mxc, sink, { maxBytes: 99_999 })).rejects.toMatchObject({ code: "rejected" });
  const full = new Error("no room");
  const failing = open().downloadTo(mxc, () => Promise.reject(full), { maxBytes: 100_000 });
  await expect(failing).rejects.toMatchObject({ code: "bug", cause: full });
});

test("the sink gets nothing of an error, and what a redirect leads to", async () => {
  const seen: string[] = [];
  const sink = (bytes: Uint8Array) => Promise.resolve(void seen.push(Buffer.from(bytes).toString()));
  server.answers.set("*", json({ errcode: "M_NOT_FOUND" }, 404));
  await expect(open().downloadTo(mxc, sink, { maxBytes: 100 })).rejects.toMatchObject({ code: "not-found" });
  server.answers.set(DOWNLOAD, redirect("https://cdn.example.org/abc", 307));
  server.answers.set("cdn.example.org/abc", file("image/png", "picture"));
  await open().downloadTo(mxc, sink, { maxBytes: 100 });
  expect(seen).toEqual(["picture"]);
  expect(server.requests.at(-1)?.authorization).toBeUndefined();
});

test("how much a server takes, where it says so", async () => {
  server.answers.set("*", json({ errcode: "M_UNRECOGNIZED" }, 404));
  server.answers.set("home.example.org/_matrix/media/v3/config", json({ "m.upload.size": 5 }));
  expect(await open().readUploadLimit()).toBe(5);
  for (const odd of [json({}), json([]), json({ "m.upload.size": "5" })]) {
    server.answers.set("*", odd);
    expect(await open().readUploadLimit()).toBeUndefined();
  }
});
