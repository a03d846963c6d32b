/** That every failure of a request says what to do next, and that only a homeserver's word counts. Subject: net/http.ts. */
import { gzipSync } from "node:zlib";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { EngineError, retryPlan } from "../../../main/engine/base/errors.ts";
import { readRetryAfter, requestJson, SignedOutError } from "../../../main/engine/net/http.ts";
import type { HttpRequest } from "../../../main/engine/net/http.ts";
import { html, json, redirect, ScriptedServer } from "./scripted-server.ts";
import type { Answer } from "./scripted-server.ts";

let server: ScriptedServer;
beforeEach(async () => {
  server = await ScriptedServer.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const deps = { fetch, clock: systemClock };

function get(more: Partial<HttpRequest> = {}): Promise<unknown> {
  return requestJson(deps, {
    method: "GET",
    url: new URL(`${server.url}/x`),
    timeoutMs: 5_000,
    maxBytes: 10_000,
    ...more,
  });
}

async function failure(answer: Answer, more: Partial<HttpRequest> = {}): Promise<EngineError> {
  server.answers.set("/x", answer);
  return failureOf(get(more));
}

async function failureOf(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => "no failure",
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

test("a good answer, with what was asked", async () => {
  server.answers.set("PUT /x", json({ fine: true }));
  expect(await get({ method: "PUT", body: { a: 1 }, accessToken: "secret" })).toEqual({ fine: true });
  expect(server.requests).toMatchObject([{ method: "PUT", authorization: "Bearer secret", body: '{"a":1}' }]);
});

describe("captive portals and other strangers never change state", () => {
  test.each<[string, Answer]>([
    ["200 with HTML", html(200)],
    ["401 with HTML", html(401)],
    ["403 with HTML", html(403)],
    ["404 with HTML", html(404)],
    ["511 with HTML", html(511)],
    ["302 to a sign-in page", redirect("http://portal.invalid/")],
    ["401 with JSON that is no Matrix error", json({ message: "log in" }, 401)],
    ["401 with an odd errcode", json({ errcode: { a: 1 } }, 401)],
    ["an empty 200", (response) => void response.writeHead(200).end()],
    ["half a JSON", (response) => void response.writeHead(200).end('{"a":')],
    ["invalid UTF-8", (response) => void response.writeHead(200).end(Buffer.from([0x22, 0xff, 0xfe, 0x22]))],
  ])("%s", async (_name, answer) => {
    const error = await failure(answer);
    expect(error.code).toBe("server-error");
    expect(error).not.toBeInstanceOf(SignedOutError);
    expect(retryPlan(error, 0).when).toBe("after");
  });
});

describe("the homeserver's own errors", () => {
  test.each([
    [401, { errcode: "M_UNKNOWN_TOKEN" }, "signed-out"],
    [401, { errcode: "M_MISSING_TOKEN" }, "rejected"],
    [401, { errcode: "M_USER_LOCKED", soft_logout: true }, "forbidden"],
    [403, { errcode: "M_FORBIDDEN" }, "forbidden"],
    [404, { errcode: "M_NOT_FOUND" }, "not-found"],
    [400, { errcode: "M_BAD_JSON" }, "rejected"],
    [413, { errcode: "M_TOO_LARGE" }, "rejected"],
    [400, { errcode: "M_UNKNOWN_TOKEN" }, "rejected"],
    [400, { errcode: "M_LIMIT_EXCEEDED" }, "rate-limited"],
    [500, { errcode: "M_UNKNOWN" }, "server-error"],
    [502, {}, "server-error"],
    [503, { errcode: "M_UNKNOWN_TOKEN" }, "server-error"],
  ])("%i %j is %s", async (status, body, code) => {
    const error = await failure(json(body, status));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^[A-Z].*\.$/u);
  });

  test("soft logout is kept apart", async () => {
    expect(await failure(json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true }, 401))).toMatchObject({ isSoft: true });
    expect(await failure(json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: "yes" }, 401))).toMatchObject({
      isSoft: false,
    });
  });
});

describe("429 is obeyed in every form", () => {
  test.each<[string, Answer, number | undefined]>([
    ["seconds", json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1 }, 429, { "retry-after": "3" }), 3_000],
    ["milliseconds in the body", json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1_234 }, 429), 1_234],
    ["nothing", json({ errcode: "M_LIMIT_EXCEEDED" }, 429), undefined],
    ["negative", json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: -5 }, 429, { "retry-after": "-5" }), 0],
    ["huge", json({ errcode: "M_LIMIT_EXCEEDED" }, 429, { "retry-after": "1000000000000" }), 1e15],
    ["from a proxy", (response) => void response.writeHead(429, { "retry-after": "2" }).end("slow down"), 2_000],
  ])("%s", async (_name, answer, retryAfterMs) => {
    const error = await failure(answer);
    expect(error.code).toBe("rate-limited");
    expect(error.data.retryAfterMs).toBe(retryAfterMs);
    const plan = retryPlan(error, 0);
    expect(plan.when === "after" && plan.delayMs).toBeLessThanOrEqual(3_600_000);
  });

  test("a date", () => {
    const nowMs = Date.UTC(2026, 0, 1);
    expect(readRetryAfter("Thu, 01 Jan 2026 00:00:07 GMT", nowMs)).toBe(7_000);
    expect(readRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", nowMs)).toBe(0);
    expect(readRetryAfter("soon", nowMs)).toBeUndefined();
    expect(readRetryAfter(null, nowMs)).toBeUndefined();
  });
});

describe("transport", () => {
  test("a body over the limit is not read", async () => {
    let isClosed = false;
    const error = await failure((response) => {
      response.on("close", () => (isClosed = true));
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(64_000)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(error.code).toBe("server-error");
    await expect.poll(() => isClosed).toBe(true);
  });

  test("nor is a small body that unpacks to a large one", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, 0x20));
    const error = await failure((response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    expect(error).toMatchObject({ code: "server-error", message: expect.stringContaining("too large") });
  });

  test("silence ends at the deadline", async () => {
    const error = await failure(() => {}, { timeoutMs: 50 });
    expect(error).toMatchObject({ code: "offline", message: expect.stringContaining("in time") });
  });

  test("a body that trickles ends at its own deadline", async () => {
    const error = await failure(
      (response) => {
        response.writeHead(200).write("{");
        const timer = setInterval(() => response.write(" "), 10);
        response.on("close", () => clearInterval(timer));
      },
      { bodyTimeoutMs: 80 },
    );
    expect(error.code).toBe("offline");
  });

  test("a body cut off in the middle", async () => {
    const error = await failure((response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setTimeout(() => response.destroy(), 10);
    });
    expect(error.code).toBe("offline");
  });

  test("nobody listens", async () => {
    const listener = createTcpServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    listener.close();
    expect(await failureOf(get({ url: new URL(`http://127.0.0.1:${port}/`) }))).toMatchObject({ code: "offline" });
  });

  test("the caller takes it back", async () => {
    const controller = new AbortController();
    const failed = failure(() => controller.abort(), { signal: controller.signal });
    expect((await failed).code).toBe("cancelled");
    expect((await failure(json({}), { signal: AbortSignal.abort() })).code).toBe("cancelled");
  });

  test("a certificate that nobody vouches for", async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), "lattice-test-"));
    try {
      try {
        const args = [
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days",
          "2",
        ];
        execFileSync(
          "openssl",
          [...args, "-subj", "/CN=localhost", "-keyout", join(folder, "key"), "-out", join(folder, "cert")],
          { stdio: "ignore" },
        );
      } catch {
        skip("openssl is not installed: no certificate to try");
      }
      const secure = createTlsServer(
        { key: readFileSync(join(folder, "key")), cert: readFileSync(join(folder, "cert")) },
        (_request, response) => response.end("{}"),
      ).listen(0, "127.0.0.1");
      await once(secure, "listening");
      const url = new URL(`https://localhost:${(secure.address() as AddressInfo).port}/`);
      expect(await failureOf(get({ url }))).toMatchObject({
        code: "certificate",
        message: expect.stringContaining("certificate"),
      });
      secure.closeAllConnections();
      secure.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
