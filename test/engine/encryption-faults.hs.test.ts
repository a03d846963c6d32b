/**
 * Key traffic over a network and a server that fail: requests are repeated until they are through, and what was said
 * is read in the end. The scenarios of complement-crypto for one process, and more, against a real homeserver.
 */
import { expect, test } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import { bodies } from "../support/engine-harness.ts";
import type { FaultResponse } from "../support/fault-proxy.ts";
import { Seat } from "../support/seat.ts";

const BUSY: FaultResponse = { status: 504, body: "<html>Gateway Timeout</html>" };

type Json = Record<string, unknown>;
type ClaimedKey = { key: string; fallback?: boolean };

/** One says something, the other reads it. */
async function talk(from: Seat, to: Seat, roomId: RoomId, text = "hello"): Promise<void> {
  expect(await to.reads(roomId, await from.send(roomId, text))).toMatchObject({ body: text });
}

test.each([
  ["/keys/claim", /\/keys\/claim/u],
  ["/sendToDevice", /\/sendToDevice\/m\.room\.encrypted\//u],
])("%s fails twice: it is repeated, and the message is read", async (_, path) => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const fault = alice.proxy.add({ path, times: 2, response: BUSY });
  await talk(alice, bob, roomId);
  await fault.matched(2);
  // What was refused is asked again as it was; claims are made anew.
  const sent = alice.requests(path).slice(0, 3);
  expect(sent.map(({ status }) => status)).toEqual([504, 504, 200]);
  if (path.test("/sendToDevice/m.room.encrypted/")) {
    expect(new Set(sent.map((request) => request.path)).size).toBe(1);
    expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  }
});

test("/keys/query fails while people meet: it is repeated, and the message is read", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const fault = alice.proxy.add({ path: /\/keys\/query/u, times: 2, response: BUSY });
  const roomId = await alice.roomWith(bob);
  await talk(alice, bob, roomId);
  await fault.matched(2);
});

test("/keys/upload fails at sign-in: the same keys go up later, signed by a new identity, and messages can be read", async () => {
  await using alice = await Seat.open("alice");
  const path = /\/keys\/upload/u;
  await using bob = await Seat.open("bob", {
    prepare: (proxy) => proxy.add({ path, times: 4, response: BUSY }),
  });
  const roomId = await alice.roomWith(bob);
  await talk(alice, bob, roomId);
  const uploads = bob.requests(path);
  expect(uploads.filter(({ status }) => status === 504)).toHaveLength(4);
  // Those with the device's keys are all of the same keys, signed or not yet.
  const keys = uploads.flatMap(({ body }) => {
    const { device_keys: device, one_time_keys: oneTime } = body as { device_keys?: Json; one_time_keys?: Json };
    return device ? [JSON.stringify([device["keys"], oneTime])] : [];
  });
  expect(new Set(keys).size).toBe(1);
});

test.each<["drop-response" | "reset"]>([["drop-response"], ["reset"]])(
  "the answer to a room key is lost (%s): the same messages again, under the same transaction id",
  async (response) => {
    await using alice = await Seat.open("alice");
    await using bob = await Seat.open("bob");
    const roomId = await alice.roomWith(bob);
    const path = /\/sendToDevice\/m\.room\.encrypted\//u;
    const fault = alice.proxy.add({ path, times: 1, response });
    await talk(alice, bob, roomId);
    await fault.matched();
    const [first, again] = alice.requests(path);
    expect(again?.path).toBe(first?.path);
    expect(again?.body).toEqual(first?.body);
    await talk(bob, alice, roomId);
  },
);

test("one-time keys run out: two senders use the one fallback key, and both are read", async () => {
  await using alice = await Seat.open("alice");
  await using carol = await Seat.open("carol");
  await using bob = await Seat.open("bob");
  const withAlice = await alice.roomWith(bob);
  const withCarol = await carol.roomWith(bob);
  const upload = bob.proxy.add({ path: /\/keys\/upload/u, response: BUSY });
  const [bobsDevice, claimed] = [await bob.deviceId(), new Set<string>()];
  for (let isFallback = false; !isFallback;) {
    const answer = await alice.bare.call<{ one_time_keys: Record<string, Record<string, Record<string, ClaimedKey>>> }>(
      "POST",
      "/keys/claim",
      { one_time_keys: { [bob.userId]: { [bobsDevice]: "signed_curve25519" } } },
    );
    // By the key itself: the ids of one-time keys and of fallback keys are counted apart.
    const keys = Object.values(answer.one_time_keys[bob.userId]?.[bobsDevice] ?? {});
    expect(keys).toHaveLength(1);
    for (const { key, fallback } of keys) {
      expect(claimed).not.toContain(key);
      claimed.add(key);
      isFallback = fallback === true;
    }
  }
  expect(claimed.size).toBeGreaterThan(1);
  await talk(alice, bob, withAlice, "with the fallback key");
  await talk(carol, bob, withCarol, "with the same");
  upload();
  await talk(bob, alice, withAlice, "and back");
});

test("room keys come while the sender's device cannot be looked up: they are kept, and the message is read", async () => {
  await using bob = await Seat.open("bob");
  await using alice = await Seat.open("alice");
  const args = { ...alice.inAccount, name: "Room", isPublic: false, invite: [bob.userId] };
  const { roomId } = await alice.engine.client.call("rooms.create", args);
  const fault = bob.proxy.add({ path: /\/keys\/query/u, response: BUSY });
  await bob.join(roomId);
  await alice.untilJoined(roomId, 2);
  await alice.knows(bob);
  const eventId = await alice.send(roomId, "from a stranger");
  await fault.matched();
  // The event has come, whatever it looks like so far.
  await bob.engine.timeline(roomId, (items) => items.some((item) => "eventId" in item && item.eventId === eventId));
  fault();
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "from a stranger" });
  await bob.knows(alice);
  await talk(bob, alice, roomId, "not any more");
});

test("a burst of keys and messages from several people, a key for each message: all are read, in order", async () => {
  await using bob = await Seat.open("bob");
  const senders = [await Seat.open("alice"), await Seat.open("carol"), await Seat.open("dave")] as const;
  await using stack = new AsyncDisposableStack();
  for (const sender of senders) stack.use(sender);
  const roomId = await bob.bareRoom(senders, [
    { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 1 } },
  ]);
  for (const sender of senders) for (const other of senders) if (other !== sender) await sender.knows(other);
  const outage = await bob.faultOnSync("drop");
  const texts: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (const sender of senders) {
      texts.push(`${round} ${sender.account.localpart}`);
      await sender.send(roomId, texts.at(-1) ?? "");
    }
  }
  const sessions = (await bob.bare.events(roomId)).flatMap(({ content }) => content["session_id"] ?? []);
  expect(new Set(sessions).size).toBe(texts.length);
  outage();
  await bob.engine.client.call("sync.retryNow", bob.inAccount);
  const seen = await bob.engine.timeline(roomId, (items) => bodies(items).length === texts.length);
  expect(bodies(seen)).toEqual(texts);
});

test("someone is invited, and the sync has yet to say so: what is said meanwhile is for him too", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith();
  await talk(alice, alice, roomId, "to myself");
  const late = await alice.faultOnSync("hold-response");
  await alice.engine.client.call("rooms.invite", { ...alice.engine.inRoom(roomId), userId: bob.userId });
  const eventId = await alice.send(roomId, "come in");
  late();
  await bob.join(roomId);
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "come in" });
});

test("who is invited reads what is said before he joins, but not where history starts with joining", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  for (const visibility of ["invited", "joined"]) {
    const roomId = await alice.bareRoom(
      [],
      [{ type: "m.room.history_visibility", content: { history_visibility: visibility } }],
    );
    await alice.engine.client.call("rooms.invite", { ...alice.engine.inRoom(roomId), userId: bob.userId });
    await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room?.invitedCount === 1);
    const from = alice.proxy.requests.length;
    const eventId = await alice.send(roomId, "before you come");
    await bob.join(roomId);
    const sentToBob = alice.sentTo("m.room.encrypted", from).filter((device) => device.startsWith(bob.userId));
    if (visibility === "invited") {
      expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "before you come" });
    } else {
      expect(sentToBob).toEqual([]);
      await alice.untilJoined(roomId, 2);
      await talk(alice, bob, roomId, "now that you are here");
    }
  }
});

test("the network is down while a first message is written: it goes when the network is back", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const outage = alice.proxy.add({ path: /./u, response: "drop" });
  alice.proxy.disconnectAll();
  const txnId = await alice.engine.sendText(roomId, "from the tunnel");
  await outage.matched(3);
  outage();
  await alice.engine.client.call("sync.retryNow", alice.inAccount);
  const eventId = await alice.untilSent(roomId, txnId);
  expect(await bob.reads(roomId, eventId)).toMatchObject({ body: "from the tunnel" });
});
