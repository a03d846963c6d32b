/** That rooms are called as the specification says. Subject: rooms/room-name.ts. */
import { expect, test } from "vitest";
import { computeRoomName } from "../../../main/engine/rooms/room-name.ts";
import type { RoomHero, RoomNameInput } from "../../../main/engine/rooms/room-name.ts";

const hero = (
  name: string | undefined,
  membership = "join",
  userId = `@${name?.toLowerCase() ?? "x"}:x`,
): RoomHero => ({
  userId,
  displayName: name,
  membership,
});
const room = (more: Partial<RoomNameInput>) =>
  computeRoomName({
    name: undefined,
    canonicalAlias: undefined,
    heroes: [],
    joinedCount: 1,
    invitedCount: 0,
    ownUserId: "@me:x",
    ...more,
  });

test.each<[string, Partial<RoomNameInput>, string, string]>([
  ["a name goes before all", { name: "Hall", canonicalAlias: "#a:x", heroes: [hero("Bob")] }, "given", "Hall"],
  ["an empty name is none", { name: " \u200b", canonicalAlias: "#a:x" }, "given", "#a:x"],
  ["a name without tricks", { name: "\u202eHall\n2" }, "given", "Hall 2"],
  ["one", { heroes: [hero("Bob")], joinedCount: 2 }, "heroes", "Bob"],
  ["one without a name", { heroes: [hero(undefined)], joinedCount: 2 }, "heroes", "@x:x"],
  [
    "two",
    { heroes: [hero("Bob"), hero("Carol", "invite")], joinedCount: 2, invitedCount: 1 },
    "heroes",
    "Bob and Carol",
  ],
  ["three", { heroes: [hero("Bob"), hero("Carol"), hero("Dave")], joinedCount: 4 }, "heroes", "Bob, Carol and Dave"],
  ["two and more", { heroes: [hero("Bob"), hero("Carol")], joinedCount: 6 }, "heroes", "Bob, Carol and 3 others"],
  ["one and one more", { heroes: [hero("Bob")], joinedCount: 3 }, "heroes", "Bob and 1 other"],
  ["nobody is known", { joinedCount: 5 }, "heroes", "4 people"],
  ["nobody", {}, "empty", "Empty room"],
  [
    "all have gone",
    { heroes: [hero("Bob", "leave"), hero("Carol", "ban")] },
    "empty",
    "Empty room (was Bob and Carol)",
  ],
  [
    "we are no hero of our own",
    { heroes: [hero("Me", "join", "@me:x"), hero("Bob")], joinedCount: 2 },
    "heroes",
    "Bob",
  ],
  ["an invite counts nobody", { heroes: [hero("Bob")], joinedCount: 0 }, "heroes", "Bob"],
  ["those who left make way", { heroes: [hero("Bob", "leave"), hero("Carol")], joinedCount: 2 }, "heroes", "Carol"],
  ["members that were not loaded", { heroes: [hero("Bob", "leave")], joinedCount: 2 }, "heroes", "Bob"],
  [
    "two of a name",
    { heroes: [hero("Bob", "join", "@b1:x"), hero("B\u200bob", "join", "@b2:x")], joinedCount: 3 },
    "heroes",
    "Bob (@b1:x) and Bob (@b2:x)",
  ],
  [
    "someone who poses as another",
    { heroes: [hero("@admin:x", "join", "@eve:x")], joinedCount: 2 },
    "heroes",
    "@admin:x (@eve:x)",
  ],
])("%s", (_name, input, kind, name) => {
  expect(room(input)).toMatchObject({ kind, name });
});

test("at most five are named", () => {
  const heroes = ["A", "B", "C", "D", "E", "F", "G"].map((name) => hero(name));
  expect(room({ heroes, joinedCount: 8 }).name).toBe("A, B, C, D, E and 2 others");
});

test("one other's picture stands for the room", () => {
  expect(room({ heroes: [hero("Bob")], joinedCount: 2 }).avatarUserId).toBe("@bob:x");
  expect(room({ name: "Hall", heroes: [hero("Bob")], joinedCount: 2 }).avatarUserId).toBe("@bob:x");
  expect(room({ heroes: [hero("Bob")], joinedCount: 3 }).avatarUserId).toBeUndefined();
  expect(room({ heroes: [hero("Bob", "leave")] }).avatarUserId).toBe("@bob:x");
  expect(room({}).avatarUserId).toBeUndefined();
});
