/** That each fault does what its name says, to the client and to the server behind. Subject: fault-proxy.ts. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { startFaultProxy } from "./fault-proxy.ts";

/** A server that counts what reaches it and echoes the body. */
async function startEcho() {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ echo: Buffer.concat(chunks).toString(), filler: "x".repeat(1000) }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    seen,
    proxy,
    send: (path: string, body = "hi") => fetch(proxy.url + path, { method: "PUT", body }),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      server.closeAllConnections();
      server.close();
    },
  };
}

test("without a rule everything passes, and is logged", async () => {
  await using echo = await startEcho();
  const response = await echo.send("/a?b=c", '{"n":1}');
  expect(await response.json()).toMatchObject({ echo: '{"n":1}' });
  expect(echo.proxy.requests).toMatchObject([{ method: "PUT", path: "/a?b=c", body: { n: 1 }, status: 200 }]);
});

test("an answer of our own, for a number of times, by method and path", async () => {
  await using echo = await startEcho();
  echo.proxy.add({
    method: "PUT",
    path: /^\/a/,
    times: 1,
    response: { status: 429, headers: { "retry-after": "3" }, body: { errcode: "M_LIMIT_EXCEEDED" } },
  });
  expect((await fetch(`${echo.proxy.url}/a`)).status).toBe(200);
  expect((await echo.send("/b")).status).toBe(200);
  const limited = await echo.send("/a");
  expect([limited.status, limited.headers.get("retry-after"), await limited.json()]).toEqual([
    429,
    "3",
    { errcode: "M_LIMIT_EXCEEDED" },
  ]);
  expect((await echo.send("/a")).status).toBe(200);
  expect(echo.seen).toEqual(["GET /a", "PUT /b", "PUT /a"]);
});

test.each([
  { response: "drop", reaches: 0 },
  { response: "reset", reaches: 0 },
  { response: "drop-response", reaches: 1 },
] as const)("$response fails the request, which reaches the server $reaches times", async ({ response, reaches }) => {
  await using echo = await startEcho();
  await echo.proxy.during({ path: /\/a/, response }, async () => {
    await expect(echo.send("/a")).rejects.toThrow("fetch failed");
  });
  expect(echo.seen).toHaveLength(reaches);
  expect((await echo.send("/a")).status).toBe(200);
});

test("half a body fails in the middle", async () => {
  await using echo = await startEcho();
  echo.proxy.add({ path: /\/a/, response: "half-body" });
  const response = await echo.send("/a");
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow("terminated");
});

test("a rewritten body arrives whole", async () => {
  await using echo = await startEcho();
  echo.proxy.add({ path: /\/a/, response: { rewrite: (body) => ({ was: body, more: "y".repeat(5000) }) } });
  expect(await (await echo.send("/a")).json()).toMatchObject({ was: { echo: "hi" }, more: "y".repeat(5000) });
});

test.each([
  { response: "hold", reachesWhileHeld: 0 },
  { response: "hold-response", reachesWhileHeld: 1 },
] as const)("$response waits for release", async ({ response, reachesWhileHeld }) => {
  await using echo = await startEcho();
  const fault = echo.proxy.add({ path: /\/a/, response });
  let settled = false;
  const sent = echo.send("/a").finally(() => {
    settled = true;
  });
  await fault.matched();
  await echo.send("/b");
  await expect.poll(() => echo.seen.filter((line) => line.endsWith("/a")).length).toBe(reachesWhileHeld);
  expect(settled).toBe(false);
  fault.release();
  expect((await sent).status).toBe(200);
});

test("a delay is kept, and cutting all connections ends what waits", async () => {
  await using echo = await startEcho();
  const fault = echo.proxy.add({ path: /\/a/, times: 1, response: { delayMs: 120 } });
  const startedMs = performance.now();
  expect((await echo.send("/a")).status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(115);
  fault();
  const held = echo.proxy.add({ path: /\/a/, response: "hold" });
  const cut = expect(echo.send("/a")).rejects.toThrow("fetch failed");
  await held.matched();
  echo.proxy.disconnectAll();
  await cut;
});
