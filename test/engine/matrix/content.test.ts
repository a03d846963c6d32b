/** That contents are read as the specification says, with its defaults. Subject: matrix/content.ts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as content from "../../../main/engine/matrix/content.ts";
import type { UserId } from "../../../main/engine/matrix/ids.ts";
import { isObject } from "../../../main/engine/matrix/json.ts";

const alice = "@alice:x" as UserId;
const bob = "@bob:x" as UserId;

describe("m.room.message", () => {
  test("text with mentions", () => {
    expect(
      content.readMessageContent({
        msgtype: "m.text",
        body: "hi",
        format: "org.matrix.custom.html",
        formatted_body: "<b>hi</b>",
        "m.mentions": { user_ids: [bob, 5, bob], room: true },
      }),
    ).toMatchObject({
      msgtype: "m.text",
      body: "hi",
      formattedBody: "<b>hi</b>",
      mentions: { userIds: [bob], room: true },
      replacement: undefined,
    });
  });

  test("no body, no message", () => {
    expect(content.readMessageContent({ msgtype: "m.text" })).toBeUndefined();
    expect(content.readMessageContent({ msgtype: "m.text", body: { a: 1 } })).toBeUndefined();
    expect(content.readMessageContent({ body: "sticker" })?.msgtype).toBe("");
  });

  test.each([
    null,
    "x",
    [],
    { rel_type: "m.replace" },
    { rel_type: "m.replace", event_id: 5 },
    { rel_type: 5, event_id: "$e" },
  ])("odd relation %j is no replacement", (relation) => {
    expect(
      content.readMessageContent({ body: "x", "m.relates_to": relation, "m.new_content": { body: "y" } })?.replacement,
    ).toBeUndefined();
  });

  test("a replacement", () => {
    const edit = {
      body: "* y",
      "m.relates_to": { rel_type: "m.replace", event_id: "$e" },
      "m.new_content": { body: "y" },
    };
    expect(content.readMessageContent(edit)?.replacement).toEqual({ eventId: "$e", newContent: { body: "y" } });
  });

  test("the quotation of an old client goes, what the user quotes stays", () => {
    const reply = (body: string) =>
      content.readMessageContent({ body, "m.relates_to": { "m.in_reply_to": { event_id: "$e" } } })?.body;
    expect(reply("> <@bob:x> first\n> second\n\nanswer\n> kept")).toBe("answer\n> kept");
    expect(reply("> * <@bob:x> waves\n\nanswer")).toBe("answer");
    expect(reply("> a saying\n\nanswer")).toBe("> a saying\n\nanswer");
    expect(reply("> <@bob:x> only this")).toBe("> <@bob:x> only this");
    expect(content.readMessageContent({ body: "> <@bob:x> q\n\nno reply" })?.body).toBe("> <@bob:x> q\n\nno reply");
  });

  test("a crafted media address is none", () => {
    const url = (value: string) => content.readMessageContent({ body: "x", url: value })?.url;
    expect(url("mxc://example.org/abc_-9")).toBe("mxc://example.org/abc_-9");
    for (const bad of [
      "mxc://example.org/../x",
      "mxc://example.org/a/b",
      "https://x/y",
      "mxc://example.org/a?b",
      "mxc:///abc",
    ]) {
      expect(url(bad)).toBeUndefined();
    }
  });
});

describe("m.room.member", () => {
  test("names are cleaned and pictures checked", () => {
    expect(
      content.readMemberContent({
        membership: "join",
        displayname: " Al\u202eice\u200b ",
        avatar_url: "mxc://x/../y",
        is_direct: true,
      }),
    ).toEqual({ membership: "join", displayName: "Alice", avatarMxc: undefined, isDirect: true, reason: undefined });
  });
  test.each([undefined, 5, "", "joined", "__proto__"])("membership %j is none", (membership) => {
    expect(content.readMemberContent(membership === undefined ? {} : { membership })).toBeUndefined();
  });
});

describe("m.room.power_levels", () => {
  const creation = (roomVersion: string, creators: UserId[] = []) => ({
    roomVersion,
    roomType: undefined,
    creators,
    sender: alice,
  });

  test("defaults of an empty event", () => {
    const levels = content.readPowerLevels({}, creation("10"));
    expect(levels).toMatchObject({
      usersDefault: 0,
      eventsDefault: 0,
      stateDefault: 50,
      ban: 50,
      kick: 50,
      redact: 50,
      invite: 0,
      notifyRoom: 50,
    });
    expect(levels.powerLevelOf(alice)).toBe(0);
    expect(levels.levelToSend("m.room.topic", true)).toBe(50);
    expect(levels.levelToSend("m.room.message", false)).toBe(0);
  });

  test("without an event the creator rules", () => {
    const levels = content.readPowerLevels(undefined, creation("10"));
    expect(levels.stateDefault).toBe(0);
    expect(levels.powerLevelOf(alice)).toBe(100);
    expect(levels.powerLevelOf(bob)).toBe(0);
  });

  test("creators of version 12 stand above all", () => {
    const levels = content.readPowerLevels({ users: { [alice]: 1, [bob]: 50 } }, creation("12", [bob]));
    expect(levels.powerLevelOf(alice)).toBe(Infinity);
    expect(levels.powerLevelOf(bob)).toBe(Infinity);
    expect(content.readPowerLevels({ users: { [alice]: 1 } }, creation("11")).powerLevelOf(alice)).toBe(1);
  });

  test("odd levels are clamped or ignored", () => {
    const levels = content.readPowerLevels({
      users_default: "10",
      ban: 2 ** 63,
      kick: -1e300,
      redact: 49.9,
      invite: "many",
      events: { a: null, b: "25", c: true },
      users: { [alice]: "x", [bob]: " 7 " },
      notifications: { room: 20 },
    });
    expect(levels).toMatchObject({
      usersDefault: 10,
      ban: Number.MAX_SAFE_INTEGER,
      kick: Number.MIN_SAFE_INTEGER,
      redact: 49,
      invite: 0,
      notifyRoom: 20,
    });
    expect([...levels.events]).toEqual([["b", 25]]);
    expect([levels.powerLevelOf(alice), levels.powerLevelOf(bob)]).toEqual([10, 7]);
  });

  test("m.room.create names creators by version", () => {
    expect(content.readCreate({})).toEqual({ roomVersion: "1", roomType: undefined, creators: [] });
    expect(content.readCreate({ creator: alice, additional_creators: [bob] }).creators).toEqual([alice]);
    expect(content.readCreate({ room_version: "12", creator: alice, additional_creators: [bob, 5] }).creators).toEqual([
      bob,
    ]);
    expect(content.readCreate({ type: "m.space" }).roomType).toBe("m.space");
  });
});

test("small contents", () => {
  expect(content.readRoomName({ name: " \u202eHall\n " })).toBe("Hall");
  expect(content.readRoomName({ name: "" })).toBeUndefined();
  expect(content.readTopic({ topic: "line\nline" })).toBe("line\nline");
  expect(content.readCanonicalAlias({ alias: "#a:x" })).toBe("#a:x");
  expect(content.readCanonicalAlias({ alias: "a" })).toBeUndefined();
  expect(content.readAvatar({ url: "mxc://x/y" })).toBe("mxc://x/y");
  expect(content.readEncryption({ algorithm: "of.the.future" })).toEqual({ algorithm: "of.the.future" });
  expect(content.readEncryption({})).toBeUndefined();
  expect(content.readJoinRule({ join_rule: "of.the.future" })).toBe("of.the.future");
  expect(content.readFullyRead({ event_id: "$e" })).toBe("$e");
  expect([...content.readTags({ tags: { "m.favourite": { order: 0.5 }, u: {}, bad: 5 } })]).toEqual([
    ["m.favourite", { order: 0.5 }],
    ["u", { order: undefined }],
  ]);
});

test("m.direct", () => {
  const direct = content.readDirect({ [alice]: ["!a:x", "!a:x", 5, "b"], [bob]: "!b:x", nobody: ["!c:x"] });
  expect([...direct]).toEqual([[alice, ["!a:x"]]]);
});

test("no reader throws on any object", () => {
  const readers = [
    content.readMessageContent,
    content.readMemberContent,
    content.readCreate,
    content.readPowerLevels,
    content.readRoomName,
    content.readTopic,
    content.readCanonicalAlias,
    content.readAvatar,
    content.readEncryption,
    content.readJoinRule,
    content.readDirect,
    content.readReceipts,
    content.readTyping,
    content.readTags,
    content.readFullyRead,
  ] as const;
  const keys = [
    "body",
    "m.relates_to",
    "m.mentions",
    "membership",
    "displayname",
    "users",
    "events",
    "notifications",
    "tags",
    "$e",
    alice,
    "user_ids",
    "name",
  ];
  const object = fc.oneof(
    fc.dictionary(fc.constantFrom(...keys, "__proto__"), fc.jsonValue()),
    fc.jsonValue().filter((value) => isObject(value)),
  );
  fc.assert(
    fc.property(object, (value) => {
      if (isObject(value)) for (const read of readers) read(value);
    }),
    { numRuns: 200 },
  );
});
