/** That a sync response is read whole, whatever single parts of it are. Subject: matrix/sync-body.ts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "../../../main/engine/base/errors.ts";
import { parseSyncBody } from "../../../main/engine/matrix/sync-body.ts";

const message = (id: string, body = "hi") => ({
  event_id: id,
  type: "m.room.message",
  sender: "@bob:example.org",
  origin_server_ts: 5,
  content: { msgtype: "m.text", body },
});
const member = (userId: string) => ({
  ...message(`$m-${userId}`),
  type: "m.room.member",
  state_key: userId,
  content: { membership: "join" },
});

test("a joined room, with all its parts", () => {
  const body = parseSyncBody({
    next_batch: "s1",
    account_data: { events: [{ type: "m.direct", content: { "@bob:example.org": ["!r:x"] } }] },
    to_device: { events: [{ type: "m.dummy" }, 5] },
    device_lists: { changed: ["@bob:example.org", "bob"], left: ["@eve:example.org"] },
    device_one_time_keys_count: { signed_curve25519: 50, bad: "x", less: -3 },
    device_unused_fallback_key_types: ["signed_curve25519", 1],
    rooms: {
      join: {
        "!r:x": {
          state: { events: [member("@bob:example.org"), { broken: true }] },
          timeline: { events: [message("$1"), "nonsense", message("$2")], limited: true, prev_batch: "p" },
          ephemeral: {
            events: [
              { type: "m.typing", content: { user_ids: ["@bob:example.org", 5] } },
              {
                type: "m.receipt",
                content: {
                  $1: { "m.read": { "@bob:example.org": { ts: 9, thread_id: "main" }, "@eve:example.org": 5 } },
                },
              },
            ],
          },
          account_data: { events: [{ type: "m.tag", content: { tags: {} } }, { type: "m.tag" }] },
          summary: { "m.heroes": ["@bob:example.org"], "m.joined_member_count": 2, "m.invited_member_count": -4 },
          unread_notifications: { notification_count: 3 },
        },
      },
    },
  });
  expect(body).toMatchObject({
    nextBatch: "s1",
    accountData: [{ type: "m.direct" }],
    toDevice: [{ type: "m.dummy" }],
    deviceListsChanged: ["@bob:example.org"],
    deviceListsLeft: ["@eve:example.org"],
    unusedFallbackKeyTypes: ["signed_curve25519"],
  });
  expect({ ...body.oneTimeKeyCounts }).toEqual({ signed_curve25519: 50, less: 0 });
  const [room] = body.joined;
  expect(room).toMatchObject({
    roomId: "!r:x",
    typing: ["@bob:example.org"],
    receipts: [{ eventId: "$1", userId: "@bob:example.org", type: "m.read", ts: 9, threadId: "main" }],
    accountData: [{ type: "m.tag" }],
    summary: { heroes: ["@bob:example.org"], joinedCount: 2, invitedCount: 0 },
    unread: { notificationCount: 3, highlightCount: 0 },
    setAside: [{ reason: "event_id is missing or malformed" }],
    timeline: { isLimited: true, prevBatch: "p" },
  });
  expect(room?.state).toHaveLength(1);
  expect(room?.timeline.entries.map((entry) => entry.ok)).toEqual([true, false, true]);
});

test("what the response does not mention is undefined, not empty", () => {
  const [room] = parseSyncBody({ next_batch: "s", rooms: { join: { "!r:x": {} } } }).joined;
  expect(room).toMatchObject({
    typing: undefined,
    unread: undefined,
    summary: { heroes: undefined, joinedCount: undefined },
  });
  expect(room?.timeline).toEqual({ entries: [], isLimited: false, prevBatch: undefined });
});

test("invites, knocks and left rooms", () => {
  const stripped = {
    type: "m.room.member",
    sender: "@bob:example.org",
    state_key: "@me:x",
    content: { membership: "invite" },
  };
  const body = parseSyncBody({
    next_batch: "s",
    rooms: {
      invite: { "!i:x": { invite_state: { events: [stripped, { type: "m.room.name" }] } } },
      knock: { "!k:x": { knock_state: { events: [stripped] } } },
      leave: { "!l:x": { timeline: { events: [message("$9")] } } },
    },
  });
  expect(body.invited).toEqual([
    {
      roomId: "!i:x",
      state: [
        { type: "m.room.member", sender: "@bob:example.org", stateKey: "@me:x", content: { membership: "invite" } },
      ],
    },
  ]);
  expect(body.knocked).toHaveLength(1);
  expect(body.left[0]?.timeline.entries).toHaveLength(1);
});

test("a room in several lists counts once", () => {
  const body = parseSyncBody({
    next_batch: "s",
    rooms: { join: { "!r:x": {} }, leave: { "!r:x": {} }, invite: { "!r:x": {} } },
  });
  expect([body.joined.length, body.left.length, body.invited.length]).toEqual([1, 0, 0]);
});

test.each([null, [], "x", {}, { next_batch: "" }, { next_batch: 5 }, { next_batch: "x".repeat(2 ** 20) }])(
  "no answer at all: %.40j",
  (raw) => {
    expect(() => parseSyncBody(raw)).toThrow(EngineError);
  },
);

test("100,000 typing users and receipts do not overflow anything", () => {
  const users = Array.from({ length: 100_000 }, (_, index) => `@u${index}:x`);
  const readers = Object.fromEntries(users.map((user) => [user, { ts: 1 }]));
  const [room] = parseSyncBody({
    next_batch: "s",
    rooms: {
      join: {
        "!r:x": {
          ephemeral: {
            events: [
              { type: "m.typing", content: { user_ids: users } },
              { type: "m.receipt", content: { $e: { "m.read": readers } } },
            ],
          },
        },
      },
    },
  }).joined;
  expect(room?.typing).toHaveLength(1_000);
  expect(room?.receipts).toHaveLength(100_000);
});

test("hostile keys everywhere leave the prototype alone", () => {
  const before = Object.getOwnPropertyNames(Object.prototype).toSorted();
  for (const key of ["__proto__", "constructor", "prototype", "hasOwnProperty", "toString"]) {
    const name = JSON.stringify(key);
    const raw: unknown = JSON.parse(`{"next_batch":"s",${name}:{"x":1},"device_one_time_keys_count":{${name}:4},
      "account_data":{"events":[{"type":${name},"content":{${name}:{"polluted":1}}}]},
      "rooms":{"join":{${name}:{"timeline":{}},"!r:x":{"summary":{${name}:1},"account_data":{"events":[{"type":"m.tag","content":{"tags":{${name}:{}}}}]},
        "ephemeral":{"events":[{"type":"m.receipt","content":{${name}:{${name}:{${name}:{"ts":1}}},"$e":{${name}:{"@a:b":{"ts":1}}}}}]}}}}}`);
    const body = parseSyncBody(raw);
    expect(body.joined).toHaveLength(1);
    expect(body.oneTimeKeyCounts[key]).toBe(4);
    expect(body.joined[0]?.receipts).toMatchObject([{ type: key }]);
  }
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(before);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("no JSON makes it throw anything but EngineError", () => {
  const any = fc.jsonValue({ maxDepth: 4 });
  const events = fc.record({ events: fc.oneof(any, fc.array(any)) });
  const room = fc.record(
    {
      state: events,
      timeline: fc.oneof(any, events),
      ephemeral: events,
      account_data: events,
      summary: any,
      unread_notifications: any,
      invite_state: events,
    },
    { requiredKeys: [] },
  );
  const rooms = fc.dictionary(fc.constantFrom("!a:x", "!b", "__proto__", "", "@u:x"), fc.oneof(any, room));
  const body = fc.record(
    {
      next_batch: fc.oneof(any, fc.constant("s")),
      rooms: fc.oneof(any, fc.record({ join: rooms, invite: rooms, leave: rooms, knock: rooms })),
      account_data: fc.oneof(any, events),
      to_device: fc.oneof(any, events),
      device_lists: any,
      device_one_time_keys_count: any,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(any, body), (raw) => {
      try {
        parseSyncBody(raw);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
      }
    }),
    { numRuns: 200 },
  );
});
