/**
 * Servers and senders that mean ill, over a real homeserver: what is rewritten on its way, played again, forged, or
 * not what it should be, is set aside with its reason; the sync goes on, and what was meant well is read.
 */
import { expect, test } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { bodies } from "../support/engine-harness.ts";
import { RawDevice } from "../support/raw-device.ts";
import { Seat } from "../support/seat.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";

type Json = Record<string, unknown>;
type SyncJson = {
  to_device?: { events: Json[] };
  rooms?: { join?: Record<string, { timeline: { events: Json[] } }> };
};

/** Changes the timelines in every sync response. */
const rewriteTimelines = (change: (events: Json[], roomId: string) => Json[]) => ({
  rewrite: (body: unknown) => {
    for (const [roomId, room] of Object.entries((body as SyncJson).rooms?.join ?? {})) {
      room.timeline.events = change(room.timeline.events, roomId);
    }
    return body;
  },
});

const isEncrypted = (event: Json): boolean => event["type"] === "m.room.encrypted";
const has = (items: readonly TimelineItem[], eventId: string) =>
  items.some((item) => "eventId" in item && item.eventId === eventId);

/** Someone whose client we have in our hands, in a room with Bob. */
async function withMallory(bob: Seat): Promise<{ mallory: RawDevice; roomId: RoomId }> {
  const mallory = await RawDevice.start(sharedHomeserver().baseUrl, await newUser("mallory"));
  const roomId = (await mallory.bare.createRoom({
    preset: "private_chat",
    invite: [bob.userId],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  })) as RoomId;
  await bob.join(roomId);
  return { mallory, roomId };
}

const text = (body: string): string => JSON.stringify({ msgtype: "m.text", body });

test("an event under another sender's name is marked; a sender that is none harms nothing", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  await using carol = await Seat.open("carol");
  const roomId = await alice.roomWith(bob, carol);
  await bob.knows(carol);
  await bob.reads(roomId, await alice.send(roomId, "before"));
  const nobodies: unknown[] = ["carol", "@", 7, null, "@carol", `@${"c".repeat(300)}:x`, ["@a:b"], "@x:y\u0000"];
  // The events to come, in order, get these senders.
  const senders: unknown[] = [carol.userId, ...nobodies];
  const senderOf = new Map<unknown, unknown>();
  const spoof = (event: Json): Json => {
    const id = event["event_id"];
    if (isEncrypted(event) && !senderOf.has(id) && senders.length > 0) senderOf.set(id, senders.shift());
    return senderOf.has(id) ? { ...event, sender: senderOf.get(id) } : event;
  };
  await bob.faultOnSync(rewriteTimelines((events) => events.map(spoof)));
  const told = async () =>
    (await bob.engine.until("notifications", {}, () => true)).flatMap((item) =>
      item.kind === "message" ? item.body : [],
    );
  expect(await told()).toEqual(["alice: before"]);
  const spoofed = await alice.send(roomId, "as Carol");
  expect((await bob.reads(roomId, spoofed)).shield).toBe("mismatched-sender");
  // Shown with its mark, where it stands; never under Carol's name where no mark is seen.
  expect(await told()).toEqual(["alice: before"]);
  const [row] = await bob.engine.until("roomList", bob.inAccount, (rows) => rows.length === 1);
  expect(row).toMatchObject({ preview: { text: "before" }, notificationCount: 1 });
  for (const nobody of nobodies) await alice.send(roomId, `as ${JSON.stringify(nobody)}`);
  const last = await alice.send(roomId, "as myself");
  await bob.reads(roomId, last);
  const seen = await bob.engine.timeline(roomId, (items) => has(items, last));
  expect(bodies(seen)).toEqual(["before", "as Carol", "as myself"]);
});

test("an event that is played again, under another id or in another room, is refused; under its own it is the same", async () => {
  await using alice = await Seat.open("alice");
  await using bob = await Seat.open("bob");
  const roomId = await alice.roomWith(bob);
  const otherRoomId = await alice.roomWith(bob);
  const kept: Json[] = [];
  const again = new Map<string, Json[]>();
  await bob.faultOnSync(
    rewriteTimelines((events, at) => {
      kept.push(...events.filter(isEncrypted));
      const added = again.get(at) ?? [];
      again.delete(at);
      return [...added, ...events];
    }),
  );
  await bob.reads(roomId, await alice.send(roomId, "pay him 100"));
  const [original] = kept;
  const copy = (event_id: string): Json => ({ ...original, event_id });
  again.set(roomId, [original as Json, copy("$again-in-a-later-response")]);
  again.set(otherRoomId, [copy("$again-in-another-room")]);
  await bob.reads(roomId, await alice.send(roomId, "and no more"));
  await bob.reads(otherRoomId, await alice.send(otherRoomId, "here neither"));
  await bob.cannotRead(roomId, "$again-in-a-later-response", "replayed");
  await bob.cannotRead(otherRoomId, "$again-in-another-room");
  const seen = await bob.engine.timeline(roomId, (items) => bodies(items).length === 2);
  expect(bodies(seen)).toEqual(["pay him 100", "and no more"]);

  // Twice in one response: only one of them is it.
  await bob.faultOnSync(
    rewriteTimelines((events) =>
      events.flatMap((event) => (isEncrypted(event) ? [event, { ...event, event_id: "$again-at-once" }] : [event])),
    ),
  );
  await bob.reads(roomId, await alice.send(roomId, "once"));
  await bob.cannotRead(roomId, "$again-at-once", "replayed");

  // Nor after a restart, when only what is on disk remembers.
  await bob.engine.close();
  again.set(roomId, [copy("$again-after-a-restart")]);
  bob.proxy.add({
    path: /\/sync/u,
    response: rewriteTimelines((events, at) => [
      ...events,
      ...(at === roomId && events.some(isEncrypted) ? [copy("$again-after-a-restart")] : []),
    ]),
  });
  await bob.engine.reopen();
  await bob.reads(roomId, await alice.send(roomId, "after a restart"));
  await bob.cannotRead(roomId, "$again-after-a-restart", "replayed");
});

/** Deep, but no more than a server lets through. */
const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);

test("encrypted events that are malformed are shown as such; their neighbours are read, after a restart too", async () => {
  await using bob = await Seat.open("bob");
  const { mallory, roomId } = await withMallory(bob);
  await mallory.shareKey(roomId, [bob.userId]);
  const good = await mallory.encrypted(roomId, "m.room.message", text("template"));
  const wires: unknown[] = [
    {},
    { algorithm: "m.megolm.v1.aes-sha2" },
    { ...good, algorithm: "m.megolm.v9.rot13" },
    { ...good, algorithm: 7 },
    { ...good, algorithm: "m.olm.v1.curve25519-aes-sha2", ciphertext: { key: { type: 0, body: "AwgA" } } },
    { ...good, ciphertext: 7 },
    { ...good, ciphertext: "" },
    { ...good, ciphertext: "not base64 €" },
    { ...good, ciphertext: "A".repeat(60_000) },
    { ...good, ciphertext: { nested: nested(40) } },
    { ...good, session_id: null },
    { ...good, session_id: "x".repeat(50_000) },
    { ...good, session_id: "__proto__" },
    { ...good, sender_key: [], device_id: {} },
    { ...good, device_id: "d".repeat(10_000) },
    JSON.parse('{"__proto__":{"algorithm":"m.megolm.v1.aes-sha2"},"constructor":1,"toString":{}}'),
    { ...good, "m.relates_to": { rel_type: "m.replace", event_id: 7, is_falling_back: nested(30) } },
  ];
  const sent: string[] = [];
  for (const wire of wires) sent.push(await mallory.bare.send(roomId, "m.room.encrypted", wire));
  const last = await mallory.sendEncrypted(roomId, "m.room.message", text("still here"));
  expect(await bob.reads(roomId, last)).toMatchObject({ body: "still here" });
  await bob.engine.close();
  await bob.engine.reopen();
  const after = await mallory.sendEncrypted(roomId, "m.room.message", text("and now"));
  await bob.reads(roomId, after);
  // The last of them says that it replaces another event, and so has no place of its own.
  const shown = sent.slice(0, -1);
  const seen = await bob.engine.timeline(roomId, (items) => shown.every((eventId) => has(items, eventId)));
  expect(bodies(seen).filter((body) => body !== "template")).toEqual(["still here", "and now"]);
  expect(Object.prototype).not.toHaveProperty("algorithm");
});

test("payloads that decrypt well and are nonsense are no messages, no state, and no way around encryption", async () => {
  await using bob = await Seat.open("bob");
  const { mallory, roomId } = await withMallory(bob);
  await mallory.shareKey(roomId, [bob.userId]);
  const payloads: [type: string, content: string][] = [
    ["m.room.message", "{}"],
    ["m.room.message", '{"msgtype":7,"body":[]}'],
    ["m.room.message", '{"msgtype":"m.text","body":{"a":1}}'],
    ["m.room.message", '{"__proto__":{"isOwn":true},"constructor":{},"msgtype":"m.text"}'],
    ["m.room.message", JSON.stringify({ msgtype: "m.file", body: "x", file: nested(50), url: 7 })],
    ["m.room.message", '{"msgtype":"m.key.verification.request","to":7,"from_device":{},"methods":"all"}'],
    ["m.room.encrypted", JSON.stringify({ algorithm: "m.megolm.v1.aes-sha2", ciphertext: "again" })],
    ["m.room.member", '{"membership":"ban"}'],
    ["m.room.encryption", '{"algorithm":"none"}'],
    ["m.room.power_levels", '{"users":{}}'],
    ["m.room.redaction", '{"redacts":"$everything"}'],
    ["m.reaction", '{"m.new_content":{}}'],
    ["m.call.invite", '{"call_id":{},"offer":7,"version":"__proto__"}'],
    ["m.secret.send", '{"secret":"x","request_id":"y"}'],
    ["", "{}"],
    ["__proto__", "{}"],
    ["t".repeat(300), "{}"],
    ["m.room.message", text("ü".repeat(15_000))],
  ];
  for (const [type, content] of payloads) await mallory.sendEncrypted(roomId, type, content);
  const last = await mallory.sendEncrypted(roomId, "m.room.message", text("still here"));
  expect(await bob.reads(roomId, last)).toMatchObject({ body: "still here" });
  const [room] = await bob.engine.until("room", bob.engine.inRoom(roomId), (rooms) => rooms.length === 1);
  expect(room).toMatchObject({ membership: "join", isEncrypted: true });
  await bob.send(roomId, "and so am I");
  expect((await bob.saidOnServer(roomId)).map(({ type }) => type)).toEqual(["m.room.encrypted"]);
});

test("to-device messages of every kind, in the clear and malformed, are set aside; the next good one works", async () => {
  await using bob = await Seat.open("bob");
  const { mallory, roomId } = await withMallory(bob);
  const deviceId = await bob.deviceId();
  const types = [
    ...["m.room.encrypted", "m.room_key", "m.forwarded_room_key", "m.room_key_request", "m.room_key.withheld"],
    ...["m.secret.request", "m.secret.send", "m.dummy", "m.key.verification.request", "m.key.verification.start"],
    ...["m.key.verification.ready", "m.key.verification.cancel", "m.key.verification.mac", "org.example.unknown"],
    ...["__proto__", "m.room_key_bundle", "io.element.msc4268.room_key_bundle"],
  ];
  const contents: unknown[] = [
    {},
    { algorithm: 7, ciphertext: "x", sender_key: {} },
    { algorithm: "m.olm.v1.curve25519-aes-sha2", sender_key: "x", ciphertext: { [String(bob.userId)]: { type: 9 } } },
    { algorithm: "m.megolm.v1.aes-sha2", room_id: roomId, session_id: "x", session_key: "y", code: 7 },
    { action: "request", body: nested(50), request_id: "r".repeat(10_000), requesting_device_id: [] },
    { transaction_id: "x", from_device: "__proto__", methods: [7, {}], timestamp: "now" },
    JSON.parse('{"__proto__":{"algorithm":"m.megolm.v1.aes-sha2"},"constructor":{"prototype":1}}'),
    { big: "b".repeat(64_000) },
  ];
  for (const type of types) {
    for (const content of contents) await mallory.bare.sendToDevice(type, { [bob.userId]: { [deviceId]: content } });
  }
  await mallory.shareKey(roomId, [bob.userId]);
  const last = await mallory.sendEncrypted(roomId, "m.room.message", text("still here"));
  expect(await bob.reads(roomId, last)).toMatchObject({ body: "still here" });
  expect(Object.prototype).not.toHaveProperty("algorithm");
  await bob.engine.close();
  await bob.engine.reopen();
  await bob.reads(roomId, last);
});

test("secrets, forwarded keys and key requests that nobody asked for: nothing is taken, nothing given", async () => {
  await using bob = await Seat.open("bob");
  const { mallory, roomId } = await withMallory(bob);
  const deviceId = await bob.deviceId();
  const bobsEvent = await bob.send(roomId, "mine");
  const sessionId = await bob.sessionOf(roomId, bobsEvent);
  const before = await bob.encryption((view) => view.state === "ready");
  const request = { action: "request", requesting_device_id: mallory.deviceId, request_id: "1" };
  const from = bob.proxy.requests.length;
  // In the clear, as requests go, of someone who has no business with it.
  await mallory.bare.sendToDevice("m.room_key_request", {
    [bob.userId]: {
      [deviceId]: {
        ...request,
        body: { algorithm: "m.megolm.v1.aes-sha2", room_id: roomId, session_id: sessionId, sender_key: "x" },
      },
    },
  });
  await mallory.bare.sendToDevice("m.secret.request", {
    [bob.userId]: { [deviceId]: { ...request, name: "m.cross_signing.self_signing" } },
  });
  // Over Olm, as they should be, and not asked for.
  await mallory.sendOlm(bob.userId, deviceId, "m.secret.send", { request_id: "1", secret: "c2VjcmV0" });
  await mallory.sendOlm(bob.userId, deviceId, "m.forwarded_room_key", {
    algorithm: "m.megolm.v1.aes-sha2",
    room_id: roomId,
    session_id: "forged",
    session_key: "AQ",
    sender_key: "x",
    sender_claimed_ed25519_key: "y",
    forwarding_curve25519_key_chain: [],
  });
  // Malformed, and well encrypted.
  for (const content of [{}, { room_id: 7 }, { algorithm: "m.megolm.v1.aes-sha2", room_id: roomId, session_key: 7 }]) {
    await mallory.sendOlm(bob.userId, deviceId, "m.room_key", content);
  }
  await mallory.shareKey(roomId, [bob.userId]);
  const last = await mallory.sendEncrypted(roomId, "m.room.message", text("give me"));
  await bob.reads(roomId, last);
  expect(bob.sentTo("m.room.encrypted", from)).toEqual([]);
  const after = await bob.encryption((view) => view.state === "ready");
  expect(after.secrets).toEqual(before.secrets);
});

test("Olm messages that are garbage, or played again, cost no keys: the real ones are read", async () => {
  await using bob = await Seat.open("bob");
  const { mallory, roomId } = await withMallory(bob);
  const deviceId = await bob.deviceId();
  const wire = await mallory.sendOlm(bob.userId, deviceId, "m.dummy", {});
  const ciphertext = wire["ciphertext"] as Record<string, { type: number; body: string }>;
  const [[key, message] = ["", undefined]] = Object.entries(ciphertext);
  if (!message) throw new Error("no ciphertext");
  const broken = (body: string): Json => ({ ...wire, ciphertext: { [key]: { ...message, body } } });
  const variants: Json[] = [
    // Names a real one-time key, and is broken behind it.
    broken(`${message.body.slice(0, -8)}AAAAAAAA`),
    broken(message.body.slice(0, 60)),
    broken(""),
    // And again, as it was.
    wire,
    wire,
  ];
  for (const variant of variants)
    await mallory.bare.sendToDevice("m.room.encrypted", { [bob.userId]: { [deviceId]: variant } });
  await mallory.shareKey(roomId, [bob.userId]);
  const last = await mallory.sendEncrypted(roomId, "m.room.message", text("the real one"));
  expect(await bob.reads(roomId, last)).toMatchObject({ body: "the real one" });

  // A first message that comes broken before it comes whole: its one-time key must still be there.
  const other = await RawDevice.start(sharedHomeserver().baseUrl, await newUser("other"));
  const otherRoom = (await other.bare.createRoom({
    preset: "private_chat",
    invite: [bob.userId],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  })) as RoomId;
  await bob.join(otherRoom);
  await bob.faultOnSync({
    rewrite: (body) => {
      const events = (body as SyncJson).to_device?.events;
      const real = events?.filter((event) => event["type"] === "m.room.encrypted" && event["sender"] === other.userId);
      if (events && real) events.unshift(...real.map(withBrokenEnd));
      return body;
    },
  });
  await other.shareKey(otherRoom, [bob.userId]);
  const first = await other.sendEncrypted(otherRoom, "m.room.message", text("in spite of all"));
  expect(await bob.reads(otherRoom, first)).toMatchObject({ body: "in spite of all" });
});

function withBrokenEnd(event: Json): Json {
  const broken = structuredClone(event) as { content: { ciphertext: Record<string, { body: string }> } };
  for (const message of Object.values(broken.content.ciphertext)) message.body = `${message.body.slice(0, -8)}AAAAAAAA`;
  return broken;
}
