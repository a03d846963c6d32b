/**
 * Every released schema opens with today's store: nothing is lost, and nothing of it stops the way.
 */
import { createHash } from "node:crypto";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CallId, RoomId } from "../../../preload/contract/ids.ts";
import { eventId, openBench, room, txnId } from "./fixtures.ts";

const LOUNGE = "!lounge:example.org" as RoomId;
const VAULT = "!vault:example.org" as RoomId;

function openVersion1() {
  const bench = openBench(createHash("sha256").update("lattice fixture 1").digest());
  copyFileSync(join(import.meta.dirname, "../../fixtures/databases/version-1.db"), bench.path);
  return bench;
}

test("version 1: the account stays signed in, with its place in the sync", () => {
  const store = openVersion1().open();
  expect(store.account.readTokens()).toEqual({
    accessToken: "access-of-version-1",
    refreshToken: "refresh-of-version-1",
  });
  expect(store.account.read()).toMatchObject({ state: "signed-in", nextBatch: "s1_1", displayName: "Alice" });
});

test("version 1: what was in the clear reads as before", () => {
  const store = openVersion1().open();
  expect(store.events.read(LOUNGE, eventId("event-1"))).toMatchObject({
    content: { msgtype: "m.text", body: "hello lounge" },
    encryption: undefined,
  });
  expect(store.events.read(LOUNGE, eventId("event-2"))?.prevContent).toEqual({ membership: "invite" });
  expect(store.rooms.read(LOUNGE)?.preview).toEqual({
    kind: "text",
    text: "hello lounge",
    isOwn: false,
    senderName: "Bob",
  });
  expect(store.drafts.read(LOUNGE)).toBe("");
});

test("version 1: a pending event keeps its text, and is sent", () => {
  const store = openVersion1().open();
  expect(store.outbox.readHead(LOUNGE)).toMatchObject({
    txnId: "txn-version-1",
    content: { msgtype: "m.text", body: "written with version 1" },
    wire: undefined,
    wedge: undefined,
  });
});

test("version 1: a ringing call is known, without its invite", () => {
  const bench = openVersion1();
  expect(bench.open().calls.read(LOUNGE, "call1" as CallId)).toMatchObject({ state: "ringing", invite: undefined });
  expect(bench.row("SELECT invite FROM call")).toEqual({ invite: null });
});

test("version 1: encrypted events wait for their keys from now on, malformed ones too", () => {
  const store = openVersion1().open();
  const waiting = store.events.readUndecryptable(VAULT);
  expect(waiting.map((event) => event.eventId)).toEqual([eventId("event-3"), eventId("event-1")]);
  expect(waiting[1]).toMatchObject({
    type: "m.room.encrypted",
    content: { ciphertext: "AwgAEg" },
    encryption: {
      wireContent: { ciphertext: "AwgAEg", session_id: "session-1" },
      sessionId: "session-1",
      messageIndex: undefined,
      senderDeviceId: "BOBDEVICE",
      cause: "missing-key",
    },
  });
  expect(waiting[0]?.encryption).toMatchObject({ sessionId: undefined, senderDeviceId: undefined });
  expect(store.events.read(VAULT, eventId("event-2"))).toMatchObject({ isRedacted: true, encryption: undefined });
  // The list knows no preview of kind "encrypted" any more.
  expect(store.rooms.read(VAULT)?.preview?.kind).toBe("undecryptable");
});

test("version 1: a message that can be read at last is known by its place in the session", () => {
  const store = openVersion1().open();
  const waiting = store.events.read(VAULT, eventId("event-1"));
  if (!waiting?.encryption) throw new Error("the event does not wait");
  const encryption = { ...waiting.encryption, messageIndex: 4, cause: undefined };
  store.write((tx) =>
    store.events.setDecrypted(tx, VAULT, { ...waiting, type: "m.room.message", content: { body: "read" }, encryption }),
  );
  expect(store.events.eventIdsAtIndex(VAULT, "session-1", 4)).toEqual([eventId("event-1")]);
  expect(store.events.read(VAULT, eventId("event-1"))?.content).toEqual({ body: "read" });
});

test("version 1: damaged rows do not stop the migration", () => {
  const bench = openVersion1();
  bench.tamper("UPDATE event SET content = '{\"ciph' WHERE room_id = ? AND event_id = '$event-1'", VAULT);
  bench.tamper("UPDATE room SET preview = 'no json' WHERE room_id = ?", VAULT);
  const store = bench.open();
  expect(store.events.read(VAULT, eventId("event-1"))?.type).toBe("");
  expect(store.events.readUndecryptable(VAULT)).toHaveLength(1);
  expect(store.rooms.read(LOUNGE)?.preview?.text).toBe("hello lounge");
});

test("version 1: after the first writes nothing has stayed from before that should be sealed", () => {
  const bench = openVersion1();
  const store = bench.open();
  store.write((tx) => {
    store.outbox.settle(tx, txnId("txn-version-1"));
    store.rooms.put(tx, room(VAULT, { isEncrypted: true, preview: store.rooms.read(VAULT)?.preview }));
  });
  bench.close(store);
  expect(bench.row("SELECT preview FROM room WHERE room_id = ?", VAULT)).toEqual({ preview: null });
  expect(bench.row("SELECT count(*) AS n FROM outbox")).toEqual({ n: 0 });
});
