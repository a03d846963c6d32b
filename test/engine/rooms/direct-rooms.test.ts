/** What is added to m.direct, and what of it stays as other clients left it. */
import { expect, test } from "vitest";
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { withRooms } from "../../../main/engine/rooms/direct-rooms.ts";

const ROOM = "!new:example.org" as RoomId;
const BOB = "@bob:example.org" as UserId;

test("a room is added after those that are there, and nothing else changes", () => {
  const content = { [BOB]: ["!old:example.org", 7], "dave@example.org": ["!mail:example.org"], note: { deep: [null] } };
  const before = structuredClone(content);
  expect(withRooms(content, [[ROOM, BOB]])).toEqual({ ...before, [BOB]: ["!old:example.org", 7, ROOM] });
  expect(content).toEqual(before);
});

test("what is no list of rooms gives way, and a name that every object has is one like any other", () => {
  expect(withRooms({ [BOB]: "nonsense" }, [[ROOM, BOB]])).toEqual({ [BOB]: [ROOM] });
  const hostile = JSON.parse('{"__proto__":["!p:example.org"],"constructor":["!c:example.org"]}') as Record<
    string,
    never
  >;
  const next = withRooms(hostile, [[ROOM, BOB]]);
  expect(Object.keys(next).toSorted()).toEqual([BOB, "__proto__", "constructor"].toSorted());
  expect(Object.getPrototypeOf(next)).toBe(Object.prototype);
});
