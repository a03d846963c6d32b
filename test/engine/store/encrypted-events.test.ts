/**
 * Encrypted events in the store: decrypted, waiting, healed, redacted; and what is left of them when the file was
 * damaged, tampered with, or is opened with another key.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { AccountStore } from "../../../main/engine/store/account-store.ts";
import type { EventRecord } from "../../../main/engine/store/tables/event.ts";
import {
  BOB,
  decrypted,
  encryption,
  eventId,
  message,
  openBench,
  OTHER_ROOM,
  ROOM,
  undecryptable,
} from "./fixtures.ts";

const put = (store: AccountStore, ...events: EventRecord[]) =>
  store.write((tx) => {
    for (const event of events) store.events.insert(tx, ROOM, event);
  });

test("what is put in comes back whole: clear, decrypted and waiting", () => {
  const bench = openBench();
  const store = bench.open();
  const events = [
    message(1, "in the clear", { prevContent: { body: "before" } }),
    decrypted(2, "secret", { encryption: encryption(2, { shield: "unknown-device" }), prevContent: { body: "then" } }),
    undecryptable(3),
    decrypted(4, "", { encryption: encryption(4, { messageIndex: undefined, senderDeviceId: undefined }) }),
  ];
  put(store, ...events);
  expect(store.events.readNewestShown(ROOM, 10)).toEqual(events);
  bench.close(store);
  expect(bench.open().events.readNewestShown(ROOM, 10)).toEqual(events);
});

test("a redelivery changes nothing, however it is decrypted this time", () => {
  const store = openBench().open();
  put(store, decrypted(1, "first"));
  put(store, undecryptable(1));
  expect(store.events.read(ROOM, eventId("event-1"))).toEqual(decrypted(1, "first"));
});

test("an event that can be read at last keeps its id and place, and becomes what it says", () => {
  const store = openBench().open();
  put(store, message(1, "before"), undecryptable(2), message(3, "behind"));
  const healed = decrypted(2, "at last", {
    relation: "m.thread",
    relatedId: eventId("event-1"),
    push: 2,
    encryption: encryption(2, { shield: "unsigned-device" }),
  });
  store.write((tx) => store.events.setDecrypted(tx, ROOM, healed));
  expect(store.events.readNewestShown(ROOM, 10)).toEqual([message(1, "before"), healed, message(3, "behind")]);
  expect(store.events.readRelated(ROOM, [eventId("event-1")], "m.thread")).toEqual([healed]);
  expect(store.events.countUndecryptable()).toBe(0);
});

test("healing changes neither what came in the clear, nor what was decrypted, nor what was redacted meanwhile", () => {
  const store = openBench().open();
  put(store, message(1, "clear"), decrypted(2, "first"), undecryptable(3));
  store.write((tx) => {
    store.events.redact(tx, ROOM, eventId("event-3"), {});
    for (const position of [1, 2, 3]) store.events.setDecrypted(tx, ROOM, decrypted(position, "other"));
    for (const position of [1, 2, 3]) store.events.setCause(tx, ROOM, eventId(`event-${position}`), "withheld");
  });
  expect(store.events.read(ROOM, eventId("event-1"))).toEqual(message(1, "clear"));
  expect(store.events.read(ROOM, eventId("event-2"))).toEqual(decrypted(2, "first"));
  expect(store.events.read(ROOM, eventId("event-3"))).toMatchObject({
    isRedacted: true,
    content: {},
    encryption: undefined,
  });
});

test("causes and shields move alone", () => {
  const store = openBench().open();
  put(store, decrypted(1, "one"), undecryptable(2), message(3, "clear"));
  store.write((tx) => {
    store.events.setCause(tx, ROOM, eventId("event-2"), "withheld");
    store.events.setShield(tx, ROOM, eventId("event-1"), "verification-violation");
    store.events.setShield(tx, ROOM, eventId("event-3"), "verification-violation");
  });
  expect(store.events.read(ROOM, eventId("event-1"))?.encryption?.shield).toBe("verification-violation");
  expect(store.events.read(ROOM, eventId("event-2"))?.encryption?.cause).toBe("withheld");
  expect(store.events.read(ROOM, eventId("event-3"))).toEqual(message(3, "clear"));
  store.write((tx) => store.events.setShield(tx, ROOM, eventId("event-1"), undefined));
  expect(store.events.read(ROOM, eventId("event-1"))).toEqual(decrypted(1, "one"));
});

test("what waits is found by room and session, the newest first, over all rooms by time", () => {
  const store = openBench().open();
  put(store, undecryptable(1), undecryptable(2, { sessionId: "two" }), decrypted(3, "read"), undecryptable(4));
  store.write((tx) => store.events.insert(tx, OTHER_ROOM, { ...undecryptable(9), originServerTs: 1 }));
  const positions = (events: readonly EventRecord[]) => events.map((event) => event.position);
  expect(positions(store.events.readUndecryptable(ROOM))).toEqual([4, 2, 1]);
  expect(positions(store.events.readUndecryptable(ROOM, { sessionIds: ["session"] }))).toEqual([4, 1]);
  expect(positions(store.events.readUndecryptable(ROOM, { sessionIds: [] }))).toEqual([]);
  expect(store.events.readNewestUndecryptable(3).map(({ roomId, event }) => [roomId, event.position])).toEqual([
    [ROOM, 4],
    [ROOM, 2],
    [ROOM, 1],
  ]);
  expect(store.events.countUndecryptable()).toBe(4);
  expect(store.events.undecryptableRooms().toSorted()).toEqual([OTHER_ROOM, ROOM].toSorted());
});

test("a user's decrypted messages are found over all rooms, the newest first", () => {
  const store = openBench().open();
  const eve = "@eve:example.org" as UserId;
  put(store, decrypted(1, "old"), message(2, "clear"), undecryptable(3), decrypted(4, "hers", { sender: eve }));
  store.write((tx) => store.events.insert(tx, OTHER_ROOM, decrypted(9, "new")));
  expect(store.events.readDecryptedOf(BOB, 10).map(({ roomId, event }) => [roomId, event.content["body"]])).toEqual([
    [OTHER_ROOM, "new"],
    [ROOM, "old"],
  ]);
  expect(store.events.readDecryptedOf(BOB, 1)).toHaveLength(1);
});

test("a message is known by its place in the session, after its redaction too: it cannot be replayed", () => {
  const store = openBench().open();
  put(store, decrypted(1, "once"));
  expect(store.events.eventIdsAtIndex(ROOM, "session", 1)).toEqual([eventId("event-1")]);
  store.write((tx) => store.events.redact(tx, ROOM, eventId("event-1"), {}));
  expect(store.events.eventIdsAtIndex(ROOM, "session", 1)).toEqual([eventId("event-1")]);
  expect(store.events.eventIdsAtIndex(ROOM, "session", 2)).toEqual([]);
  expect(store.events.eventIdsAtIndex(OTHER_ROOM, "session", 1)).toEqual([]);
});

test("what was never decrypted keeps nobody from its place, redacted or not", () => {
  const store = openBench().open();
  put(store, undecryptable(1));
  expect(store.events.eventIdsAtIndex(ROOM, "session", 1)).toEqual([]);
  store.write((tx) => store.events.redact(tx, ROOM, eventId("event-1"), {}));
  expect(store.events.eventIdsAtIndex(ROOM, "session", 1)).toEqual([]);
});

test("nothing of a redacted message stays in its row", () => {
  const bench = openBench();
  const store = bench.open();
  put(store, decrypted(1, "regretted"), undecryptable(2));
  store.write((tx) => {
    store.events.redact(tx, ROOM, eventId("event-1"), {});
    store.events.redact(tx, ROOM, eventId("event-2"), {});
  });
  bench.close(store);
  for (const position of [1, 2]) {
    const row = bench.row("SELECT * FROM event WHERE event_id = ?", eventId(`event-${position}`));
    expect(row).toMatchObject({ content: "{}", sealed: null, encrypted_content: null, decryption: 0, push: 0 });
    expect(row).toMatchObject({ prev_content: null, shield: null, cause: null });
  }
});

const setAside = { type: "", content: { reason: expect.any(String) }, encryption: undefined, relation: undefined };

test("another key: decrypted events are set aside, all others read as ever", () => {
  const bench = openBench();
  const store = bench.open();
  put(store, message(1, "clear"), decrypted(2, "secret"), undecryptable(3));
  bench.close(store);
  const events = bench.open(randomBytes(32)).events.readNewestShown(ROOM, 10);
  expect(events[0]).toEqual(message(1, "clear"));
  expect(events[1]).toMatchObject({ ...setAside, eventId: eventId("event-2"), position: 2, sender: BOB });
  expect(events[2]).toEqual(undecryptable(3));
  expect(JSON.stringify(events)).not.toContain("secret");
  // Reading changes nothing: with the right key all is there again.
  expect(bench.open().events.read(ROOM, eventId("event-2"))).toEqual(decrypted(2, "secret"));
});

test.each([
  [
    "swapped with another row",
    "UPDATE event SET sealed = (SELECT sealed FROM event WHERE event_id = '$event-2') WHERE event_id = '$event-1'",
  ],
  ["given to another event", "UPDATE event SET event_id = '$forged' WHERE event_id = '$event-1'"],
  ["moved to another room", "UPDATE event SET room_id = '!other:example.org' WHERE event_id = '$event-1'"],
  ["truncated", "UPDATE event SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE event_id = '$event-1'"],
  ["cut to its nonce", "UPDATE event SET sealed = substr(sealed, 1, 12) WHERE event_id = '$event-1'"],
  ["empty", "UPDATE event SET sealed = x'' WHERE event_id = '$event-1'"],
  ["of zeros", "UPDATE event SET sealed = zeroblob(200) WHERE event_id = '$event-1'"],
])("a sealed event %s is set aside, and its neighbours are not", (_what, sql) => {
  const bench = openBench();
  const store = bench.open();
  put(store, decrypted(1, "one"), decrypted(2, "two"));
  bench.close(store);
  bench.tamper(sql);
  const reopened = bench.open();
  const rows = [...reopened.events.readNewestShown(ROOM, 10), ...reopened.events.readNewestShown(OTHER_ROOM, 10)];
  expect(rows).toHaveLength(2);
  expect(rows.filter((event) => event.type === "")).toEqual([expect.objectContaining(setAside)]);
  expect(reopened.events.read(ROOM, eventId("event-2"))).toEqual(decrypted(2, "two"));
});

test("damaged ciphertext or clear content is set aside, never thrown", () => {
  const bench = openBench();
  const store = bench.open();
  put(store, message(1, "clear"), undecryptable(2), decrypted(3, "secret"));
  bench.close(store);
  bench.tamper("UPDATE event SET content = '[1' WHERE event_id = '$event-1'");
  bench.tamper("UPDATE event SET encrypted_content = '[]' WHERE event_id = '$event-2'");
  bench.tamper("UPDATE event SET encrypted_content = NULL WHERE event_id = '$event-3'");
  const events = bench.open().events.readNewestShown(ROOM, 10);
  expect(events[0]).toMatchObject(setAside);
  expect(events[1]).toMatchObject(setAside);
  // What it says is sealed and whole; only its ciphertext is lost.
  expect(events[2]).toMatchObject({ content: { body: "secret" }, encryption: { wireContent: {} } });
});
