/** That push rules decide as the specification says, rule by rule. Subject: push/evaluator.ts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPowerLevels } from "../../../main/engine/matrix/content.ts";
import type { RoomEvent } from "../../../main/engine/matrix/events.ts";
import type { EventId, RoomId, UserId } from "../../../main/engine/matrix/ids.ts";
import { isObject } from "../../../main/engine/matrix/json.ts";
import type { JsonObject, JsonValue } from "../../../main/engine/matrix/json.ts";
import { defaultPushRules, evaluatePush, parsePushRules, splitPath } from "../../../main/engine/push/evaluator.ts";
import type { PushContext } from "../../../main/engine/push/evaluator.ts";

const me = "@me:example.org" as UserId;
const bob = "@bob:example.org" as UserId;
const roomId = "!room:example.org" as RoomId;

const eventOf = (content: JsonObject, more: Partial<RoomEvent> = {}): RoomEvent => ({
  eventId: "$e" as EventId,
  type: "m.room.message",
  sender: bob,
  originServerTs: 1,
  stateKey: undefined,
  content,
  redacts: undefined,
  unsigned: { ageMs: undefined, transactionId: undefined, prevContent: undefined, isRedacted: false },
  ...more,
});
const text = (body: string, more: JsonObject = {}) => eventOf({ msgtype: "m.text", body, ...more });
const contextOf = (more: Partial<PushContext> = {}): PushContext => ({
  ownUserId: me,
  roomId,
  ownDisplayName: "Mia (work)",
  memberCount: 3,
  powerLevels: readPowerLevels({}),
  ...more,
});

describe("the default rules", () => {
  const decide = (event: RoomEvent, context: Partial<PushContext> = {}) =>
    evaluatePush(defaultPushRules(me), event, contextOf(context));

  test.each<[string, RoomEvent, Partial<PushContext>, string | undefined, boolean, boolean, string | undefined]>([
    ["a message", text("hi"), {}, ".m.rule.message", true, false, undefined],
    ["a message of one person", text("hi"), { memberCount: 2 }, ".m.rule.room_one_to_one", true, false, "default"],
    [
      "an encrypted message",
      eventOf({}, { type: "m.room.encrypted" }),
      {},
      ".m.rule.encrypted",
      true,
      false,
      undefined,
    ],
    [
      "an encrypted message of one person",
      eventOf({}, { type: "m.room.encrypted" }),
      { memberCount: 2 },
      ".m.rule.encrypted_room_one_to_one",
      true,
      false,
      "default",
    ],
    ["a call", eventOf({}, { type: "m.call.invite" }), {}, ".m.rule.call", true, false, "ring"],
    [
      "a notice",
      eventOf({ msgtype: "m.notice", body: "Mia (work)" }),
      {},
      ".m.rule.suppress_notices",
      false,
      false,
      undefined,
    ],
    ["our name", text("oh Mia (work)!"), {}, ".m.rule.contains_display_name", true, true, "default"],
    ["our localpart", text("ask me."), {}, ".m.rule.contains_user_name", true, true, "default"],
    ["part of a word", text("some"), {}, ".m.rule.message", true, false, undefined],
    [
      "our name, where the event names others",
      text("ask me", { "m.mentions": {} }),
      {},
      ".m.rule.message",
      true,
      false,
      undefined,
    ],
    [
      "a mention",
      text("x", { "m.mentions": { user_ids: [bob, me] } }),
      {},
      ".m.rule.is_user_mention",
      true,
      true,
      "default",
    ],
    [
      "odd mentions",
      text("x", { "m.mentions": { user_ids: { 0: me } } }),
      {},
      ".m.rule.message",
      true,
      false,
      undefined,
    ],
    [
      "a mention of all by nobody much",
      text("x", { "m.mentions": { room: true } }),
      {},
      ".m.rule.message",
      true,
      false,
      undefined,
    ],
    [
      "a mention of all by a moderator",
      text("x", { "m.mentions": { room: true } }),
      { powerLevels: readPowerLevels({ users: { [bob]: 50 } }) },
      ".m.rule.is_room_mention",
      true,
      true,
      undefined,
    ],
    [
      "@room by a moderator",
      text("hi @room"),
      { powerLevels: readPowerLevels({ users: { [bob]: 50 } }) },
      ".m.rule.roomnotif",
      true,
      true,
      undefined,
    ],
    [
      'room: "true"',
      text("x", { "m.mentions": { room: "true" } }),
      { powerLevels: readPowerLevels({ users: { [bob]: 50 } }) },
      ".m.rule.message",
      true,
      false,
      undefined,
    ],
    [
      "an edit",
      text("* me", { "m.relates_to": { rel_type: "m.replace", event_id: "$x" }, "m.mentions": {} }),
      {},
      ".m.rule.suppress_edits",
      false,
      false,
      undefined,
    ],
    ["a reaction", eventOf({}, { type: "m.reaction" }), {}, ".m.rule.reaction", false, false, undefined],
    [
      "a tombstone",
      eventOf({}, { type: "m.room.tombstone", stateKey: "" }),
      {},
      ".m.rule.tombstone",
      true,
      true,
      undefined,
    ],
    ["a tombstone that is no state", eventOf({}, { type: "m.room.tombstone" }), {}, undefined, false, false, undefined],
    [
      "a server list",
      eventOf({}, { type: "m.room.server_acl", stateKey: "" }),
      {},
      ".m.rule.room.server_acl",
      false,
      false,
      undefined,
    ],
    [
      "an invite for us",
      eventOf({ membership: "invite" }, { type: "m.room.member", stateKey: me }),
      {},
      ".m.rule.invite_for_me",
      true,
      false,
      "default",
    ],
    [
      "an invite for another",
      eventOf({ membership: "invite" }, { type: "m.room.member", stateKey: "@eve:x" }),
      {},
      ".m.rule.member_event",
      false,
      false,
      undefined,
    ],
    ["something else", eventOf({}, { type: "org.example" }), {}, undefined, false, false, undefined],
  ])("%s", (_name, event, context, ruleId, notify, highlight, sound) => {
    expect(decide(event, context)).toEqual({ notify, highlight, sound, ruleId });
  });

  test("own events and redacted ones are silent", () => {
    expect(decide({ ...text("me"), sender: me }).notify).toBe(false);
    expect(decide({ ...text("me"), unsigned: { ...text("").unsigned, isRedacted: true } }).notify).toBe(false);
  });

  test("without a display name nothing contains it", () => {
    expect(decide(text("hi"), { ownDisplayName: undefined }).ruleId).toBe(".m.rule.message");
    expect(decide(text("hi"), { ownDisplayName: "" }).ruleId).toBe(".m.rule.message");
  });
});

describe("a user's own rules", () => {
  const rule = (ruleId: string, conditions: readonly JsonValue[], actions: readonly JsonValue[] = ["notify"]) => ({
    rule_id: ruleId,
    conditions,
    actions,
    enabled: true,
  });
  const decideBy = (global: JsonObject, event: RoomEvent, context: Partial<PushContext> = {}) =>
    evaluatePush(parsePushRules({ global }), event, contextOf(context)).ruleId;

  test("override, content, room, sender, underride: in this order", () => {
    const all: Record<string, JsonObject[]> = {
      underride: [rule("under", [])],
      sender: [{ rule_id: bob, actions: [] }],
      room: [{ rule_id: roomId, actions: [] }],
      content: [{ rule_id: "cake", pattern: "cake", actions: [] }],
      override: [rule("over", [])],
    };
    for (const [kind, ruleId] of [
      ["override", "over"],
      ["content", "cake"],
      ["room", roomId],
      ["sender", bob],
      ["underride", "under"],
    ] as const) {
      expect(decideBy(all, text("a cake"))).toBe(ruleId);
      all[kind] = [];
    }
    expect(decideBy(all, text("a cake"))).toBeUndefined();
  });

  test("a disabled rule decides nothing, and a muted room is silent", () => {
    expect(decideBy({ override: [{ ...rule("off", []), enabled: false }, rule("on", [])] }, text("x"))).toBe("on");
    const rules = parsePushRules({
      global: { room: [{ rule_id: roomId, actions: ["dont_notify"] }], underride: [rule("all", [])] },
    });
    expect(evaluatePush(rules, text("x"), contextOf())).toEqual({
      notify: false,
      highlight: false,
      sound: undefined,
      ruleId: roomId,
    });
  });

  test("bad rules fall alone", () => {
    const override = [
      null,
      5,
      {},
      rule("a", [{ kind: "of.the.future" }]),
      rule("b", [5]),
      { ...rule("c", []), conditions: "x" },
      { ...rule("d", []), rule_id: 5 },
      { ...rule("e", []), actions: "notify" },
      rule("good", []),
    ];
    expect(decideBy({ override, content: [{ rule_id: "no pattern", actions: [] }], room: "x" }, text("x"))).toBe(
      "good",
    );
    expect(parsePushRules({})).toEqual([]);
    expect(parsePushRules({ global: [] })).toEqual([]);
  });

  test.each<[JsonObject, boolean]>([
    [{ kind: "event_match", key: "room_id", pattern: "!ROOM:*" }, true],
    [{ kind: "event_match", key: "sender", pattern: "*:example.org" }, true],
    [{ kind: "event_match", key: "content.n", pattern: "5" }, false],
    [{ kind: "event_match", key: "content.body", pattern: "lunch" }, true],
    [{ kind: "event_match", key: "content.formatted", pattern: "lunch" }, false],
    [{ kind: "event_match", key: "content.a\\.b.c\\\\d", pattern: "deep" }, true],
    [{ kind: "event_match", key: "content.__proto__", pattern: "*" }, false],
    [{ kind: "event_match", key: "content.toString.name", pattern: "*" }, false],
    [{ kind: "event_match", key: "state_key", pattern: "*" }, false],
    [{ kind: "event_match", key: "content.body" }, false],
    [{ kind: "event_property_is", key: "content.n", value: 5 }, true],
    [{ kind: "event_property_is", key: "content.n", value: "5" }, false],
    [{ kind: "event_property_is", key: "content.nothing", value: null }, true],
    [{ kind: "event_property_is", key: "content.missing", value: null }, false],
    [{ kind: "event_property_is", key: "content.list", value: ["a"] as never }, false],
    [{ kind: "event_property_contains", key: "content.list", value: "a" }, true],
    [{ kind: "event_property_contains", key: "content.list", value: "A" }, false],
    [{ kind: "event_property_contains", key: "content.body", value: "l" }, false],
    [{ kind: "room_member_count", is: "3" }, true],
    [{ kind: "room_member_count", is: "==3" }, true],
    [{ kind: "room_member_count", is: "<3" }, false],
    [{ kind: "room_member_count", is: "<=3" }, true],
    [{ kind: "room_member_count", is: ">2" }, true],
    [{ kind: "room_member_count", is: ">=4" }, false],
    [{ kind: "room_member_count", is: "= 3" }, false],
    [{ kind: "room_member_count", is: 3 }, false],
    [{ kind: "sender_notification_permission", key: "room" }, false],
    [{ kind: "sender_notification_permission" }, false],
  ])("%j is %j", (condition, expected) => {
    const event = text("a lunch", {
      n: 5,
      nothing: null,
      formatted: "a lunch",
      list: ["a", 1],
      "a.b": { "c\\d": "deep" },
    });
    expect(decideBy({ override: [rule("it", [condition])] }, event) === "it").toBe(expected);
  });

  test("actions", () => {
    const actionsOf = (actions: readonly JsonValue[]) => {
      const { notify, highlight, sound } = evaluatePush(
        parsePushRules({ global: { override: [rule("r", [], actions)] } }),
        text("x"),
        contextOf(),
      );
      return { notify, highlight, sound };
    };
    expect(actionsOf([])).toEqual({ notify: false, highlight: false, sound: undefined });
    expect(actionsOf(["coalesce", { set_tweak: "highlight", value: false }])).toEqual({
      notify: true,
      highlight: false,
      sound: undefined,
    });
    expect(
      actionsOf([
        "notify",
        { set_tweak: "highlight" },
        { set_tweak: "sound", value: "bell" },
        { set_tweak: "of.the.future" },
        5,
        null,
      ]),
    ).toEqual({
      notify: true,
      highlight: true,
      sound: "bell",
    });
  });
});

test("paths", () => {
  expect(splitPath("content.m\\.relates_to.rel_type")).toEqual(["content", "m.relates_to", "rel_type"]);
  expect(splitPath("a\\\\.b")).toEqual(["a\\", "b"]);
  expect(splitPath("a\\x")).toEqual(["a\\x"]);
  expect(splitPath("")).toEqual([""]);
  expect(splitPath(".")).toEqual(["", ""]);
});

test("no ruleset and no event makes it throw", () => {
  const any = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
  const condition = fc.record(
    {
      kind: fc.constantFrom(
        "event_match",
        "event_property_is",
        "event_property_contains",
        "contains_display_name",
        "room_member_count",
        "sender_notification_permission",
        "x",
      ),
      key: fc.oneof(any, fc.constantFrom("content.body", "content.__proto__.x", "type", "content.a\\.b")),
      pattern: fc.oneof(any, fc.string()),
      value: any,
      is: fc.oneof(any, fc.constantFrom("2", "<5", ">=")),
    },
    { requiredKeys: [] },
  );
  const rule = fc.record(
    {
      rule_id: fc.oneof(any, fc.string()),
      conditions: fc.oneof(any, fc.array(condition)),
      actions: fc.oneof(any, fc.array(any)),
      pattern: any,
    },
    { requiredKeys: [] },
  );
  const rules = fc.oneof(any, fc.array(fc.oneof(any, rule)));
  const global = fc.record(
    { override: rules, content: rules, room: rules, sender: rules, underride: rules },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(any, global), any, fc.string(), (ruleset, content, name) => {
      evaluatePush(
        parsePushRules({ global: ruleset }),
        eventOf(isObject(content) ? content : { body: content }),
        contextOf({ ownDisplayName: name }),
      );
    }),
    { numRuns: 300 },
  );
});
