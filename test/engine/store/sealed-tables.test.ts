/**
 * What else is sealed at rest: previews, pending events, invites, drafts, settings, tokens. They come back under
 * the profile key; under another, or damaged, nothing is made up, nothing is sent, and nothing is lost.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { CallId, DeviceId, UserId } from "../../../preload/contract/ids.ts";
import { BOB, openBench, OTHER_ROOM, pending, preview, ROOM, room, txnId } from "./fixtures.ts";

const call = {
  roomId: ROOM,
  callId: "call" as CallId,
  direction: "incoming" as const,
  media: "voice" as const,
  peerUserId: BOB,
  state: "ringing" as const,
  ownPartyId: "PARTY",
  inviteEventId: undefined,
  invite: { content: { offer: { sdp: "v=0" } }, originServerTs: 1 },
  startedAtMs: 1,
  connectedAtMs: undefined,
  endedAtMs: undefined,
  endReason: undefined,
};

test("previews: sealed in encrypted rooms only, and readable in both", () => {
  const bench = openBench();
  const store = bench.open();
  store.write((tx) => {
    store.rooms.put(tx, room(ROOM, { isEncrypted: true, preview: preview("secret") }));
    store.rooms.put(tx, room(OTHER_ROOM, { preview: preview("open") }));
  });
  expect(store.rooms.readListed().map((each) => each.preview?.text)).toEqual(["open", "secret"]);
  store.write((tx) => {
    store.rooms.setPreview(tx, ROOM, preview("secret 2"), 5);
    store.rooms.setPreview(tx, OTHER_ROOM, preview("open 2"), 5);
  });
  expect(store.rooms.read(ROOM)).toMatchObject({ preview: preview("secret 2"), activityTs: 5 });
  expect(store.rooms.read(OTHER_ROOM)).toMatchObject({ preview: preview("open 2"), activityTs: 5 });
  bench.close(store);
  expect(bench.row("SELECT preview FROM room WHERE room_id = ?", ROOM)).toEqual({ preview: null });
  expect(bench.row("SELECT preview_sealed FROM room WHERE room_id = ?", OTHER_ROOM)).toEqual({ preview_sealed: null });
});

test("previews: sealed from the moment on at which the room is encrypted, whatever a caller still believes", () => {
  const bench = openBench();
  const store = bench.open();
  store.write((tx) => {
    store.rooms.put(tx, room(ROOM, { preview: preview("open") }));
    store.rooms.put(tx, room(ROOM, { isEncrypted: true, preview: preview("open") }));
  });
  expect(store.rooms.read(ROOM)?.preview).toEqual(preview("open"));
  store.write((tx) => store.rooms.put(tx, room(ROOM, { isEncrypted: false, preview: preview("secret") })));
  expect(store.rooms.read(ROOM)).toMatchObject({ isEncrypted: true, preview: preview("secret") });
  store.write((tx) => store.rooms.setPreview(tx, ROOM, undefined, undefined));
  expect(store.rooms.read(ROOM)?.preview).toBeUndefined();
  store.write((tx) => store.rooms.put(tx, room(ROOM, { isEncrypted: false, preview: preview("secret") })));
  bench.close(store);
  expect(bench.row("SELECT preview FROM room")).toEqual({ preview: null });
});

test("pending events: the encrypted form is kept as it is, until it is to be made anew", () => {
  const bench = openBench();
  const store = bench.open();
  const wire = { type: "m.room.encrypted", content: { ciphertext: "AwgA" } };
  store.write((tx) => {
    store.outbox.add(tx, pending("txn-aaaa"));
    store.outbox.setWire(tx, txnId("txn-aaaa"), wire);
  });
  bench.close(store);
  const reopened = bench.open();
  expect(reopened.outbox.readHead(ROOM)).toMatchObject({ content: { body: "txn-aaaa" }, wire });
  reopened.write((tx) => reopened.outbox.setWire(tx, txnId("txn-aaaa"), undefined));
  expect(reopened.outbox.read(txnId("txn-aaaa"))?.wire).toBeUndefined();
});

test("pending events: those wedged for a reason are found in send order", () => {
  const store = openBench().open();
  store.write((tx) => {
    for (const name of ["txn-bbbb", "txn-aaaa", "txn-cccc", "txn-dddd"]) store.outbox.add(tx, pending(name));
    store.outbox.setWedge(tx, txnId("txn-aaaa"), { code: "identity-changed", message: "look" });
    store.outbox.setWedge(tx, txnId("txn-bbbb"), { code: "encryption-not-ready", message: "wait" });
    store.outbox.setWedge(tx, txnId("txn-cccc"), { code: "forbidden", message: "no" });
  });
  expect(store.outbox.readWedgedBy(["identity-changed", "encryption-not-ready"])).toEqual(["txn-bbbb", "txn-aaaa"]);
  expect(store.outbox.readWedgedBy([])).toEqual([]);
});

test("pending events: what cannot be read is held back with a reason, never sent empty, and holds up nobody", () => {
  const bench = openBench();
  const store = bench.open();
  const wire = { type: "m.room.encrypted", content: { ciphertext: "AwgA" } };
  store.write((tx) => {
    for (const name of ["txn-aaaa", "txn-bbbb", "txn-cccc", "txn-dddd"]) store.outbox.add(tx, pending(name));
    store.outbox.setWire(tx, txnId("txn-cccc"), wire);
  });
  bench.close(store);
  bench.tamper("UPDATE outbox SET content_sealed = x'00' WHERE txn_id IN ('txn-aaaa', 'txn-cccc')");
  bench.tamper(
    "UPDATE outbox SET content_sealed = (SELECT content_sealed FROM outbox WHERE txn_id = 'txn-dddd') WHERE txn_id = 'txn-bbbb'",
  );
  const reopened = bench.open();
  // Two are unreadable; the third is too, but its encrypted form can go.
  expect(reopened.outbox.readHead(ROOM)).toMatchObject({ txnId: "txn-cccc", wire });
  reopened.write((tx) => reopened.outbox.settle(tx, txnId("txn-cccc")));
  expect(reopened.outbox.readHead(ROOM)?.txnId).toBe("txn-dddd");
  expect(reopened.outbox.readRoom(ROOM).map((each) => each.wedge?.code)).toEqual([
    "store-corrupt",
    "store-corrupt",
    undefined,
  ]);
  // Trying once more does not make it readable.
  reopened.write((tx) => {
    reopened.outbox.setWedge(tx, txnId("txn-aaaa"), undefined);
    reopened.outbox.settle(tx, txnId("txn-dddd"));
  });
  expect(reopened.outbox.readHead(ROOM)).toBeUndefined();
});

test("invites: back after a restart, gone with the ringing, and never from another call", () => {
  const bench = openBench();
  const store = bench.open();
  const other = { ...call, callId: "other" as CallId };
  store.write((tx) => {
    store.calls.put(tx, call);
    store.calls.put(tx, other);
  });
  bench.close(store);
  expect(bench.row("SELECT invite FROM call")).toEqual({ invite: null });
  const reopened = bench.open();
  expect(reopened.calls.read(ROOM, call.callId)).toEqual(call);
  reopened.write((tx) => reopened.calls.put(tx, { ...call, state: "connected", invite: undefined }));
  expect(reopened.calls.read(ROOM, call.callId)?.invite).toBeUndefined();
  bench.close(reopened);
  bench.tamper("UPDATE call SET invite_sealed = (SELECT invite_sealed FROM call WHERE call_id = 'other')");
  expect(bench.open().calls.read(ROOM, call.callId)?.invite).toBeUndefined();
});

test("drafts: kept by room, forgotten with the empty text", () => {
  const bench = openBench();
  const store = bench.open();
  store.write((tx) => {
    store.drafts.put(tx, ROOM, "half a thou");
    store.drafts.put(tx, ROOM, "half a thought");
    store.drafts.put(tx, OTHER_ROOM, "another");
    store.drafts.put(tx, OTHER_ROOM, "");
  });
  expect(store.drafts.read(ROOM)).toBe("half a thought");
  expect(store.drafts.read(OTHER_ROOM)).toBe("");
  bench.close(store);
  expect(bench.row("SELECT count(*) AS n FROM draft")).toEqual({ n: 1 });
  bench.tamper("UPDATE draft SET room_id = ?", OTHER_ROOM);
  expect(bench.open().drafts.read(OTHER_ROOM)).toBe("");
});

test("settings: by name, replaced whole, and of no use under another name", () => {
  const bench = openBench();
  const store = bench.open();
  store.write((tx) => {
    store.settings.put(tx, "one", { isOn: false });
    store.settings.put(tx, "one", { isOn: true, list: [1, "2", null] });
  });
  expect(store.settings.read("one")).toEqual({ isOn: true, list: [1, "2", null] });
  expect(store.settings.read("__proto__")).toBeUndefined();
  bench.close(store);
  bench.tamper("UPDATE setting SET name = 'two'");
  expect(bench.open().settings.read("two")).toBeUndefined();
});

test("another key: nothing opens, nothing is made up, and the account is locked, not signed out", () => {
  const bench = openBench();
  const store = bench.open();
  const account = {
    userId: "@alice:example.org" as UserId,
    deviceId: "DEVICE" as DeviceId,
    homeserverUrl: "https://example.org",
  };
  expect(store.account.isLocked()).toBe(false);
  store.write((tx) => {
    store.account.create(tx, account, { accessToken: "token" });
    store.rooms.put(tx, room(ROOM, { isEncrypted: true, preview: preview("secret") }));
    store.outbox.add(tx, pending("txn-aaaa"));
    store.calls.put(tx, call);
    store.drafts.put(tx, ROOM, "draft");
    store.settings.put(tx, "one", { isOn: true });
  });
  expect(store.account.isLocked()).toBe(false);
  bench.close(store);

  const locked = bench.open(randomBytes(32));
  expect(locked.account.isLocked()).toBe(true);
  expect(locked.account.read()?.state).toBe("signed-in");
  expect(locked.rooms.read(ROOM)?.preview).toBeUndefined();
  expect(locked.outbox.readHead(ROOM)).toBeUndefined();
  expect(locked.outbox.readRoom(ROOM)).toHaveLength(1);
  expect(locked.calls.read(ROOM, call.callId)?.invite).toBeUndefined();
  expect(locked.drafts.read(ROOM)).toBe("");
  expect(locked.settings.read("one")).toBeUndefined();
  bench.close(locked);

  const again = bench.open();
  expect(again.account.readTokens()).toEqual({ accessToken: "token" });
  expect(again.outbox.readHead(ROOM)?.content).toEqual({ body: "txn-aaaa" });
  expect(again.rooms.read(ROOM)?.preview).toEqual(preview("secret"));
  again.write((tx) => again.account.saveTokens(tx, undefined));
  expect(again.account.isLocked()).toBe(false);
});
