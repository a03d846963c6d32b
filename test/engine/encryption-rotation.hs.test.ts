/**
 * When a room's key is replaced, and when it is not, seen from outside: the session id of what the server holds, and
 * the devices that were sent a key. One test for each rule. spec: e2ee, "m.megolm.v1.aes-sha2", rotation.
 */
import { afterEach, expect, test, vi } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import { Seat } from "../support/seat.ts";

const TO_ROOM = "m.room.encrypted";
const WEEK_MS = 7 * 24 * 3_600_000;

afterEach(() => void vi.useRealTimers());

/** The room key of a new message, which everyone given here reads. */
async function keyOfNext(from: Seat, roomId: RoomId, ...readers: readonly Seat[]): Promise<string> {
  const eventId = await from.send(roomId, `said at ${performance.now()}`);
  for (const reader of readers) await reader.reads(roomId, eventId);
  return from.sessionOf(roomId, eventId);
}

test("a member who leaves, is kicked or banned: a new key, of which his devices are sent nothing", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await using carol = await Seat.open("carol");
  const roomId = await alice.roomWith(bob, carol);
  const carolsDevice = `${carol.userId} ${await carol.deviceId()}`;
  const keys = [await keyOfNext(alice, roomId, bob, carol)];
  const leave = () => carol.engine.client.call("rooms.leave", carol.engine.inRoom(roomId));
  const remove = (action: "kick" | "ban") => () =>
    alice.bare.call("POST", `/rooms/${encodeURIComponent(roomId)}/${action}`, { user_id: carol.userId });
  const partings = [leave, remove("kick"), remove("ban")];
  for (const part of partings) {
    await part();
    await alice.untilJoined(roomId, 2);
    const from = alice.proxy.requests.length;
    keys.push(await keyOfNext(alice, roomId, bob));
    expect(alice.sentTo(TO_ROOM, from)).toContain(`${bob.userId} ${await bob.deviceId()}`);
    expect(alice.sentTo(TO_ROOM, from)).not.toContain(carolsDevice);
    if (part !== partings.at(-1)) {
      await alice.engine.client.call("rooms.invite", { ...alice.engine.inRoom(roomId), userId: carol.userId });
      await carol.join(roomId);
      await alice.untilJoined(roomId, 3);
    }
  }
  expect(new Set(keys).size).toBe(4);
});

test("a device that is signed out: a new key", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await alice.engine.client.call("encryption.setSendsToSignedDevicesOnly", { ...alice.inAccount, isOn: false });
  const second = await Seat.open(bob.account);
  const roomId = await alice.roomWith(bob);
  await alice.knows(second);
  const before = await keyOfNext(alice, roomId, bob, second);
  const secondId = await second.deviceId();
  await second.engine.client.call("accounts.signOut", second.inAccount);
  await second[Symbol.asyncDispose]();
  await alice.knowsDevice(bob.userId, secondId, false);
  expect(await keyOfNext(alice, roomId, bob)).not.toBe(before);
});

test("a device that the setting shuts out: a new key, and a word to it why it has none", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const policy = (isOn: boolean) =>
    alice.engine.client.call("encryption.setSendsToSignedDevicesOnly", { ...alice.inAccount, isOn });
  await policy(false);
  await using unsigned = await Seat.open(bob.account);
  const roomId = await alice.roomWith(bob);
  await alice.knows(unsigned);
  const before = await keyOfNext(alice, roomId, bob, unsigned);
  await policy(true);
  const from = alice.proxy.requests.length;
  const eventId = await alice.send(roomId, "for signed devices");
  await bob.reads(roomId, eventId);
  await unsigned.cannotRead(roomId, eventId, "withheld-unverified");
  expect(await alice.sessionOf(roomId, eventId)).not.toBe(before);
  const unsignedDevice = `${bob.userId} ${await unsigned.deviceId()}`;
  expect(alice.sentTo(TO_ROOM, from)).not.toContain(unsignedDevice);
  expect(alice.sentTo("m.room_key.withheld", from)).toEqual([unsignedDevice]);
});

test("as many messages as the room says, and a hundred where it says nothing", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const quick = await alice.bareRoom(
    [bob],
    [{ type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 2 } }],
  );
  const keys: string[] = [];
  for (let count = 0; count < 5; count += 1) keys.push(await keyOfNext(alice, quick, bob));
  expect(keys.map((key) => keys.indexOf(key))).toEqual([0, 0, 2, 2, 4]);

  const usual = await alice.roomWith(bob);
  const first = await keyOfNext(alice, usual);
  for (let count = 1; count < 100; count += 1) await alice.engine.sendText(usual, `${count}`);
  const next = await alice.send(usual, "the hundred and first");
  await bob.reads(usual, next);
  const said = await alice.saidOnServer(usual);
  // The server gives the newest hundred of the room: the last is the only one with another key.
  const sessions = said.map(({ content }) => content["session_id"]);
  expect(sessions.slice(0, -1).every((session) => session === first)).toBe(true);
  expect(sessions.at(-1)).not.toBe(first);
});

test("a week: a new key; a day less: the old one", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const first = await keyOfNext(alice, roomId, bob);
  const startMs = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: startMs + WEEK_MS - 3_600_000 });
  expect(await keyOfNext(alice, roomId)).toBe(first);
  vi.setSystemTime(startMs + WEEK_MS + 1_000);
  expect(await keyOfNext(alice, roomId)).not.toBe(first);
});

test("a tighter history visibility: a new key", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const first = await keyOfNext(alice, roomId, bob);
  await alice.bare.putState(roomId, "m.room.history_visibility", { history_visibility: "joined" });
  await alice.bare.putState(roomId, "m.room.topic", { topic: "tighter" });
  await alice.engine.until("room", alice.engine.inRoom(roomId), ([room]) => room?.topic === "tighter");
  expect(await keyOfNext(alice, roomId, bob)).not.toBe(first);
});

test("someone who left behind a gap in the timeline: a new key", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await using carol = await Seat.open("carol");
  const roomId = await alice.roomWith(bob, carol);
  const first = await keyOfNext(alice, roomId, bob, carol);
  const outage = await alice.faultOnSync("drop");
  await carol.engine.client.call("rooms.leave", carol.engine.inRoom(roomId));
  await bob.untilJoined(roomId, 2);
  // More than a sync response holds of a room, by someone else: the leave is not in its timeline.
  for (let count = 0; count < 60; count += 1) {
    await bob.bare.send(roomId, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", key: String(count) } });
  }
  const last = await bob.send(roomId, "after all that");
  outage();
  await alice.engine.client.call("sync.retryNow", alice.inAccount);
  await alice.reads(roomId, last);
  const from = alice.proxy.requests.length;
  expect(await keyOfNext(alice, roomId, bob)).not.toBe(first);
  expect(alice.sentTo(TO_ROOM, from)).not.toContain(`${carol.userId} ${await carol.deviceId()}`);
});

test("another name, another device, a restart: the same key, and no one is sent it twice", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await alice.engine.client.call("encryption.setSendsToSignedDevicesOnly", { ...alice.inAccount, isOn: false });
  const roomId = await alice.roomWith(bob);
  const first = await keyOfNext(alice, roomId, bob);

  let from = alice.proxy.requests.length;
  await bob.engine.client.call("profile.setDisplayName", { ...bob.inAccount, displayName: "Bobby" });
  await alice.engine.until("members", alice.engine.inRoom(roomId), (members) =>
    members.some(({ displayName }) => displayName === "Bobby"),
  );
  expect(await keyOfNext(alice, roomId, bob)).toBe(first);
  expect(alice.sentTo(TO_ROOM, from)).toEqual([]);

  from = alice.proxy.requests.length;
  await using second = await Seat.open(bob.account);
  await alice.knows(second);
  expect(await keyOfNext(alice, roomId, bob, second)).toBe(first);
  expect(alice.sentTo(TO_ROOM, from)).toEqual([`${bob.userId} ${await second.deviceId()}`]);

  from = alice.proxy.requests.length;
  await alice.engine.close();
  await alice.engine.reopen();
  expect(await keyOfNext(alice, roomId, bob)).toBe(first);
  expect(alice.sentTo(TO_ROOM, from)).toEqual([]);
});
