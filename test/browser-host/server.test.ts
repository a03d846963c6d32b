/**
 * The browser host's borders: who gets in, what is served with which headers, what a socket may say.
 * Runs against a stub engine on loopback. Invariant under test: without the one-time token's cookie nothing is
 * answered, and a foreign origin or host name never passes.
 */
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { PortInUseError, startBrowserHost, type BrowserHost } from "../../main/browser-host/server.ts";
import { stubEngine, type StubEngine } from "./stub-engine.ts";

const ACCOUNT = "abcdefghijklmnop";

let folder: string;
let host: BrowserHost;
let engine: StubEngine;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-host-test-"));
  const rendererDir = join(folder, "renderer");
  await mkdir(join(rendererDir, "assets"), { recursive: true });
  await writeFile(join(rendererDir, "index.html"), "<html><head><title>x</title></head></html>");
  await writeFile(join(rendererDir, "assets/index-1.js"), "1");
  await writeFile(join(rendererDir, "assets/notes.exe"), "1");
  await writeFile(join(folder, "secret.js"), "secret");
  await symlink(join(folder, "secret.js"), join(rendererDir, "assets/link.js"));
  await writeFile(join(folder, "host.js"), "host");
  engine = stubEngine();
  host = await startBrowserHost({ engine, rendererDir, hostScript: join(folder, "host.js"), title: "A & <B>" });
});

afterEach(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

type Answer = { status: number; headers: IncomingMessage["headers"]; body: string };

/** A request whose path and headers go out exactly as given. */
function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { hostname, port } = new URL(host.origin);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on("error", reject);
    request.end();
  });
}

const pathOf = (url: string): string => url.slice(host.origin.length);

async function signIn(): Promise<string> {
  const answer = await get(pathOf(host.mintUrl()));
  return answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
}

type SocketOptions = { path?: string; origin?: string; cookie?: string; host?: string };

/** Opens a socket, or gives the status it was refused with. A frame may come together with the handshake. */
function open(options: SocketOptions, onFrame: (frame: unknown) => void = () => {}): Promise<WebSocket | number> {
  const socket = new WebSocket(`${host.origin.replace("http", "ws")}${options.path ?? "/engine"}`, {
    headers: {
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      ...(options.host === undefined ? {} : { host: options.host }),
    },
  });
  socket.on("message", (data) => onFrame(JSON.parse((data as Buffer).toString())));
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.once("error", reject);
  });
}

/** An open socket, and its frames one by one. */
async function openSocket(options: SocketOptions): Promise<{ socket: WebSocket; next: () => Promise<unknown> }> {
  const frames: unknown[] = [];
  const waiting: ((frame: unknown) => void)[] = [];
  const socket = await open(options, (frame) => {
    const taker = waiting.shift();
    if (taker) taker(frame);
    else frames.push(frame);
  });
  if (typeof socket === "number") throw new Error(`refused with ${socket}`);
  return {
    socket,
    next: () => (frames.length > 0 ? Promise.resolve(frames.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
}

describe("the token", () => {
  test("is good for one exchange", async () => {
    const path = pathOf(host.mintUrl());
    const first = await get(path);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe("/");
    expect(first.headers["set-cookie"]?.[0]).toMatch(/^lattice-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/u);
    expect((await get(path)).status).toBe(403);
  });

  test("is not used up by HEAD, and a window that is in stays in", async () => {
    const path = pathOf(host.mintUrl());
    expect((await get(path, {}, "HEAD")).status).toBe(403);
    const cookie = (await get(path)).headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    expect((await get(path, { cookie })).status).toBe(303);
  });

  test.each(["/enter", "/enter?token=", "/enter?token=guess"])("%s is refused", async (path) => {
    expect((await get(path)).status).toBe(403);
  });
});

describe("without the cookie", () => {
  test.each(["/", "/index.html", "/host.js", "/assets/index-1.js", `/media/${ACCOUNT}/example.org/abc`])(
    "%s is refused",
    async (path) => {
      expect((await get(path)).status).toBe(403);
      expect((await get(path, { cookie: "lattice-1=x; other=y" })).status).toBe(403);
    },
  );
});

describe("the page", () => {
  test("comes with the host's script first, its title, and a strict policy", async () => {
    const answer = await get("/", { cookie: await signIn() });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('<head>\n    <script type="module" src="./host.js"></script>');
    expect(answer.body).toContain("<title>A &amp; &lt;B&gt;</title>");
    const policy = String(answer.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain("unsafe");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers["cross-origin-opener-policy"]).toBe("same-origin");
    expect(answer.headers["referrer-policy"]).toBe("no-referrer");
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test("files carry their type and a policy", async () => {
    const cookie = await signIn();
    const script = await get("/assets/index-1.js", { cookie });
    expect(script).toMatchObject({ status: 200, body: "1" });
    expect(script.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(script.headers["content-security-policy"]).toContain("default-src 'none'");
    expect((await get("/host.js", { cookie })).body).toBe("host");
  });

  test.each([
    "/../secret.js",
    "/assets/../../secret.js",
    "/%2e%2e/secret.js",
    "/assets/..%2f..%2fsecret.js",
    "/assets/%5c..%5c..%5csecret.js",
    "/assets/link.js",
    "/assets/notes.exe",
    "/assets/%00index-1.js",
    "/assets/%E0%A4%A",
    "/constructor",
    "//evil.example/secret.js",
    "http://evil.example/",
  ])("%s leads nowhere", async (path) => {
    const answer = await get(path, { cookie: await signIn() });
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).not.toContain("secret\n");
  });

  test("only GET and HEAD are answered", async () => {
    expect((await get("/", { cookie: await signIn() }, "POST")).status).toBe(405);
    expect(await get("/", { cookie: await signIn() }, "HEAD")).toMatchObject({ status: 200, body: "" });
  });
});

describe("a name that was rebound to loopback", () => {
  test.each(["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1"])(
    "%s is refused, even with the cookie",
    async (name) => {
      const cookie = await signIn();
      expect((await get("/", { cookie, host: name })).status).toBe(421);
      expect(await open({ origin: host.origin, cookie, host: name })).toBe(403);
    },
  );
});

describe("a socket", () => {
  test("needs the cookie and this very origin", async () => {
    const cookie = await signIn();
    expect(await open({ origin: host.origin })).toBe(403);
    expect(await open({ cookie })).toBe(403);
    expect(await open({ cookie, origin: "null" })).toBe(403);
    expect(await open({ cookie, origin: "https://evil.example" })).toBe(403);
    expect(await open({ cookie, origin: `${host.origin}.evil.example` })).toBe(403);
    expect(await open({ cookie, origin: host.origin.replace("127.0.0.1", "localhost") })).toBe(403);
    expect(await open({ cookie, origin: host.origin, path: "/other" })).toBe(404);
    expect(engine.ports).toHaveLength(0);
  });

  test("carries frames both ways and drops what is none", async () => {
    const { socket, next } = await openSocket({ cookie: await signIn(), origin: host.origin });
    expect(await next()).toEqual({ t: "hello", contractVersion: 1, engineId: "stub" });
    for (const bad of ["", "{", "null", "[]", "7", '"x"']) socket.send(bad);
    socket.send(Buffer.from([1, 2, 3]));
    const call = { t: "call", id: 1, command: "sync.retryNow", args: {} };
    socket.send(JSON.stringify(call));
    expect(await next()).toEqual({ t: "reply", id: 1, value: { echo: call } });
    socket.close();
  });

  test("is refused media.fetch, whose bytes JSON cannot carry", async () => {
    const { socket, next } = await openSocket({ cookie: await signIn(), origin: host.origin });
    await next();
    socket.send(JSON.stringify({ t: "call", id: 9, command: "media.fetch", args: {} }));
    expect(await next()).toMatchObject({ t: "failed", id: 9, error: { code: "invalid-request" } });
    socket.close();
  });

  test("is cut off by a frame that is too long", async () => {
    const { socket } = await openSocket({ cookie: await signIn(), origin: host.origin });
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    socket.send("x".repeat(5 * 1024 * 1024));
    expect(await closed).toBe(1009);
  });

  test("for the status tells it at once and with every change", async () => {
    const { socket, next } = await openSocket({ cookie: await signIn(), origin: host.origin, path: "/host" });
    expect(await next()).toEqual({ state: "running" });
    engine.setStatus({ state: "restarting", attempt: 1, delayMs: 250 });
    expect(await next()).toEqual({ state: "restarting", attempt: 1, delayMs: 250 });
    socket.close();
  });

  test("a broken upgrade does no harm", async () => {
    const { hostname, port } = new URL(host.origin);
    const stream = connect(Number(port), hostname);
    stream.on("error", () => {});
    stream.resume();
    stream.write("GET /engine HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    await new Promise((resolve) => stream.once("close", resolve));
    expect((await get("/")).status).toBe(403);
  });
});

describe("media", () => {
  test("comes in a sandbox, with the engine's type where that is harmless", async () => {
    const answer = await get(`/media/${ACCOUNT}/example.org%3A8448/abc_1?w=96&h=96&method=crop`, {
      cookie: await signIn(),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("image/png");
    expect(answer.headers["content-security-policy"]).toBe("sandbox; default-src 'none'");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    expect(answer.headers["content-length"]).toBe("4");
  });

  test("a page in an image's clothes is handed out as a download", async () => {
    await host.close();
    const hostile = stubEngine({ contentType: "text/html", bytes: Buffer.from("<script>1</script>") });
    host = await startBrowserHost({
      engine: hostile,
      rendererDir: join(folder, "renderer"),
      hostScript: join(folder, "host.js"),
    });
    const answer = await get(`/media/${ACCOUNT}/example.org/abc`, { cookie: await signIn() });
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(answer.headers["content-disposition"]).toBe("attachment");
  });

  test("a range is answered in part", async () => {
    const cookie = await signIn();
    const path = `/media/${ACCOUNT}/example.org/abc`;
    const part = await get(path, { cookie, range: "bytes=1-2" });
    expect(part.status).toBe(206);
    expect(part.headers["content-range"]).toBe("bytes 1-2/4");
    expect(part.headers["content-length"]).toBe("2");
    expect((await get(path, { cookie, range: "bytes=9-" })).status).toBe(416);
  });

  test.each([
    `/media/${ACCOUNT}/example.org/..%2fadmin`,
    `/media/${ACCOUNT}/example.org/a/b`,
    `/media/../${ACCOUNT}/example.org/abc`,
    "/media/short/example.org/abc",
    `/media/${ACCOUNT}/evil%2fpath/abc`,
    `/media/${ACCOUNT}/%E0%A4%A/abc`,
  ])("%s is refused", async (path) => {
    expect([400, 404]).toContain((await get(path, { cookie: await signIn() })).status);
  });

  test("without a running engine it says to try later", async () => {
    engine.setStatus({ state: "restarting", attempt: 1, delayMs: 250 });
    expect((await get(`/media/${ACCOUNT}/example.org/abc`, { cookie: await signIn() })).status).toBe(503);
  });
});

test("a port in use is said plainly", async () => {
  const port = Number(new URL(host.origin).port);
  const again = startBrowserHost({ engine, rendererDir: folder, hostScript: "", port });
  await expect(again).rejects.toThrow(PortInUseError);
  await expect(again).rejects.toThrow(`Port ${port} is in use by another program.`);
});
