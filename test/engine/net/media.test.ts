/** That media come over the right endpoint, and that neither an mxc URI nor a redirect leads astray. Subject: net/media.ts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import type { MxcUri } from "../../../main/engine/matrix/ids.ts";
import { openMediaClient } from "../../../main/engine/net/media.ts";
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
