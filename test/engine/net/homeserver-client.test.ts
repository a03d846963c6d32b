/**
 * That requests carry what they should, that tokens are refreshed once and saved before use, and that only the
 * homeserver's word signs anybody out. Subject: net/homeserver-client.ts and net/tokens.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { EngineError } from "../../../main/engine/base/errors.ts";
import { Logger, silentSink } from "../../../main/engine/base/logger.ts";
import type { DeviceId, EventId, RoomId, UserId } from "../../../main/engine/matrix/ids.ts";
import { login, openHomeserverClient } from "../../../main/engine/net/homeserver-client.ts";
import type { Tokens } from "../../../main/engine/net/homeserver-client.ts";
import { html, json, ScriptedServer } from "./scripted-server.ts";
import type { Answer } from "./scripted-server.ts";

const V3 = "/_matrix/client/v3";
const ownUserId = "@me:example.org" as UserId;
const roomId = "!room/with?odd#marks:example.org" as RoomId;
const eventId = "$event/+" as EventId;

let server: ScriptedServer;
let tokens: Tokens | undefined;
let saved: Tokens[];
let signedOut: boolean[];
beforeEach(async () => {
  server = await ScriptedServer.start();
  tokens = { accessToken: "a1", refreshToken: "r1" };
  saved = [];
  signedOut = [];
});
afterEach(() => server[Symbol.asyncDispose]());

const open = (clock = systemClock) =>
  openHomeserverClient({
    baseUrl: server.url,
    ownUserId,
    fetch,
    clock,
    log: new Logger(silentSink),
    tokens: {
      current: () => tokens,
      save: (next) => {
        tokens = next;
        saved.push(next);
      },
      onSignedOut: (isSoft) => {
        signedOut.push(isSoft);
        tokens = undefined;
      },
    },
  });

const unknownToken = (isSoft = false) => json({ errcode: "M_UNKNOWN_TOKEN", soft_logout: isSoft }, 401);
/** Only these tokens are good. */
const whoAmI =
  (good: readonly string[], refusal: Answer = unknownToken(true)): Answer =>
  (response, request) =>
    good.includes(request.authorization?.replace("Bearer ", "") ?? "")
      ? json({ user_id: ownUserId, device_id: "D" })(response, request)
      : refusal(response, request);
const refreshes = () => server.requests.filter(({ path }) => path.endsWith("/refresh"));

describe("requests", () => {
  test("go to their endpoints, with ids encoded", async () => {
    server.answers.set(
      "*",
      json({ event_id: "$new", room_id: "!new:x", filter_id: "7", chunk: [], end: "e", next_batch: "s2" }),
    );
    const client = open();
    await client.sendEvent(roomId, "m.room.message", "txn00001", { body: "hi" });
    await client.sendState(roomId, "m.room.name", "", { name: "x" });
    await client.redact(roomId, eventId, "txn00002", "why");
    await client.messages(roomId, { from: "p&q", dir: "b", limit: 50 });
    await client.members(roomId);
    await client.join("#alias:example.org" as never, ["one.example", "two.example"]);
    await client.setTyping(roomId, true);
    await client.setReadMarkers(roomId, { fullyRead: eventId, read: eventId });
    await client.setAccountData("m.direct", {});
    await client.createRoom({ preset: "trusted_private_chat", isDirect: true, invite: [ownUserId] });
    expect(await client.uploadFilter({ room: {} })).toBe("7");
    expect((await client.sync({ since: "s1", filter: "7", timeoutMs: 0 })).nextBatch).toBe("s2");
    const room = "!room%2Fwith%3Fodd%23marks%3Aexample.org";
    expect(server.requests.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["PUT", `${V3}/rooms/${room}/send/m.room.message/txn00001`, '{"body":"hi"}'],
      ["PUT", `${V3}/rooms/${room}/state/m.room.name`, '{"name":"x"}'],
      ["PUT", `${V3}/rooms/${room}/redact/%24event%2F%2B/txn00002`, '{"reason":"why"}'],
      ["GET", `${V3}/rooms/${room}/messages?from=p%26q&dir=b&limit=50&filter=%7B%22lazy_load_members%22%3Atrue%7D`, ""],
      ["GET", `${V3}/rooms/${room}/members`, ""],
      [
        "POST",
        `${V3}/join/%23alias%3Aexample.org?via=one.example&via=two.example&server_name=one.example&server_name=two.example`,
        "{}",
      ],
      ["PUT", `${V3}/rooms/${room}/typing/%40me%3Aexample.org`, '{"typing":true,"timeout":20000}'],
      ["POST", `${V3}/rooms/${room}/read_markers`, '{"m.fully_read":"$event/+","m.read":"$event/+"}'],
      ["PUT", `${V3}/user/%40me%3Aexample.org/account_data/m.direct`, "{}"],
      [
        "POST",
        `${V3}/createRoom`,
        '{"preset":"trusted_private_chat","visibility":"private","is_direct":true,"invite":["@me:example.org"]}',
      ],
      ["POST", `${V3}/user/%40me%3Aexample.org/filter`, '{"room":{}}'],
      ["GET", `${V3}/sync?since=s1&filter=7&timeout=0`, ""],
    ]);
    expect(new Set(server.requests.map((request) => request.authorization))).toEqual(new Set(["Bearer a1"]));
  });

  test.each([".", "..", "", "\ud800"])("never leave their place: %j", async (type) => {
    await expect(open().sendEvent(roomId, type, "txn00001", {})).rejects.toMatchObject({ code: "rejected" });
    expect(server.requests).toEqual([]);
  });

  test("answers that make no sense are the server's fault", async () => {
    server.answers.set("*", json({ hello: 1 }));
    const client = open();
    const asks = [
      () => client.whoAmI(),
      () => client.sendEvent(roomId, "m", "t", {}),
      () => client.messages(roomId, { dir: "b", limit: 1 }),
      () => client.sync({ since: "s", timeoutMs: 0 }),
    ];
    for (const ask of asks) await expect(ask()).rejects.toMatchObject({ code: "server-error" });
  });

  test("a server without TURN", async () => {
    server.answers.set("*", json({}));
    expect(await open().turnServer()).toBeUndefined();
    server.answers.set(
      "*",
      json({ uris: ["turn:t.example?transport=udp", "javascript:x", 5], username: "u", password: "p", ttl: 60 }),
    );
    expect(await open().turnServer()).toEqual({
      urls: ["turn:t.example?transport=udp"],
      username: "u",
      password: "p",
      ttlSeconds: 60,
    });
  });
});

describe("refresh", () => {
  test("one for ten requests that fail together, saved before use", async () => {
    server.answers.set(`${V3}/account/whoami`, whoAmI(["a2"]));
    server.answers.set(`${V3}/refresh`, async (response, request) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await json({ access_token: "a2", refresh_token: "r2", expires_in_ms: 30_000 })(response, request);
    });
    const client = open();
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.whoAmI()));
    expect(answers).toHaveLength(10);
    expect(refreshes()).toHaveLength(1);
    expect(refreshes()[0]).toMatchObject({ authorization: undefined, body: '{"refresh_token":"r1"}' });
    expect(saved).toMatchObject([{ accessToken: "a2", refreshToken: "r2" }]);
    expect(signedOut).toEqual([]);
  });

  test("ahead of time, and a failure then harms nothing", async () => {
    tokens = { accessToken: "a1", refreshToken: "r1", expiresAtMs: Date.now() + 5_000 };
    server.answers.set(`${V3}/account/whoami`, whoAmI(["a1", "a2"]));
    server.answers.set(`${V3}/refresh`, json({ errcode: "M_UNKNOWN_TOKEN" }, 401));
    const client = open();
    await client.whoAmI();
    await client.whoAmI();
    expect(refreshes()).toHaveLength(1);
    expect(signedOut).toEqual([]);
    server.answers.set(`${V3}/refresh`, json({ access_token: "a2" }));
    await open().whoAmI();
    expect(server.requests.at(-1)?.authorization).toBe("Bearer a2");
    expect(tokens).toEqual({ accessToken: "a2", refreshToken: "r1" });
  });

  test.each<[string, Answer]>([
    ["502", html(502)],
    ["a sign-in page", html(200)],
    ["401 with HTML", html(401)],
    ["nonsense", json({})],
    ["429", json({ errcode: "M_LIMIT_EXCEEDED" }, 429)],
    ["a dropped connection", (response) => void response.destroy()],
  ])("a refresh that meets %s leaves everything as it is", async (_name, answer) => {
    server.answers.set(`${V3}/account/whoami`, whoAmI([]));
    server.answers.set(`${V3}/refresh`, answer);
    await expect(open().whoAmI()).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:offline|server-error|rate-limited)$/u),
    });
    expect([signedOut, saved]).toEqual([[], []]);
    expect(tokens?.refreshToken).toBe("r1");
  });
});

describe("signed out", () => {
  test.each<[string, Answer, Answer, boolean]>([
    ["refresh refused, soft", unknownToken(false), unknownToken(true), true],
    ["refresh refused, hard", unknownToken(true), unknownToken(false), false],
    ["refresh token spent, token soft", unknownToken(true), json({ errcode: "M_FORBIDDEN" }, 403), true],
    ["refresh token spent, token hard", unknownToken(false), json({ errcode: "M_FORBIDDEN" }, 403), false],
  ])("%s", async (_name, refusal, refresh, isSoft) => {
    server.answers.set(`${V3}/account/whoami`, whoAmI([], refusal));
    server.answers.set(`${V3}/refresh`, refresh);
    const client = open();
    const results = await Promise.allSettled([client.whoAmI(), client.whoAmI(), client.whoAmI()]);
    expect(results.map((result) => result.status === "rejected" && (result.reason as EngineError).code)).toEqual([
      "signed-out",
      "signed-out",
      "signed-out",
    ]);
    expect(signedOut).toEqual([isSoft]);
  });

  test.each([true, false])("without a refresh token, soft %s", async (isSoft) => {
    tokens = { accessToken: "a1" };
    server.answers.set("*", unknownToken(isSoft));
    await expect(open().whoAmI()).rejects.toMatchObject({ code: "signed-out", isSoft });
    expect(signedOut).toEqual([isSoft]);
  });

  test("not by a captive portal, a proxy, or a locked account", async () => {
    const client = open();
    for (const answer of [
      html(401),
      json({ error: "no" }, 401),
      json({ errcode: "M_USER_LOCKED", soft_logout: true }, 401),
      html(403),
    ]) {
      server.answers.set("*", answer);
      await expect(client.whoAmI()).rejects.toBeInstanceOf(EngineError);
    }
    expect(signedOut).toEqual([]);
    expect(refreshes()).toEqual([]);
  });

  test("not by the end of a token that is no longer in use", async () => {
    tokens = { accessToken: "a1" };
    server.answers.set(`${V3}/account/whoami`, (response, request) => {
      if (request.authorization === "Bearer a1") tokens = { accessToken: "a2" };
      return whoAmI(["a2"], unknownToken(false))(response, request);
    });
    await open().whoAmI();
    expect(signedOut).toEqual([]);
  });

  test("nothing is sent without tokens", async () => {
    tokens = undefined;
    await expect(open().whoAmI()).rejects.toMatchObject({ code: "signed-out" });
    expect(server.requests).toEqual([]);
  });

  test("a server that refuses every token it gives comes to an end", async () => {
    let count = 1;
    server.answers.set(`${V3}/account/whoami`, unknownToken(true));
    server.answers.set(`${V3}/refresh`, (response, request) => {
      count += 1;
      return json({ access_token: `a${count}`, refresh_token: `r${count}` })(response, request);
    });
    await expect(open().whoAmI()).rejects.toMatchObject({ code: "signed-out" });
    expect(server.requests.length).toBeLessThan(12);
    expect(signedOut).toEqual([true]);
  });

  test("logout is content when the session is gone already", async () => {
    server.answers.set(`${V3}/logout`, unknownToken(false));
    await open().logout();
    server.answers.set(`${V3}/logout`, html(502));
    await expect(open().logout()).rejects.toMatchObject({ code: "server-error" });
    expect([signedOut, refreshes()]).toEqual([[], []]);
  });
});

describe("sign-in", () => {
  const good = {
    user_id: ownUserId,
    device_id: "DEV",
    access_token: "a1",
    refresh_token: "r1",
    expires_in_ms: 300_000,
  };
  const signIn = (more: { deviceId?: DeviceId; homeserverUrl?: string } = {}) =>
    login({
      homeserverUrl: server.url,
      user: " me ",
      password: "pw",
      deviceName: "Lattice",
      fetch,
      clock: systemClock,
      ...more,
    });

  test("asks for a refresh token and gives what the engine keeps", async () => {
    server.answers.set(`POST ${V3}/login`, json(good));
    expect(await signIn({ deviceId: "DEV" as DeviceId })).toEqual({
      userId: ownUserId,
      deviceId: "DEV",
      accessToken: "a1",
      refreshToken: "r1",
      expiresInMs: 300_000,
      homeserverUrl: server.url,
    });
    expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "me" },
      password: "pw",
      initial_device_display_name: "Lattice",
      refresh_token: true,
      device_id: "DEV",
    });
  });

  test.each([
    ["https://other.example.org/", "https://other.example.org"],
    ["http://other.example.org", undefined],
    ["javascript:alert(1)", undefined],
    [5, undefined],
  ])("well_known %j in the answer", async (baseUrl, taken) => {
    server.answers.set(`POST ${V3}/login`, json({ ...good, well_known: { "m.homeserver": { base_url: baseUrl } } }));
    expect((await signIn()).homeserverUrl).toBe(taken ?? server.url);
  });

  test("a server elsewhere does not send us to this machine", async () => {
    const reply = json({ ...good, well_known: { "m.homeserver": { base_url: server.url } } });
    server.answers.set(`POST home.example.org${V3}/login`, reply);
    const homeserverUrl = "https://home.example.org";
    const signedIn = await login({
      homeserverUrl,
      user: "me",
      password: "pw",
      deviceName: "Lattice",
      fetch: server.fetchAs,
      clock: systemClock,
    });
    expect(signedIn.homeserverUrl).toBe(homeserverUrl);
  });

  test.each<[Answer, string]>([
    [json({ errcode: "M_FORBIDDEN" }, 403), "wrong-credentials"],
    [json({ errcode: "M_USER_DEACTIVATED" }, 403), "wrong-credentials"],
    [json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 5 }, 429), "rate-limited"],
    [json({ ...good, access_token: "with\nline" }), "server-error"],
    [json({ ...good, user_id: "me" }), "server-error"],
    [html(200), "server-error"],
    [html(403), "server-error"],
  ])("fails with a clear code (%#)", async (answer, code) => {
    server.answers.set(`POST ${V3}/login`, answer);
    await expect(signIn()).rejects.toMatchObject({ code });
  });

  test("sends no password to an address that is not safe", async () => {
    await expect(signIn({ homeserverUrl: "http://example.org" })).rejects.toMatchObject({ code: "not-a-homeserver" });
  });
});
