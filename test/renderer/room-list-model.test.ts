/**
 * What the room list shows for rows, filter, search and folding. Promise under test: each room exactly once,
 * invites always, and a search that finds names without case and accents.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../preload/contract/ids.ts";
import type { RoomRow } from "../../preload/contract/views.ts";
import { listEntries, roomOrder } from "../../renderer/features/room-list/room-list-model.ts";
import type { RoomFilter, RoomListQuestion, SectionId } from "../../renderer/features/room-list/room-list-model.ts";

const row = (id: string, parts: Partial<RoomRow> = {}): RoomRow => ({
  key: `!${id}:x.y` as RoomId,
  roomId: `!${id}:x.y` as RoomId,
  membership: "join",
  name: id,
  isDirect: false,
  notificationCount: 0,
  highlightCount: 0,
  isFavourite: false,
  isLowPriority: false,
  isMuted: false,
  typingNames: [],
  hasRunningCall: false,
  hasDraft: false,
  ...parts,
});
const shown = (question: Partial<RoomListQuestion>) =>
  listEntries({ rows: [], filter: "all", query: "", folded: new Set(), ...question }).map((entry) =>
    entry.kind === "section" ? `# ${entry.section}` : entry.row.name,
  );

const rows = [
  row("invited", { membership: "invite" }),
  row("anna", { isDirect: true, directUserId: "@anna:x.y" as UserId, notificationCount: 1 }),
  row("Café Zentral"),
  row("best", { isFavourite: true }),
  row("old", { isLowPriority: true, isDirect: true }),
];

describe("sections", () => {
  test("invites first, low priority last, each room once", () => {
    expect(shown({ rows })).toEqual([
      "# invites",
      "invited",
      "# favourites",
      "best",
      "# people",
      "anna",
      "# rooms",
      "Café Zentral",
      "# lowPriority",
      "old",
    ]);
  });
  test("a folded section keeps its head", () => {
    expect(shown({ rows, folded: new Set<SectionId>(["rooms", "people"]) })).toEqual([
      "# invites",
      "invited",
      "# favourites",
      "best",
      "# people",
      "# rooms",
      "# lowPriority",
      "old",
    ]);
  });
  test("unread keeps the open room in sight", () => {
    expect(shown({ rows, filter: "unread", openRoomId: rows[3]!.roomId })).toEqual([
      "# invites",
      "invited",
      "# favourites",
      "best",
      "# people",
      "anna",
    ]);
  });
  test("the order for the keyboard is the order of the list", () => {
    expect(roomOrder(rows).map(({ name }) => name)).toEqual(["invited", "best", "anna", "Café Zentral", "old"]);
  });
});

describe("search", () => {
  test("finds without case and accents, words too, and user ids", () => {
    expect(shown({ rows, query: "cafe" })).toEqual(["Café Zentral"]);
    expect(shown({ rows, query: "ZENT" })).toEqual(["Café Zentral"]);
    expect(shown({ rows, query: "@anna" })).toEqual(["anna"]);
    expect(shown({ rows, query: "nothing" })).toEqual([]);
  });
  test("names that start with the query come first", () => {
    const found = shown({ rows: [row("banana"), row("the ana"), row("ana")], query: "ana" });
    expect(found).toEqual(["ana", "the ana", "banana"]);
  });
});

test("whatever the rows, nothing is shown twice and no joined room is lost", () => {
  const anyRow = fc.record({
    id: fc.string(),
    membership: fc.constantFrom("join" as const, "invite" as const),
    isDirect: fc.boolean(),
    isFavourite: fc.boolean(),
    isLowPriority: fc.boolean(),
    notificationCount: fc.nat(3),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(anyRow, { selector: ({ id }) => id }),
      fc.constantFrom<RoomFilter>("all", "unread", "people", "rooms"),
      (made, filter) => {
        const all = made.map(({ id, ...parts }) => row(id, parts));
        const entries = listEntries({ rows: all, filter, query: "", folded: new Set() });
        const keys = entries.map((entry) => entry.key);
        expect(new Set(keys).size).toBe(keys.length);
        const roomCount = entries.filter((entry) => entry.kind === "room").length;
        if (filter === "all") expect(roomCount).toBe(all.length);
        for (const invited of all.filter(({ membership }) => membership === "invite"))
          expect(keys).toContain(invited.key);
      },
    ),
  );
});
