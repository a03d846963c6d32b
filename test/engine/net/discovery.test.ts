/** That discovery finds homeservers, gives up in time, and accepts nothing unsafe. Subject: net/discovery.ts. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { EngineError } from "../../../main/engine/base/errors.ts";
import { parseBaseUrl } from "../../../main/engine/net/addresses.ts";
import { discoverHomeserver } from "../../../main/engine/net/discovery.ts";
import { html, json, redirect, ScriptedServer } from "./scripted-server.ts";
import type { Answer } from "./scripted-server.ts";

const WELL_KNOWN = "/.well-known/matrix/client";
const VERSIONS = "/_matrix/client/versions";
const LOGIN = "/_matrix/client/v3/login";

let server: ScriptedServer;
beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const discover = (address: string, signal?: AbortSignal) =>
  discoverHomeserver(address, { fetch: server.fetchAs, clock: systemClock, signal });

function homeserverAt(host: string, flows: unknown = { flows: [{ type: "m.login.password" }] }): void {
  server.answers.set(`${host}${VERSIONS}`, json({ versions: ["r0.6.1", "v1.11", 5] }));
  server.answers.set(`${host}${LOGIN}`, json(flows));
}
const wellKnown = (baseUrl: unknown): Answer => json({ "m.homeserver": { base_url: baseUrl } });

async function codeOf(address: string): Promise<string> {
  try {
    return `accepted ${(await discover(address)).homeserverUrl}`;
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).message).toMatch(/^[A-Z].*\.$/u);
    return (error as EngineError).code;
  }
}

describe("found", () => {
  test.each([
    "@alice:example.org",
    "example.org",
    " example.org ",
    "Example.ORG",
    "https://example.org",
    "https://example.org/",
  ])("by %j", async (address) => {
    server.answers.set(`example.org${WELL_KNOWN}`, wellKnown("https://matrix.example.org/"));
    homeserverAt("matrix.example.org");
    expect(await discover(address)).toEqual({
      homeserverUrl: "https://matrix.example.org",
      serverName: "example.org",
      canUsePassword: true,
      canUseSingleSignOn: false,
    });
  });

  test("without a well-known entry, where it is asked", async () => {
    server.answers.set(`example.org${WELL_KNOWN}`, json({}, 404));
    homeserverAt("example.org", { flows: [{ type: "m.login.sso" }, null, { type: 5 }] });
    expect(await discover("example.org")).toMatchObject({
      homeserverUrl: "https://example.org",
      canUsePassword: false,
      canUseSingleSignOn: true,
    });
  });

  test("with a port, at that port", async () => {
    homeserverAt("example.org:8448");
    expect(await discover("example.org:8448")).toMatchObject({
      homeserverUrl: "https://example.org:8448",
      serverName: "example.org:8448",
    });
    expect(server.paths()[0]).toBe(`example.org${WELL_KNOWN}`);
  });

  test("below a path", async () => {
    homeserverAt("example.org/hs");
    expect(await discover("https://example.org/hs/")).toMatchObject({ homeserverUrl: "https://example.org/hs" });
  });

  test("over five redirects, to another host too", async () => {
    for (let hop = 0; hop < 5; hop += 1)
      server.answers.set(`h${hop}.example.org${WELL_KNOWN}`, redirect(`https://h${hop + 1}.example.org${WELL_KNOWN}`));
    server.answers.set(`h5.example.org${WELL_KNOWN}`, wellKnown("https://matrix.example.org"));
    homeserverAt("matrix.example.org");
    expect(await discover("h0.example.org")).toMatchObject({ homeserverUrl: "https://matrix.example.org" });
  });

  test("on this machine, over plain http", async () => {
    homeserverAt("");
    const { host, port } = new URL(server.url);
    expect(await discover(host)).toMatchObject({ homeserverUrl: server.url, serverName: host });
    expect(await discover(`localhost:${port}`)).toMatchObject({ homeserverUrl: `http://localhost:${port}` });
    expect(await discover(`@alice:localhost:${port}`)).toMatchObject({ homeserverUrl: `http://localhost:${port}` });
    expect(await discover(`${server.url}/`)).toMatchObject({ homeserverUrl: server.url });
    expect(server.paths().filter((path) => path.includes("well-known"))).toEqual([]);
  });

  test("without a sign-in of its own", async () => {
    server.answers.set(`example.org${VERSIONS}`, json({ versions: ["v1.15"] }));
    server.answers.set(`example.org${LOGIN}`, json({ errcode: "M_UNRECOGNIZED" }, 404));
    expect(await discover("example.org")).toMatchObject({ canUsePassword: false, canUseSingleSignOn: false });
  });
});

describe("refused", () => {
  test.each([
    "",
    "@alice",
    "alice",
    "a b",
    "ftp://example.org",
    "javascript:alert(1)",
    "https://user:pass@example.org",
    "https://example.org/?a",
    "https://example.org/#",
    "http://example.org",
    "user@example.org",
    "example.org/path",
    "https://",
    "@alice:",
    "x".repeat(3_000),
  ])("%.40j", async (address) => {
    expect(await codeOf(address)).toBe("not-a-homeserver");
  });

  test.each<[string, Answer]>([
    ["a page", html()],
    ["a list", json([])],
    ["other JSON", json({ hello: 1 })],
    ["no versions", json({ versions: "v1.1" })],
    ["versions of the far future", json({ versions: ["v2.0"] })],
    ["something endless", (response) => void response.writeHead(200).end(Buffer.alloc(200_000, 0x20))],
  ])("/versions is %s", async (_name, answer) => {
    server.answers.set(`example.org${VERSIONS}`, answer);
    expect(await codeOf("example.org")).toBe("not-a-homeserver");
  });

  test("a homeserver in trouble is one, later", async () => {
    server.answers.set(`example.org${VERSIONS}`, html(502));
    expect(await codeOf("example.org")).toBe("server-error");
  });

  test.each([
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://matrix.example.org",
    "https://user:pass@matrix.example.org",
    "https://matrix.example.org?x",
    "https://matrix.example.org/#x",
    "//matrix.example.org",
    "matrix.example.org",
    "",
    "https://",
    "http://127.0.0.1:8008",
    "https://localhost",
    "https://[::1]/",
    "https://matrix.example.org\\@evil.example",
    `https://${"x".repeat(5_000)}`,
  ])("base_url %.60j", async (baseUrl) => {
    server.answers.set(`example.org${WELL_KNOWN}`, wellKnown(baseUrl));
    server.answers.set("*", json({ versions: ["v1.1"], flows: [] }));
    expect(await codeOf("example.org")).toBe("not-a-homeserver");
    expect(server.requests).toHaveLength(1);
  });

  test("a well-known entry that leads nowhere", async () => {
    server.answers.set(`example.org${WELL_KNOWN}`, wellKnown("https://nothing.example.org"));
    homeserverAt("example.org");
    expect(await codeOf("example.org")).toBe("not-a-homeserver");
  });

  test.each<[string, Answer]>([
    ["to itself", redirect(`https://example.org${WELL_KNOWN}`)],
    ["to plain http", redirect("http://example.org/")],
    ["to a script", redirect("javascript:alert(1)")],
    ["with credentials", redirect("https://a:b@example.org/")],
    ["onward without end", (response, { path }) => void response.writeHead(302, { location: `${path}x` }).end()],
  ])("redirects %s", async (_name, answer) => {
    server.answers.set("*", answer);
    server.answers.set(`example.org${VERSIONS}`, html(404));
    expect(await codeOf("example.org")).toBe("not-a-homeserver");
    expect(server.requests.length).toBeLessThan(10);
  });

  test.each<[string, Answer]>([
    ["a page", html()],
    ["no base_url", json({ "m.homeserver": {} })],
    ["an odd base_url", wellKnown(5)],
    ["a failure", html(500)],
    ["huge", (response) => void response.writeHead(200).end(Buffer.alloc(100_000, 0x20))],
  ])("a well-known entry that is %s leaves the server that was named", async (_name, answer) => {
    server.answers.set(`example.org${WELL_KNOWN}`, answer);
    expect(await codeOf("example.org")).toBe("not-a-homeserver");
    homeserverAt("example.org");
    expect(await codeOf("example.org")).toBe("accepted https://example.org");
  });

  test("taken back by the user", async () => {
    const controller = new AbortController();
    server.answers.set("*", () => controller.abort());
    await expect(discover("example.org", controller.signal)).rejects.toMatchObject({ code: "cancelled" });
    expect(server.requests).toHaveLength(1);
  });
});

test("base URLs", () => {
  expect(parseBaseUrl("https://bücher.example/")).toBe("https://xn--bcher-kva.example");
  expect(parseBaseUrl("https://192.0.2.1:8448/a/b//")).toBe("https://192.0.2.1:8448/a/b");
  expect(parseBaseUrl("http://[::1]:8008")).toBe("http://[::1]:8008");
  expect(parseBaseUrl("http://127.evil.example")).toBeUndefined();
  expect(parseBaseUrl("http://localhost.evil.example")).toBeUndefined();
});
