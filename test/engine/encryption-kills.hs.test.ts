/**
 * Engines that are killed in the middle of their key traffic, and started again on the same folder: keys are made
 * once, what the server has given is not lost, and what was being sent is sent as it was.
 */
import { expect, test } from "vitest";
import { BareClient } from "../support/bare-client.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { Seat } from "../support/seat.ts";
import { startProxyBefore, TestEngine } from "../support/engine-harness.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

const OWN_PROCESS = { isOwnProcess: true };

/** The bodies of requests on a path, as JSON text. */
const bodiesOf = (proxy: FaultProxy, path: RegExp): string[] =>
  proxy.requests.flatMap((request) => (path.test(request.path) ? [JSON.stringify(request.body)] : []));

test("killed before the answer to its first keys: the very same keys go up again", async () => {
  const account = await newUser("alice");
  await using proxy = await startProxyBefore(sharedHomeserver().baseUrl);
  const path = /\/keys\/upload/u;
  const fault = proxy.add({ path, response: "hold-response" });
  await using engine = await TestEngine.open(OWN_PROCESS);
  const { accountId } = await engine.client.call("accounts.signIn", {
    homeserverUrl: proxy.url,
    user: account.userId,
    password: account.password,
  });
  engine.accountId = accountId;
  await fault.matched();
  await engine.kill();
  const [first] = bodiesOf(proxy, path);
  const from = proxy.requests.length;
  fault();
  await engine.reopen();
  await engine.until("encryption", { accountId }, ([view]) => view?.isDeviceVerified === true);
  const keysOf = (text: string | undefined) => {
    const body = JSON.parse(text ?? "{}") as { device_keys?: { keys: unknown }; one_time_keys?: unknown };
    return { device: body.device_keys?.keys, oneTime: body.one_time_keys };
  };
  const uploads = proxy.requests.slice(from).filter((request) => path.test(request.path));
  expect(uploads[0]).toMatchObject({ status: 200 });
  expect(keysOf(JSON.stringify(uploads[0]?.body))).toEqual(keysOf(first));
  // One that is under way has no status yet.
  expect(uploads.filter(({ status }) => status !== undefined && status !== 200)).toEqual([]);
});

test("killed before the answer to its identity: the very same identity goes up again", async () => {
  const account = await newUser("alice");
  await using proxy = await startProxyBefore(sharedHomeserver().baseUrl);
  const path = /\/keys\/device_signing\/upload/u;
  const fault = proxy.add({ path, response: "hold" });
  await using engine = await TestEngine.open(OWN_PROCESS);
  const { accountId } = await engine.client.call("accounts.signIn", {
    homeserverUrl: proxy.url,
    user: account.userId,
    password: account.password,
  });
  engine.accountId = accountId;
  await fault.matched();
  await engine.kill();
  fault();
  await engine.reopen();
  await engine.until("encryption", { accountId }, ([view]) => view?.isDeviceVerified === true);
  // Whether the held request came through or a second one did: it is the identity that was made first.
  const uploaded = proxy.requests.find((request) => path.test(request.path))?.body as { master_key: { keys: unknown } };
  const bare = new BareClient(sharedHomeserver().baseUrl, account);
  const { master_keys: published } = await bare.call<{ master_keys: Record<string, { keys: unknown }> }>(
    "POST",
    "/keys/query",
    { device_keys: { [account.userId]: [] } },
  );
  expect(published[account.userId]?.keys).toEqual(uploaded.master_key.keys);
});

test("killed while it is sent a room key: the message is read after the restart", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob", OWN_PROCESS);
  const roomId = await alice.roomWith(bob);
  // The response with the key reaches the engine, which has no time to do anything about it.
  const killed = Promise.withResolvers<void>();
  const fault = await bob.faultOnSync({
    rewrite: (body) => {
      const { events } = (body as { to_device?: { events: { type: string }[] } }).to_device ?? { events: [] };
      if (events.some(({ type }) => type === "m.room.encrypted")) {
        setTimeout(() => void bob.engine.kill().then(killed.resolve, killed.reject), 1);
      }
      return body;
    },
  });
  const eventId = await alice.send(roomId, "do not forget");
  await killed.promise;
  fault();
  await bob.engine.reopen();
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "do not forget" });
});

test("killed while it sends a room key: the same messages go again, and the message is read", async () => {
  await using alice = await Seat.open("alice", OWN_PROCESS);
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const path = /\/sendToDevice\/m\.room\.encrypted\//u;
  const fault = alice.proxy.add({ path, response: "hold-response" });
  const txnId = await alice.engine.sendText(roomId, "in spite of it");
  await fault.matched();
  await alice.engine.kill();
  fault();
  await alice.engine.reopen();
  const eventId = await alice.untilSent(roomId, txnId);
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "in spite of it" });
  const [first, again] = alice.requests(path);
  expect(again?.path).toBe(first?.path);
  expect(again?.body).toEqual(first?.body);
});

test("killed between encrypting and the server's answer: one event, with one ciphertext", async () => {
  await using alice = await Seat.open("alice", OWN_PROCESS);
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const path = /\/send\/m\.room\.encrypted\//u;
  const fault = alice.proxy.add({ path, response: "hold-response" });
  const txnId = await alice.engine.sendText(roomId, "once");
  await fault.matched();
  await alice.engine.kill();
  fault();
  await alice.engine.reopen();
  const eventId = await alice.untilSent(roomId, txnId);
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "once" });
  expect(await alice.saidOnServer(roomId)).toHaveLength(1);
  const sent = alice.requests(path);
  expect(new Set(sent.map((request) => JSON.stringify([request.path, request.body]))).size).toBe(1);
});

test("killed and started again: the room key is the same, and what was read stays read", async () => {
  await using alice = await Seat.open("alice", OWN_PROCESS);
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const before = await alice.send(roomId, "before");
  await alice.reads(roomId, await bob.send(roomId, "answer"));
  await alice.engine.kill();
  await alice.engine.reopen();
  const after = await alice.send(roomId, "after");
  await bob.reads(roomId, after);
  expect(await alice.sessionOf(roomId, after)).toBe(await alice.sessionOf(roomId, before));
  await alice.reads(roomId, await bob.send(roomId, "and again"));
});
