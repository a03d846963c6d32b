/**
 * The client and the push rules against a real Synapse: what it answers is what we parse, and its counts of what
 * is unread are ours. Subject: engine/net, engine/matrix, push/evaluator.ts.
 */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { Logger, silentSink } from "../../../main/engine/base/logger.ts";
import { readPowerLevels } from "../../../main/engine/matrix/content.ts";
import type { RoomId } from "../../../main/engine/matrix/ids.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { discoverHomeserver } from "../../../main/engine/net/discovery.ts";
import { login, openHomeserverClient } from "../../../main/engine/net/homeserver-client.ts";
import type { HomeserverClient, Tokens } from "../../../main/engine/net/homeserver-client.ts";
import { defaultPushRules, evaluatePush, parsePushRules } from "../../../main/engine/push/evaluator.ts";
import { newUser, sharedHomeserver } from "../../support/users.ts";

const net = { fetch, clock: systemClock };

async function signedIn(name: string) {
  const user = await newUser(name);
  const homeserverUrl = sharedHomeserver().baseUrl;
  const session = await login({
    ...net,
    homeserverUrl,
    user: user.userId,
    password: user.password,
    deviceName: "Test",
  });
  const signedOut: boolean[] = [];
  let tokens: Tokens | undefined = {
    accessToken: session.accessToken,
    ...(session.refreshToken !== undefined && { refreshToken: session.refreshToken }),
  };
  const client = openHomeserverClient({
    ...net,
    baseUrl: homeserverUrl,
    ownUserId: session.userId,
    log: new Logger(silentSink),
    tokens: {
      current: () => tokens,
      save: (next) => void (tokens = next),
      onSignedOut: (isSoft) => void signedOut.push(isSoft),
    },
  });
  return {
    client,
    userId: session.userId,
    deviceId: session.deviceId,
    signedOut,
    tokens: () => tokens,
    setTokens: (next: Tokens | undefined) => void (tokens = next),
  };
}

const say = (client: HomeserverClient, roomId: RoomId, content: JsonObject, type = "m.room.message") =>
  client.sendEvent(roomId, type, randomUUID(), content);

test("discovery, sign-in, a room, its messages and members, and the end", async () => {
  const { host, origin } = new URL(sharedHomeserver().baseUrl);
  expect(await discoverHomeserver(host, net)).toMatchObject({ homeserverUrl: origin, canUsePassword: true });
  const [alice, bob] = await Promise.all([signedIn("Alice"), signedIn("Bob")]);
  expect(await alice.client.whoAmI()).toEqual({ userId: alice.userId, deviceId: alice.deviceId });

  const roomId = await alice.client.createRoom({ preset: "private_chat", name: "Hall", invite: [bob.userId] });
  const invited = await bob.client.sync({ since: undefined, timeoutMs: 0 });
  expect(invited.invited.map((room) => room.roomId)).toEqual([roomId]);
  expect(await bob.client.join(roomId)).toBe(roomId);

  const txnId = randomUUID();
  const eventId = await alice.client.sendEvent(roomId, "m.room.message", txnId, { msgtype: "m.text", body: "hi" });
  expect(await alice.client.sendEvent(roomId, "m.room.message", txnId, { msgtype: "m.text", body: "hi" })).toBe(
    eventId,
  );
  const live = await alice.client.sync({ since: undefined, timeoutMs: 0 });
  const sent = live.joined[0]?.timeline.entries.findLast((entry) => entry.ok && entry.event.eventId === eventId);
  expect(sent?.ok && sent.event.unsigned).toMatchObject({ transactionId: txnId, isRedacted: false });

  await alice.client.setTyping(roomId, true);
  await bob.client.setReadMarkers(roomId, { fullyRead: eventId, read: eventId });
  const news = await alice.client.sync({ since: live.nextBatch, timeoutMs: 5_000 });
  expect(news.joined[0]?.receipts ?? []).toEqual(
    expect.arrayContaining([expect.objectContaining({ eventId, userId: bob.userId, type: "m.read" })]),
  );

  const page = await bob.client.messages(roomId, { dir: "b", limit: 3 });
  expect(page.entries).toHaveLength(3);
  expect(page.end).toBeDefined();
  expect(new Set((await bob.client.members(roomId)).map((event) => event.stateKey))).toEqual(
    new Set([alice.userId, bob.userId]),
  );
  const redaction = await alice.client.redact(roomId, eventId, randomUUID(), "typo");
  const removed = await bob.client.event(roomId, eventId);
  expect(removed.ok && removed.event.unsigned.isRedacted).toBe(true);
  const told = await bob.client.event(roomId, redaction);
  expect(told.ok && told.event.redacts).toBe(eventId);

  await alice.client.setDisplayName("Alice B");
  expect((await bob.client.profile(alice.userId)).displayName).toBe("Alice B");
  await alice.client.setAccountData("m.direct", { [bob.userId]: [roomId] });
  expect(await alice.client.uploadFilter({ room: { timeline: { limit: 1 } } })).toMatch(/^\d+$/u);
  await expect(bob.client.sendState(roomId, "m.room.name", "", { name: "mine" })).rejects.toMatchObject({
    code: "forbidden",
  });
  await bob.client.leave(roomId);
  await alice.client.logout();
  await expect(alice.client.whoAmI()).rejects.toMatchObject({ code: "signed-out" });
  expect(alice.signedOut).toEqual([false]);
});

test("wrong passwords and unknown users say so", async () => {
  const user = await newUser("Carol");
  for (const [name, password] of [
    [user.userId, "wrong"],
    [`@nobody-${randomUUID()}:x`, "x"],
  ] as const) {
    const attempt = login({
      ...net,
      homeserverUrl: sharedHomeserver().baseUrl,
      user: name,
      password,
      deviceName: "Test",
    });
    await expect(attempt).rejects.toMatchObject({ code: "wrong-credentials" });
  }
});

test("refresh at a real server: new tokens work, an unknown token alone signs nobody out", async ({ skip }) => {
  const user = await signedIn("Dora");
  const first = user.tokens();
  if (first?.refreshToken === undefined) return skip("this homeserver gives no refresh tokens");
  user.setTokens({ accessToken: "syt_never_seen", refreshToken: first.refreshToken });
  const answers = await Promise.all(Array.from({ length: 5 }, () => user.client.whoAmI()));
  expect(answers.every((answer) => answer.userId === user.userId)).toBe(true);
  expect(user.tokens()?.refreshToken).not.toBe(first.refreshToken);
  expect(user.signedOut).toEqual([]);
});

test("our rules are the server's, and so are our counts", async () => {
  const [alice, bob, carol] = await Promise.all([signedIn("Alice"), signedIn("Bob"), signedIn("Carol")]);
  const theirs = parsePushRules(await alice.client.pushRules());
  const own = defaultPushRules(alice.userId).map((rule) => rule.ruleId);
  // The server knows more rules than the specification; of those that both know, the order is the same.
  const shared = theirs.map((rule) => rule.ruleId).filter((ruleId) => own.includes(ruleId));
  expect(shared.length).toBeGreaterThan(10);
  expect(own.filter((ruleId) => shared.includes(ruleId))).toEqual(shared);

  const roomId = await bob.client.createRoom({ preset: "private_chat", invite: [alice.userId, carol.userId] });
  await Promise.all([alice.client.join(roomId), carol.client.join(roomId)]);
  const before = await alice.client.sync({ since: undefined, timeoutMs: 0 });
  const localpart = alice.userId.slice(1).split(":")[0] ?? "";
  const text = (body: string, more: JsonObject = {}): JsonObject => ({ msgtype: "m.text", body, ...more });
  const first = await say(bob.client, roomId, text("hello"));
  const said: JsonObject[] = [
    text("Alice, are you there?"),
    text("malice is not a name"),
    text(`${localpart}: hi`),
    text("Alice without being meant", { "m.mentions": {} }),
    text("you", { "m.mentions": { user_ids: [alice.userId] } }),
    text("all of you", { "m.mentions": { room: true } }),
    text("hey @room"),
    { msgtype: "m.notice", body: "Alice" },
    text("* Alice", { "m.relates_to": { rel_type: "m.replace", event_id: first }, "m.new_content": text("Alice") }),
  ];
  for (const content of said) await say(bob.client, roomId, content);
  await say(
    bob.client,
    roomId,
    { "m.relates_to": { rel_type: "m.annotation", event_id: first, key: "👍" } },
    "m.reaction",
  );
  await say(bob.client, roomId, { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x" }, "m.room.encrypted");
  await say(carol.client, roomId, text("hey @room, from one who may not"));
  await say(bob.client, roomId, { call_id: "c", version: "1", party_id: "p", lifetime: 1 }, "m.call.invite");

  const filter = JSON.stringify({ room: { timeline: { limit: 50 } } });
  let room: Awaited<ReturnType<HomeserverClient["sync"]>>["joined"][number] | undefined;
  await expect
    .poll(
      async () => {
        const news = await alice.client.sync({ since: before.nextBatch, filter, timeoutMs: 0 });
        room = news.joined.find((each) => each.roomId === roomId);
        return room?.timeline.entries.length;
      },
      { timeout: 10_000 },
    )
    .toBe(said.length + 5);
  const context = {
    ownUserId: alice.userId,
    roomId,
    ownDisplayName: "Alice",
    memberCount: 3,
    powerLevels: readPowerLevels({ users: { [bob.userId]: 100 } }),
  };
  const countBy = (rules: ReturnType<typeof parsePushRules>) => {
    const decisions = (room?.timeline.entries ?? []).flatMap((entry) =>
      entry.ok ? [evaluatePush(rules, entry.event, context)] : [],
    );
    return {
      notificationCount: decisions.filter((decision) => decision.notify).length,
      highlightCount: decisions.filter((decision) => decision.highlight).length,
    };
  };
  expect(countBy(theirs)).toEqual(room?.unread);
  expect(countBy(defaultPushRules(alice.userId))).toEqual(room?.unread);
});
