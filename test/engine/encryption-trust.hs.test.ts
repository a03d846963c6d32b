/**
 * Who gets keys, and what is said of whom, on a real homeserver: encryption that cannot be switched off, changed
 * identities, unsigned devices, devices and members that the server adds.
 */
import { expect, test } from "vitest";
import type { UserId } from "../../preload/contract/ids.ts";
import { RawDevice } from "../support/raw-device.ts";
import { Seat } from "../support/seat.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

type Json = Record<string, unknown>;
type SyncJson = { rooms?: { join?: Record<string, { state?: { events: Json[] }; timeline: { events: Json[] } }> } };

/** Changes the events of joined rooms in every sync response. */
const rewriteEvents = (change: (events: Json[], roomId: string) => Json[]) => ({
  rewrite: (body: unknown) => {
    for (const [roomId, room] of Object.entries((body as SyncJson).rooms?.join ?? {})) {
      if (room.state) room.state.events = change(room.state.events, roomId);
      room.timeline.events = change(room.timeline.events, roomId);
    }
    return body;
  },
});

async function setUpRecovery(seat: Seat): Promise<string> {
  const { client } = seat.engine;
  await seat.encryption((view) => view.nextStep === "recovery");
  const { recoveryKey } = await client.call("encryption.makeRecoveryKey", seat.inAccount);
  const { password } = seat.account;
  await client.call("encryption.setUpRecovery", { ...seat.inAccount, recoveryKey, password });
  await seat.encryption((view) => view.nextStep === "none");
  return recoveryKey;
}

async function resetIdentity(seat: Seat): Promise<void> {
  const { recoveryKey } = await seat.engine.client.call("encryption.makeRecoveryKey", seat.inAccount);
  const { password } = seat.account;
  await seat.engine.client.call("encryption.resetIdentity", { ...seat.inAccount, recoveryKey, password });
}

const MEGOLM = "m.megolm.v1.aes-sha2";

test("encryption is not switched off or weakened by what the server says", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.bareRoom(
    [bob],
    [{ type: "m.room.encryption", content: { algorithm: MEGOLM, rotation_period_msgs: 2 } }],
  );
  await bob.reads(roomId, await alice.send(roomId, "one"));
  const weaker = [
    { algorithm: MEGOLM, rotation_period_msgs: 1_000_000, rotation_period_ms: 2 ** 52 },
    { algorithm: MEGOLM },
    { algorithm: "m.none" },
    { algorithm: 7, rotation_period_msgs: "100" },
    {},
  ];
  for (const [at, content] of weaker.entries()) {
    await alice.bare.putState(roomId, "m.room.encryption", content);
    await alice.bare.putState(roomId, "m.room.topic", { topic: `weaker ${at}` });
    await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room?.topic === `weaker ${at}`);
    await bob.reads(roomId, await alice.send(roomId, `still ${at}`));
  }
  await alice.engine.close();
  await alice.engine.reopen();
  await bob.reads(roomId, await alice.send(roomId, "after a restart"));
  const said = await alice.saidOnServer(roomId);
  expect(new Set(said.map(({ type }) => type))).toEqual(new Set(["m.room.encrypted"]));
  // Still a key for every two.
  const sessions = said.map(({ content }) => String(content["session_id"]));
  expect(sessions.map((session) => sessions.indexOf(session))).toEqual([0, 0, 2, 2, 4, 4, 6]);
  await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room?.isEncrypted === true);
});

test("a server that hides the encryption from a room's state after a restart gets no plain text", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  await bob.reads(roomId, await alice.send(roomId, "one"));
  alice.proxy.add({
    path: /\/sync/u,
    response: rewriteEvents((events) => events.filter((event) => event["type"] !== "m.room.encryption")),
  });
  alice.proxy.add({
    path: /\/state\/m\.room\.encryption/u,
    response: { status: 404, body: { errcode: "M_NOT_FOUND" } },
  });
  await alice.engine.close();
  await alice.engine.reopen();
  await bob.reads(roomId, await alice.send(roomId, "two"));
  const said = await alice.saidOnServer(roomId);
  expect(said.map(({ type }) => type)).toEqual(["m.room.encrypted", "m.room.encrypted"]);
});

test("a room that was made encrypted is so from its first moment, whatever of it the server has told so far", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  // As Synapse does by itself for some milliseconds: it tells of a new room while it is still filling it.
  await alice.faultOnSync(
    rewriteEvents((events) =>
      events.filter(({ type }) => type === "m.room.create" || type === "m.room.member" || type === "m.room.encrypted"),
    ),
  );
  const invite = [bob.userId];
  const args = { ...alice.inAccount, name: "Room", isPublic: false, invite };
  const rooms = [
    await alice.engine.client.call("rooms.create", args),
    await alice.engine.client.call("rooms.createDirect", { ...alice.inAccount, userId: bob.userId }),
  ];
  for (const { roomId } of rooms) {
    await bob.join(roomId);
    await bob.reads(roomId, await alice.send(roomId, "at once"));
    expect((await alice.saidOnServer(roomId)).map(({ type }) => type)).toEqual(["m.room.encrypted"]);
  }
});

test("a changed identity holds back every send until it is acknowledged; then all goes, in order", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await setUpRecovery(bob);
  const roomId = await alice.engine.createDirectWith(bob.engine);
  await alice.knows(bob);
  await bob.reads(roomId, await alice.send(roomId, "before"));
  const before = (await alice.saidOnServer(roomId)).length;
  const from = alice.proxy.requests.length;

  await resetIdentity(bob);
  const [room] = await alice.engine.until("room", alice.engine.inRoom(roomId), ([each]) => each?.trust === "warning");
  expect(room?.identityChanges).toMatchObject([{ person: { userId: bob.userId }, wasVerified: false }]);
  const held = [await alice.engine.sendText(roomId, "held"), await alice.engine.sendText(roomId, "held too")];
  await alice.engine.timeline(roomId, (items) =>
    held.every((txnId) =>
      items.some(
        (item) =>
          item.kind === "message" &&
          item.txnId === txnId &&
          item.send?.state === "wedged" &&
          item.send.error.code === "identity-changed",
      ),
    ),
  );
  expect(await alice.saidOnServer(roomId)).toHaveLength(before);
  expect(alice.sentTo("m.room.encrypted", from)).toEqual([]);

  await alice.engine.client.call("trust.acknowledge", { ...alice.inAccount, userId: bob.userId });
  for (const txnId of held) await bob.reads(roomId, await alice.untilSent(roomId, txnId));
  await alice.engine.until("room", alice.engine.inRoom(roomId), ([each]) => each?.trust === "normal");
  expect(await alice.saidOnServer(roomId)).toHaveLength(before + held.length);
});

test("an own identity that was replaced elsewhere is told to all own devices", async () => {
  await using first = await Seat.open("alice");
  const recoveryKey = await setUpRecovery(first);
  await using second = await Seat.open(first.account);
  await second.engine.client.call("encryption.recover", { ...second.inAccount, secret: recoveryKey });
  await second.encryption((view) => view.isDeviceVerified && view.nextStep === "none");
  await resetIdentity(second);
  const told = await first.encryption((view) => view.hasIdentityChanged);
  expect(told).toMatchObject({ isDeviceVerified: false, nextStep: "verify" });
  await first.engine.client.call("encryption.acknowledgeIdentityChange", first.inAccount);
  await first.encryption((view) => !view.hasIdentityChanged);
});

test("a device that the server adds is seen, and gets no key; neither does one without keys", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  await bob.reads(roomId, await alice.send(roomId, "before"));
  // In the name of Bob, with his password and without his identity, as whoever runs the server can do.
  const added = await RawDevice.start(sharedHomeserver().baseUrl, bob.account);
  await alice.knowsDevice(bob.userId, added.deviceId);
  const ofBob = { ...alice.inAccount, userId: bob.userId };
  const [user] = await alice.engine.until("userTrust", ofBob, (items) => items.length > 0);
  expect(user?.devices.find(({ deviceId }) => deviceId === added.deviceId)).toMatchObject({ trust: "unsigned" });
  const from = alice.proxy.requests.length;
  await alice.bare.putState(roomId, "m.room.history_visibility", { history_visibility: "joined" });
  await bob.reads(roomId, await alice.send(roomId, "after"));
  const recipients = [...alice.sentTo("m.room.encrypted", from)];
  expect(recipients.filter((device) => device.endsWith(added.deviceId))).toEqual([]);
  expect(alice.sentTo("m.room_key.withheld").filter((device) => device.endsWith(added.deviceId))).toHaveLength(1);
  // What it says is shown for what it is.
  await added.shareKey(roomId, [alice.userId, bob.userId]);
  const eventId = await added.sendEncrypted(roomId, "m.room.message", '{"msgtype":"m.text","body":"it is me"}');
  expect((await alice.reads(roomId, eventId)).shield).toBe("unsigned-device");
});

test("a member that the server adds is seen before the next message, and no key goes to him unseen", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const mallory = await newUser("mallory");
  const roomId = await alice.roomWith(bob);
  await bob.reads(roomId, await alice.send(roomId, "before"));
  await alice.faultOnSync(
    rewriteEvents((events, room) =>
      room === roomId && events.some((event) => event["type"] === "m.room.topic")
        ? [...events, joinOf(mallory.userId as UserId)]
        : events,
    ),
  );
  await alice.bare.putState(roomId, "m.room.topic", { topic: "the server's guest" });
  const members = await alice.engine.until("members", alice.engine.inRoom(roomId), (all) => all.length === 3);
  expect(members.map(({ userId }) => userId)).toContain(mallory.userId);
  await alice.engine.timeline(roomId, (items) =>
    items.some(
      (item) =>
        item.kind === "state" && item.change.change === "membership" && item.change.subject.userId === mallory.userId,
    ),
  );
  await bob.reads(roomId, await alice.send(roomId, "after"));
});

test("what was said before someone joined, or while he was away, is not shared with him", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith();
  const before = await alice.send(roomId, "before you came");
  const from = alice.proxy.requests.length;
  const invite = () => alice.engine.client.call("rooms.invite", { ...alice.engine.inRoom(roomId), userId: bob.userId });
  await invite();
  await bob.join(roomId);
  await alice.knows(bob);
  await bob.cannotRead(roomId, before, "sent-before-we-joined");
  // An invite alone sends no keys, old or new. spec: "Sharing keys between users" is for who asked for it.
  expect(alice.sentTo("m.room.encrypted", from)).toEqual([]);
  await bob.reads(roomId, await alice.send(roomId, "now you are here"));

  await bob.engine.client.call("rooms.leave", bob.engine.inRoom(roomId));
  await alice.untilJoined(roomId, 1);
  const away = await alice.send(roomId, "while you are away");
  await invite();
  await bob.join(roomId);
  await bob.cannotRead(roomId, away, "sent-before-we-joined");
  await bob.reads(roomId, await alice.send(roomId, "welcome back"));
});

const joinOf = (userId: UserId): Json => ({
  event_id: "$injected-by-the-server",
  type: "m.room.member",
  state_key: userId,
  sender: userId,
  origin_server_ts: 1,
  content: { membership: "join" },
});
