/** That one bad event costs only itself: parseRoomEvent over mutations of every field. Subject: matrix/events.ts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRoomEvent, parseStrippedEvent } from "../../../main/engine/matrix/events.ts";

const good = {
  event_id: "$one",
  type: "m.room.message",
  sender: "@alice:example.org",
  origin_server_ts: 1_700_000_000_000,
  content: { msgtype: "m.text", body: "hello" },
};

const parsed = (change: Record<string, unknown>) => {
  const result = parseRoomEvent({ ...good, ...change });
  return result.ok ? result.event : undefined;
};
const reason = (change: Record<string, unknown>) => {
  const result = parseRoomEvent({ ...good, ...change });
  return result.ok ? "fine" : result.setAside.reason;
};
const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
};

test("a good event becomes camel case, with all it says", () => {
  const event = parsed({
    state_key: "",
    unsigned: { age: 12, transaction_id: "t1", prev_content: { name: "old" }, redacted_because: {} },
  });
  expect(event).toEqual({
    eventId: "$one",
    type: "m.room.message",
    sender: "@alice:example.org",
    originServerTs: 1_700_000_000_000,
    stateKey: "",
    content: good.content,
    redacts: undefined,
    unsigned: { ageMs: 12, transactionId: "t1", prevContent: { name: "old" }, isRedacted: true },
  });
});

test.each([
  [{ event_id: undefined }, "event_id"],
  [{ event_id: "one" }, "event_id"],
  [{ event_id: `$${"x".repeat(10_000)}` }, "event_id"],
  [{ event_id: 1 }, "event_id"],
  [{ type: "" }, "type"],
  [{ type: 7 }, "type"],
  [{ type: "t".repeat(256) }, "type"],
  [{ type: "ä".repeat(128) }, "type"],
  [{ sender: undefined }, "sender"],
  [{ sender: "alice" }, "sender"],
  [{ sender: `@${"a".repeat(2 ** 20)}:example.org` }, "sender"],
  [{ sender: "@al\u0000ice:example.org" }, "sender"],
  [{ origin_server_ts: undefined }, "origin_server_ts"],
  [{ origin_server_ts: "1700000000000" }, "origin_server_ts"],
  [{ state_key: 5 }, "state_key"],
  [{ state_key: null }, "state_key"],
  [{ state_key: "k".repeat(256) }, "state_key"],
  [{ content: null }, "content"],
  [{ content: undefined }, "content"],
  [{ content: [] }, "content"],
  [{ content: "x" }, "content"],
  [{ content: nested(101) }, "content"],
  [{ content: nested(10_000) }, "content"],
  [{ content: { body: "x".repeat(65_527) } }, "content"],
])("set aside: %.60j", (change, field) => {
  expect(reason(change)).toContain(field);
});

test.each([
  { type: "t".repeat(255) },
  { type: "of.the.future" },
  { content: {} },
  { content: { body: "x".repeat(65_525) } },
  { content: nested(100) },
  { unsigned: null },
  { unsigned: { age: "x", transaction_id: 5, prev_content: [], redacted_because: "yes" } },
  { redacts: 5 },
  { content: { body: "\ud800 lone, \u0000 and \uffff" } },
])("kept: %.60j", (change) => {
  expect(reason(change)).toBe("fine");
});

test("numbers are clamped", () => {
  expect(parsed({ origin_server_ts: -1 })?.originServerTs).toBe(0);
  expect(parsed({ origin_server_ts: 2 ** 63 })?.originServerTs).toBe(8.64e15);
  expect(parsed({ origin_server_ts: 1.9 })?.originServerTs).toBe(1);
  expect(parsed({ unsigned: { age: -5 } })?.unsigned.ageMs).toBe(0);
  expect(parsed({ unsigned: { age: 1e300 } })?.unsigned.ageMs).toBeLessThan(Number.MAX_SAFE_INTEGER);
  expect(JSON.parse('{"n":1e999}').n).toBe(Infinity);
  expect(parsed({ origin_server_ts: Infinity })?.originServerTs).toBe(8.64e15);
});

test("what a redaction removes is read at both places", () => {
  expect(parsed({ redacts: "$old" })?.redacts).toBe("$old");
  expect(parsed({ content: { redacts: "$v11" } })?.redacts).toBe("$v11");
  expect(parsed({ redacts: "$old", content: { redacts: "$v11" } })?.redacts).toBe("$old");
});

test("what is set aside stays small", () => {
  const result = parseRoomEvent({
    ...good,
    sender: 1,
    event_id: `$${"e".repeat(9_000)}`,
    content: { body: "x".repeat(60_000) },
  });
  expect(result.ok).toBe(false);
  if (result.ok) return;
  expect(result.setAside.eventId).toHaveLength(255);
  expect(result.setAside.raw).toHaveLength(2_000);
});

describe("hostile keys", () => {
  test.each(["__proto__", "constructor", "prototype", "hasOwnProperty", "toString"])("%s is data", (key) => {
    const raw: unknown = JSON.parse(
      `{"event_id":"$one","type":${JSON.stringify(key)},"sender":"@a:b","origin_server_ts":1,"state_key":${JSON.stringify(key)},
        "content":{${JSON.stringify(key)}:{"polluted":true}},"unsigned":{${JSON.stringify(key)}:{"age":1}}}`,
    );
    const result = parseRoomEvent(raw);
    expect(result.ok && result.event.type).toBe(key);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("fields are never read from a prototype", () => {
    const raw: unknown = JSON.parse(`{"__proto__":${JSON.stringify(good)}}`);
    expect(parseRoomEvent(raw).ok).toBe(false);
  });
});

test("no JSON makes the parsers throw", () => {
  const field = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(good)));
  const shaped = fc.record(
    {
      event_id: field,
      type: field,
      sender: field,
      origin_server_ts: fc.oneof(field, fc.double()),
      content: field,
      state_key: field,
      unsigned: fc.oneof(field, fc.record({ age: field, transaction_id: field, prev_content: field })),
      redacts: field,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), shaped), (raw) => {
      parseRoomEvent(raw);
      parseStrippedEvent(raw);
    }),
    { numRuns: 500 },
  );
});
