/**
 * Two engines on a real homeserver: rooms, messages, receipts, typing, gaps, restarts and faults, all through the
 * contract.
 */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { TxnId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { bodies, TestEngine } from "../support/engine-harness.ts";
import { startFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

const homeserverUrl = () => sharedHomeserver().baseUrl;
/** Requests that carry a message: direct and private rooms are encrypted. */
const SENDS = /\/send\/m\.room\.encrypted\//u;

/** A proxy that the client stays behind: the sign-in's answer would send it to the server's own address. */
async function proxyBeforeServer(): Promise<FaultProxy> {
  const proxy = await startFaultProxy(homeserverUrl());
  proxy.add({
    method: "POST",
    path: /\/login$/u,
    response: { rewrite: (body) => ({ ...(body as object), well_known: undefined }) },
  });
  return proxy;
}

async function twoPeople(): Promise<{ alice: TestEngine; bob: TestEngine; close: () => Promise<void> }> {
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map(async (name) => TestEngine.signedIn(homeserverUrl(), await newUser(name))),
  );
  if (!alice || !bob) throw new Error("two engines were asked for");
  return {
    alice,
    bob,
    close: async () => {
      await alice[Symbol.asyncDispose]();
      await bob[Symbol.asyncDispose]();
    },
  };
}

test("a direct room: invite shown with its sender, join, messages both ways, in order, each once", async () => {
  const { alice, bob, close } = await twoPeople();
  const { roomId } = await alice.client.call("rooms.createDirect", { accountId: alice.accountId, userId: bob.userId });
  const [invite] = await bob.until("roomList", { accountId: bob.accountId }, (rows) =>
    rows.some((row) => row.membership === "invite"),
  );
  expect(invite).toMatchObject({ roomId, isDirect: true, inviter: { userId: alice.userId } });
  await bob.client.call("rooms.join", { accountId: bob.accountId, room: roomId });

  for (const text of ["one", "two", "three"]) await alice.sendText(roomId, text);
  const seen = await bob.timeline(roomId, (items) => bodies(items).length === 3);
  expect(bodies(seen)).toEqual(["one", "two", "three"]);
  await bob.sendText(roomId, "four");
  const atAlice = await alice.timeline(roomId, (items) => bodies(items).includes("four"));
  expect(bodies(atAlice)).toEqual(["one", "two", "three", "four"]);
  expect(atAlice.filter((item) => item.kind === "message" && item.isOwn && item.send?.state !== "sent")).toEqual([]);

  const [row] = await bob.until(
    "roomList",
    { accountId: bob.accountId },
    (rows) => rows[0]?.isDirect === true && rows[0].membership === "join" && rows[0].preview?.text === "four",
  );
  expect(row).toMatchObject({ directUserId: alice.userId, preview: { isOwn: true, text: "four" } });
  // A second wish for the same person finds the same room.
  const again = await alice.client.call("rooms.createDirect", { accountId: alice.accountId, userId: bob.userId });
  expect(again.roomId).toBe(roomId);
  await close();
});

test("a draft marks its room in the list until it is sent, also while nothing can be sent", async () => {
  await using proxy = await proxyBeforeServer();
  await using alice = await TestEngine.signedIn(proxy.url, await newUser("alice"));
  const { accountId } = alice;
  const { roomId } = await alice.client.call("rooms.create", {
    accountId,
    name: "Garden",
    isPublic: false,
    invite: [],
  });
  const marked = (hasDraft: boolean) =>
    alice.until("roomList", { accountId }, (rows) =>
      rows.some((row) => row.roomId === roomId && row.hasDraft === hasDraft),
    );
  await marked(false);
  await alice.client.call("rooms.setDraft", { ...alice.inRoom(roomId), text: "the beans" });
  await marked(true);
  await alice.close();
  await alice.reopen();
  await marked(true);
  proxy.add({ path: /./u, response: "drop" });
  await alice.sendText(roomId, "the beans are ripe");
  await marked(false);
});

test("a file that is being sent says how far it has come", async () => {
  await using proxy = await proxyBeforeServer();
  await using alice = await TestEngine.signedIn(proxy.url, await newUser("alice"));
  const { accountId } = alice;
  const { roomId } = await alice.client.call("rooms.create", { accountId, name: "Files", isPublic: false, invite: [] });
  const bytes = new Uint8Array(200_000);
  const { uploadId } = await alice.client.call("files.begin", { accountId, name: "plan.pdf", contentType: "" });
  await alice.client.call("files.append", { accountId, uploadId, offset: 0, bytes });
  await alice.client.call("files.finish", { accountId, uploadId });
  const held = proxy.add({ path: /\/upload/u, response: "hold-response" });
  const txnId = randomUUID() as TxnId;
  await alice.client.call("files.send", { ...alice.inRoom(roomId), txnId, uploadId });
  const sendOf = (items: readonly TimelineItem[]) => {
    const item = items.find(({ key }) => key === txnId);
    return item?.kind === "message" ? item.send : undefined;
  };
  const onItsWay = await alice.timeline(
    roomId,
    (items) => sendOf(items)?.state === "sending" && "upload" in sendOf(items)!,
  );
  expect(sendOf(onItsWay)).toMatchObject({ upload: { totalBytes: 200_000 } });
  held.release();
  const arrived = await alice.timeline(roomId, (items) => sendOf(items)?.state === "sent");
  expect(sendOf(arrived)).toEqual({ state: "sent" });
});

test("a decline takes the invite off the list", async () => {
  const { alice, bob, close } = await twoPeople();
  const { roomId } = await alice.client.call("rooms.create", {
    accountId: alice.accountId,
    name: "Plans",
    isPublic: false,
    invite: [bob.userId],
  });
  await bob.until("roomList", { accountId: bob.accountId }, (rows) =>
    rows.some((row) => row.roomId === roomId && row.name === "Plans"),
  );
  await bob.client.call("rooms.leave", { accountId: bob.accountId, roomId });
  await bob.until("roomList", { accountId: bob.accountId }, (rows) => rows.length === 0);
  await close();
});

test("counts, receipts and notifications: unread until read, then read for both", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "are you there?");
  const [row] = await bob.until(
    "roomList",
    { accountId: bob.accountId },
    (rows) => (rows[0]?.notificationCount ?? 0) > 0,
  );
  expect(row?.notificationCount).toBe(1);
  const [notification] = await bob.until("notifications", {}, (items) => items.some((item) => item.kind === "message"));
  expect(notification).toMatchObject({ roomId, body: "are you there?", sound: "default" });

  const items = await bob.timeline(roomId, (all) => bodies(all).length === 1);
  const last = items.at(-1);
  if (last?.kind !== "message" || !last.eventId) throw new Error("no message");
  await bob.client.call("timeline.markRead", { ...bob.inRoom(roomId), eventId: last.eventId });
  await bob.until("notifications", {}, (all) => all.length === 0);
  await bob.until("badge", {}, ([badge]) => badge?.notificationCount === 0);
  const read = await alice.timeline(roomId, (all) =>
    all.some((item) => item.kind === "message" && item.readBy.length === 1),
  );
  expect(read.at(-1)).toMatchObject({ readBy: [{ userId: bob.userId }] });
  await close();
});

test("nothing notifies for the room that someone looks at", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await bob.client.call("attention.set", { looksAt: bob.inRoom(roomId) });
  await alice.sendText(roomId, "seen at once");
  await bob.timeline(roomId, (items) => bodies(items).includes("seen at once"));
  await bob.until("notifications", {}, (items) => items.filter((item) => item.kind === "message").length === 0);
  await bob.client.call("attention.set", {});
  await alice.sendText(roomId, "not seen");
  await bob.until("notifications", {}, (items) => items.some((item) => item.body === "not seen"));
  await close();
});

test("typing names the other, and ends", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await alice.client.call("rooms.setTyping", { ...alice.inRoom(roomId), isTyping: true });
  await bob.until("room", bob.inRoom(roomId), ([room]) => room?.typing[0]?.userId === alice.userId);
  await alice.client.call("rooms.setTyping", { ...alice.inRoom(roomId), isTyping: false });
  await bob.until("room", bob.inRoom(roomId), ([room]) => room?.typing.length === 0);
  await close();
});

test("a restart shows the list and the room from the store, before any network", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "kept");
  await bob.timeline(roomId, (items) => bodies(items).includes("kept"));
  await bob.close();
  await bob.reopen({ fetch: () => Promise.reject(new TypeError("no network in this test")) });
  const rows = await bob.until("roomList", { accountId: bob.accountId }, () => true);
  expect(rows.map((row) => row.roomId)).toEqual([roomId]);
  expect(bodies(await bob.timeline(roomId, () => true))).toEqual(["kept"]);
  await bob.until(
    "syncState",
    { accountId: bob.accountId },
    ([sync]) => sync?.state === "waiting" && sync.error?.code === "offline",
  );
  await close();
});

test("a gap is marked, filled when the room is looked at, and nothing is missing, double or out of order", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await alice.sendText(roomId, "before");
  await bob.timeline(roomId, (items) => bodies(items).includes("before"));
  await bob.close();
  const missed = Array.from({ length: 75 }, (_, index) => `missed ${index}`);
  for (const text of missed) await alice.sendText(roomId, text);
  await alice.timeline(
    roomId,
    (items) =>
      items.filter((item) => item.kind === "message" && item.send?.state === "sent").length >= 60 &&
      items.every((item) => item.kind !== "message" || item.send?.state === "sent"),
  );
  await bob.reopen();
  await bob.until("syncState", { accountId: bob.accountId }, ([sync]) => sync?.state === "live");
  const complete = ["before", ...missed];
  await bob.client.call("timeline.paginate", bob.inRoom(roomId));
  const stop = bob.client.subscribe("timeline", bob.inRoom(roomId), () => undefined);
  for (let page = 0; page < 4; page += 1) await bob.client.call("timeline.paginate", bob.inRoom(roomId));
  const items = await bob.timeline(
    roomId,
    (all) => bodies(all).length >= complete.length && all.every((item) => item.kind !== "gap"),
  );
  expect(bodies(items)).toEqual(complete);
  expect(items[0]).toEqual({ kind: "start", key: "start" });
  stop();
  await close();
});

test("the echo and the answer settle a message once, whichever comes first, and its key never changes", async () => {
  const { alice, bob, close } = await twoPeople();
  const roomId = await alice.createDirectWith(bob);
  await using proxy = await proxyBeforeServer();
  const user = await newUser("carol");
  const carol = await TestEngine.signedIn(proxy.url, user);
  const carolRoom = await carol.createDirectWith(bob);
  expect(carolRoom).not.toBe(roomId);
  const keys: (string | undefined)[] = [];
  const stop = carol.client.subscribe("timeline", carol.inRoom(carolRoom), (items) => {
    const mine = items.filter((item) => item.kind === "message");
    expect(mine.length).toBeLessThanOrEqual(1);
    keys.push(mine[0]?.key);
  });
  const held = proxy.add({ path: SENDS, response: { delayMs: 1_500 } });
  const txnId = await carol.sendText(carolRoom, "once");
  await bob.timeline(carolRoom, (items) => bodies(items).includes("once"));
  await carol.timeline(carolRoom, (items) =>
    items.some((item) => item.kind === "message" && item.send?.state === "sent"),
  );
  held();
  await new Promise((resolve) => setTimeout(resolve, 1_800));
  stop();
  expect(new Set(keys.filter((key) => key !== undefined))).toEqual(new Set([txnId]));
  await carol[Symbol.asyncDispose]();
  await close();
});

test("what a window sends again, because it never heard that it was taken, stays one message", async () => {
  await using proxy = await proxyBeforeServer();
  await using alice = await TestEngine.signedIn(proxy.url, await newUser("alice"));
  const { accountId } = alice;
  const { roomId } = await alice.client.call("rooms.create", { accountId, name: "Once", isPublic: false, invite: [] });
  const room = alice.inRoom(roomId);
  const txnId = await alice.sendText(roomId, "once");
  await alice.timeline(roomId, (items) => items.some((item) => item.kind === "message" && item.send?.state === "sent"));
  // When it has synced again the echo is there, whichever came first.
  await alice.close();
  await alice.reopen();
  await alice.until("syncState", { accountId }, ([sync]) => sync?.state === "live");
  let most = 0;
  const stop = alice.client.subscribe("timeline", room, (items) => {
    most = Math.max(most, bodies(items).filter((body) => body === "once").length);
  });
  await alice.client.call("outbox.send", { ...room, txnId, content: { msgtype: "m.text", body: "once" } });
  const after = await alice.sendText(roomId, "after");
  await alice.timeline(roomId, (items) => items.some(({ key }) => key === after));
  stop();
  expect(most).toBe(1);
  const sends = proxy.requests.filter(({ path }) => path.endsWith(`/${txnId}`));
  expect(sends).toHaveLength(1);
});

test("a send whose answer is lost is repeated under the same txnId: the room has it once", async () => {
  const { alice, bob, close } = await twoPeople();
  await using proxy = await proxyBeforeServer();
  const carol = await TestEngine.signedIn(proxy.url, await newUser("carol"));
  const roomId = await carol.createDirectWith(bob);
  // A late sync, so that no echo tells that the lost answer was a yes.
  proxy.add({ path: /\/sync\?/u, response: { delayMs: 4_000 } });
  proxy.disconnectAll();
  proxy.add({ path: SENDS, times: 2, response: "drop-response" });
  await carol.sendText(roomId, "first");
  await carol.sendText(roomId, "second");
  const items = await bob.timeline(roomId, (all) => bodies(all).includes("second"));
  expect(bodies(items)).toEqual(["first", "second"]);
  const sends = proxy.requests.filter((request) => SENDS.test(request.path));
  expect(sends.length).toBeGreaterThanOrEqual(3);
  expect(new Set(sends.map((request) => request.path.split("/").at(-1))).size).toBe(2);
  await carol[Symbol.asyncDispose]();
  await close();
  expect(alice.userId).not.toBe(bob.userId);
});

test("what the server refuses for good is wedged with its reason, out of the way, and can be retried or discarded", async () => {
  const { bob, close } = await twoPeople();
  await using proxy = await proxyBeforeServer();
  const carol = await TestEngine.signedIn(proxy.url, await newUser("carol"));
  const roomId = await carol.createDirectWith(bob);
  const refuse = proxy.add({
    path: SENDS,
    times: 2,
    response: { status: 403, body: { errcode: "M_FORBIDDEN", error: "You may not." } },
  });
  const refused = await carol.sendText(roomId, "refused");
  const discarded = await carol.sendText(roomId, "discarded");
  await carol.timeline(
    roomId,
    (items) => items.filter((item) => item.kind === "message" && item.send?.state === "wedged").length === 2,
  );
  refuse();
  await carol.sendText(roomId, "passes by");
  await bob.timeline(roomId, (items) => bodies(items).includes("passes by"));
  await carol.client.call("outbox.discard", { accountId: carol.accountId, txnId: discarded });
  await carol.client.call("outbox.retry", { accountId: carol.accountId, txnId: refused });
  const items = await bob.timeline(roomId, (all) => bodies(all).length === 2);
  expect(bodies(items)).toEqual(["passes by", "refused"]);
  await carol[Symbol.asyncDispose]();
  await close();
});

test("rate limits are obeyed, and a captive portal changes nothing", async () => {
  const { bob, close } = await twoPeople();
  await using proxy = await proxyBeforeServer();
  const carol = await TestEngine.signedIn(proxy.url, await newUser("carol"));
  const roomId = await carol.createDirectWith(bob);
  proxy.add({
    path: SENDS,
    times: 1,
    response: { status: 429, headers: { "retry-after": "2" }, body: { errcode: "M_LIMIT_EXCEEDED" } },
  });
  const before = Date.now();
  await carol.sendText(roomId, "patient");
  await bob.timeline(roomId, (items) => bodies(items).includes("patient"));
  expect(Date.now() - before).toBeGreaterThanOrEqual(1_950);

  const portal = proxy.add({
    path: /./u,
    response: {
      status: 401,
      headers: { "content-type": "text/html" },
      body: "<html>Please log in to the hotel</html>",
    },
  });
  proxy.disconnectAll();
  await carol.until("syncState", { accountId: carol.accountId }, ([sync]) => sync?.state === "waiting");
  const [account] = await carol.until("accounts", {}, () => true);
  expect(account?.state).toBe("signed-in");
  await carol.sendText(roomId, "written in the hotel");
  portal();
  await carol.client.call("sync.retryNow", { accountId: carol.accountId });
  await bob.timeline(roomId, (items) => bodies(items).includes("written in the hotel"));
  await carol[Symbol.asyncDispose]();
  await close();
});

test("one malformed event becomes a quiet line, and its neighbours are shown", async () => {
  const { bob, close } = await twoPeople();
  await using proxy = await proxyBeforeServer();
  const carol = await TestEngine.signedIn(proxy.url, await newUser("carol"));
  const { roomId } = await bob.client.call("rooms.create", {
    accountId: bob.accountId,
    name: "In the clear",
    isPublic: false,
    isEncrypted: false,
    invite: [carol.userId],
  });
  await carol.until("roomList", { accountId: carol.accountId }, (rows) => rows.some((row) => row.roomId === roomId));
  await carol.client.call("rooms.join", { accountId: carol.accountId, room: roomId });
  proxy.add({
    path: /\/sync\?/u,
    response: {
      rewrite: (body) => spoil(body, (event) => event["body"] === "bad" || contentOf(event)["body"] === "bad"),
    },
  });
  await bob.sendText(roomId, "good one");
  await bob.sendText(roomId, "bad");
  await bob.sendText(roomId, "good two");
  const items = await carol.timeline(roomId, (all) => bodies(all).includes("good two"));
  expect(bodies(items)).toEqual(["good one", "good two"]);
  expect(items.filter((item) => item.kind === "placeholder" && item.reason === "malformed").length).toBe(1);
  await carol[Symbol.asyncDispose]();
  await close();
});

test("soft logout keeps everything, and signing in again goes on", async () => {
  const { bob, close } = await twoPeople();
  await using proxy = await proxyBeforeServer();
  const user = await newUser("carol");
  const carol = await TestEngine.signedIn(proxy.url, user);
  const roomId = await carol.createDirectWith(bob);
  const softLogout = proxy.add({
    path: /\/_matrix\/client\/v3\/(sync|refresh|rooms)/u,
    response: { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", soft_logout: true } },
  });
  proxy.disconnectAll();
  await carol.until("accounts", {}, ([account]) => account?.state === "soft-logged-out");
  await carol.sendText(roomId, "written while signed out");
  softLogout();
  await carol.client.call("accounts.signInAgain", { accountId: carol.accountId, password: user.password });
  await carol.until("syncState", { accountId: carol.accountId }, ([sync]) => sync?.state === "live");
  await bob.timeline(roomId, (items) => bodies(items).includes("written while signed out"));
  await carol[Symbol.asyncDispose]();
  await close();
});

test("sign-in tells what is wrong", async () => {
  const user = await newUser("alice");
  await using engine = await TestEngine.open();
  const signIn = (homeserver: string, password: string) =>
    engine.client.call("accounts.signIn", { homeserverUrl: homeserver, user: user.userId, password });
  await expect(signIn(homeserverUrl(), "wrong")).rejects.toMatchObject({ code: "wrong-credentials" });
  await expect(signIn("http://127.0.0.1:9", user.password)).rejects.toMatchObject({ code: "offline" });
  await expect(engine.client.call("accounts.discover", { address: "127.0.0.1:9" })).rejects.toMatchObject({
    code: "offline",
  });
  const found = await engine.client.call("accounts.discover", { address: homeserverUrl() });
  expect(found.canUsePassword).toBe(true);
  expect(await engine.until("accounts", {}, () => true)).toEqual([]);
});

test("sign-out removes everything of the account", async () => {
  const alice = await TestEngine.signedIn(homeserverUrl(), await newUser("alice"));
  await alice.client.call("accounts.signOut", { accountId: alice.accountId });
  expect(await alice.until("accounts", {}, () => true)).toEqual([]);
  await expect(alice.client.call("sync.retryNow", { accountId: alice.accountId })).rejects.toMatchObject({
    code: "not-found",
  });
  await alice[Symbol.asyncDispose]();
});

test("a room that becomes encrypted takes nothing in the clear from then on", async () => {
  const user = await newUser("alice");
  const alice = await TestEngine.signedIn(homeserverUrl(), user);
  const { roomId } = await alice.client.call("rooms.create", {
    accountId: alice.accountId,
    name: "Open, then secret",
    isPublic: false,
    isEncrypted: false,
    invite: [],
  });
  const headers = { authorization: `Bearer ${user.accessToken}` };
  const roomUrl = `${homeserverUrl()}/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  await alice.sendText(roomId, "in the clear");
  await alice.timeline(roomId, (items) => items.some((item) => item.kind === "message" && item.send?.state === "sent"));
  const state = await fetch(`${roomUrl}/state/m.room.encryption`, {
    method: "PUT",
    headers,
    body: JSON.stringify({ algorithm: "m.megolm.v1.aes-sha2" }),
  });
  expect(state.status).toBe(200);
  await alice.until("room", alice.inRoom(roomId), ([room]) => room?.isEncrypted === true);
  await alice.sendText(roomId, "secret");
  const items = await alice.timeline(roomId, (all) =>
    all.some((item) => item.kind === "message" && item.body === "secret" && item.send?.state === "sent"),
  );
  expect(items.filter((item) => item.kind === "message" && item.shield === "sent-in-clear")).toEqual([]);
  // Someone, or the server, writes in the clear: it is shown for what it is.
  await fetch(`${roomUrl}/send/m.room.message/clear1`, {
    method: "PUT",
    headers,
    body: JSON.stringify({ msgtype: "m.text", body: "not locked" }),
  });
  const after = await alice.timeline(roomId, (all) => bodies(all).includes("not locked"));
  const shields = after.flatMap((item) => (item.kind === "message" ? [[item.body, item.shield]] : []));
  expect(shields).toEqual([
    ["in the clear", undefined],
    ["secret", undefined],
    ["not locked", "sent-in-clear"],
  ]);
  await alice[Symbol.asyncDispose]();
});

test("our own push rules count as the server does", async () => {
  const { alice, bob, close } = await twoPeople();
  const { roomId } = await alice.client.call("rooms.create", {
    accountId: alice.accountId,
    name: "Counting",
    isPublic: false,
    // The server counts mentions only of what it can read.
    isEncrypted: false,
    invite: [bob.userId],
  });
  await bob.until("roomList", { accountId: bob.accountId }, (rows) => rows.some((row) => row.roomId === roomId));
  await bob.client.call("rooms.join", { accountId: bob.accountId, room: roomId });
  const first = await alice.sendText(roomId, "plain");
  expect(first).toBeTruthy();
  const mention: TxnId = `txn-${randomUUID()}` as TxnId;
  await alice.client.call("outbox.send", {
    ...alice.inRoom(roomId),
    txnId: mention,
    content: { msgtype: "m.text", body: `${bob.userId} look`, mentionedUserIds: [bob.userId] },
  });
  await alice.sendText(roomId, "plain again");
  const items = await bob.timeline(roomId, (all) => bodies(all).length === 3);
  const row = (
    await bob.until("roomList", { accountId: bob.accountId }, (rows) => rows[0]?.notificationCount === 3)
  ).find((each) => each.roomId === roomId);
  expect(row).toMatchObject({ notificationCount: 3, highlightCount: 1 });
  expect(items.filter((item) => item.kind === "message" && item.isMention).length).toBe(1);
  // Reading up to the first message leaves what our own rules say of the rest, before the server has answered.
  const firstMessage = items.find((item) => item.kind === "message");
  if (firstMessage?.kind !== "message" || !firstMessage.eventId) throw new Error("no message");
  await bob.client.call("timeline.markRead", { ...bob.inRoom(roomId), eventId: firstMessage.eventId });
  await bob.until("room", bob.inRoom(roomId), ([room]) => room?.notificationCount === 2 && room.highlightCount === 1);
  await close();
});

type Json = Record<string, unknown>;
const contentOf = (event: Json): Json =>
  typeof event["content"] === "object" && event["content"] !== null ? (event["content"] as Json) : {};

/** Gives the events that fit a sender which is no user id, wherever in the body they stand. */
function spoil(value: unknown, fits: (event: Json) => boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => spoil(each, fits));
  if (typeof value !== "object" || value === null) return value;
  const object = Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, key === "content" ? each : spoil(each, fits)]),
  );
  return "sender" in object && fits(object) ? { ...object, sender: 17 } : object;
}
