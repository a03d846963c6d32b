/**
 * How items become rows: groups, day lines, the New line, collapsed state changes, gaps, and that a prepend
 * changes no key of a row that was there. Subject: renderer/features/timeline/group-items.ts.
 */
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { eventIdSchema, userIdSchema } from "../../preload/contract/ids.ts";
import type { Shield, TimelineItem, UndecryptableCause } from "../../preload/contract/views.ts";
import { groupItems } from "../../renderer/features/timeline/group-items.ts";

const person = (name: string) => ({ userId: v.parse(userIdSchema, `@${name}:example.org`), displayName: name });
const eventId = (key: string) => v.parse(eventIdSchema, `$${key}`);
const NOON_MS = new Date(2026, 10, 22, 12, 0).getTime();
const MINUTE_MS = 60_000;

const message = (key: string, sender: string, minute: number, isOwn = false): TimelineItem => ({
  kind: "message",
  key,
  eventId: eventId(key),
  sender: person(sender),
  isOwn,
  originServerTs: NOON_MS + minute * MINUTE_MS,
  msgtype: "text",
  body: key,
  isEdited: false,
  isMention: false,
  readBy: [],
});
const state = (key: string, sender: string, minute: number): TimelineItem => ({
  kind: "state",
  key,
  eventId: eventId(key),
  sender: person(sender),
  isOwn: false,
  originServerTs: NOON_MS + minute * MINUTE_MS,
  change: { change: "avatar" },
});
const shielded = (key: string, minute: number, shield: Shield): TimelineItem =>
  ({ ...message(key, "bob", minute), shield }) as TimelineItem;
const unreadable = (key: string, minute: number, cause?: UndecryptableCause): TimelineItem => ({
  kind: "placeholder",
  key,
  eventId: eventId(key),
  sender: person("bob"),
  originServerTs: NOON_MS + minute * MINUTE_MS,
  reason: "undecryptable",
  ...(cause && { cause }),
});
const encryptionOn = (key: string): TimelineItem =>
  ({ ...state(key, "bob", 0), change: { change: "encryption-on" } }) as TimelineItem;
const gap = (key: string): TimelineItem => ({ kind: "gap", key, isFilling: false });

const sketch = (items: readonly TimelineItem[], mark?: { readUpTo: string; newestKey: string }) =>
  groupItems(items, mark).rows.map((row) => `${row.key}:${row.leadSignature}`);

describe("groups", () => {
  test("one name for lines of one sender within five minutes", () => {
    expect(
      sketch([message("a", "bob", 0), message("b", "bob", 5), message("c", "bob", 11), message("d", "mira", 11)]),
    ).toEqual(["a:day|||name", "b:|||", "c:|||name", "d:|||name"]);
  });

  test("a state change, a gap and a day end a group", () => {
    const items = [
      message("a", "bob", 0),
      state("s", "bob", 0),
      message("b", "bob", 1),
      gap("g"),
      message("c", "bob", 2),
      message("d", "bob", 24 * 60),
    ];
    expect(sketch(items)).toEqual(["a:day|||name", "s:|||", "b:|||name", "c:|gap false ||name", "d:day|||name"]);
  });

  test("a placeholder without a sender starts no group, and times out of order do no harm", () => {
    const unknown: TimelineItem = { kind: "placeholder", key: "p", reason: "malformed" };
    const absurd = { ...message("z", "bob", 0), originServerTs: 1e300 } as TimelineItem;
    expect(sketch([message("a", "bob", 3), message("b", "bob", 0), unknown, absurd])).toEqual([
      "a:day|||name",
      "b:|||",
      "p:|||name",
      "z:|||name",
    ]);
  });
});

describe("what deserves a second look", () => {
  test("a group is of one shield, so that the sign beside its name is true of all its lines", () => {
    expect(
      sketch([
        message("a", "bob", 0),
        shielded("b", 0, "unsigned-device"),
        shielded("c", 1, "unsigned-device"),
        shielded("d", 1, "sent-in-clear"),
        message("e", "bob", 2),
      ]),
    ).toEqual(["a:day|||name", "b:|||name", "c:|||", "d:|||name", "e:|||name"]);
  });

  const firstOfCause = (items: readonly TimelineItem[]) =>
    groupItems(items).rows.map((row) => row.body.kind === "said" && row.body.isFirstOfCause);

  test("what cannot be read is grouped like messages, and one line per cause bears the action", () => {
    const items = [
      message("a", "bob", 0),
      unreadable("b", 0, "missing-key"),
      unreadable("c", 1, "missing-key"),
      unreadable("d", 1, "withheld"),
      unreadable("e", 1),
      unreadable("f", 2),
      unreadable("g", 8),
    ];
    expect(sketch(items)).toEqual(["a:day|||name", "b:|||", "c:|||", "d:|||", "e:|||", "f:|||", "g:|||name"]);
    expect(firstOfCause(items)).toEqual([true, true, false, true, true, false, true]);
  });

  test("one that becomes readable keeps its key and its place in the group, and hands its action on", () => {
    const items = [message("a", "bob", 0), unreadable("b", 0, "missing-key"), unreadable("c", 1, "missing-key")];
    const before = groupItems(items);
    const healed = groupItems([message("a", "bob", 0), message("b", "bob", 0), items[2]!], undefined, before);
    expect(healed.rows.map(({ key, leadSignature }) => [key, leadSignature])).toEqual(
      before.rows.map(({ key, leadSignature }) => [key, leadSignature]),
    );
    const { body } = healed.rows[2]!;
    expect(body.kind === "said" && body.isFirstOfCause).toBe(true);
  });

  test("encryption has a line of its own, also twice, and a group does not go on over it", () => {
    const { rows } = groupItems([
      state("s1", "bob", 0),
      encryptionOn("e1"),
      encryptionOn("e2"),
      state("s2", "bob", 0),
      message("a", "bob", 0),
      encryptionOn("e3"),
      message("b", "bob", 0),
    ]);
    expect(rows.map(({ key, body }) => `${key} ${body.kind}`)).toEqual([
      "s1 state",
      "e1 encryption",
      "e2 encryption",
      "s2 state",
      "a said",
      "e3 encryption",
      "b said",
    ]);
    expect(rows.at(-1)?.leadSignature).toBe("|||name");
  });
});

describe("state changes", () => {
  test("neighbours share a row that bears the last one's key", () => {
    const { rows } = groupItems([state("s1", "bob", 0), state("s2", "mira", 1), message("a", "bob", 2)]);
    expect(rows.map((row) => [row.key, row.body.kind === "state" ? row.body.items.length : 0])).toEqual([
      ["s2", 2],
      ["a", 0],
    ]);
  });

  test("a day line between them keeps them apart", () => {
    expect(sketch([state("s1", "bob", 0), state("s2", "bob", 24 * 60)])).toEqual(["s1:day|||", "s2:day|||"]);
  });
});

describe("the New line", () => {
  const items = [
    message("a", "bob", 0),
    message("own", "me", 1, true),
    message("b", "bob", 2),
    message("late", "bob", 3),
  ];

  test("stands above the first unread message of somebody else", () => {
    expect(sketch(items, { readUpTo: "$a", newestKey: "late" })[2]).toBe("b:||new|name");
  });

  test("is not drawn for what came after the room was opened", () => {
    expect(sketch(items, { readUpTo: "$b", newestKey: "b" }).join()).not.toContain("new");
    expect(sketch(items, { readUpTo: "$gone", newestKey: "late" }).join()).not.toContain("new");
  });
});

describe("the head of the list", () => {
  test("a gap above everything is not a row, a gap below everything is", () => {
    const grouped = groupItems([gap("top"), message("a", "bob", 0), gap("end")]);
    expect(grouped.headGap?.key).toBe("top");
    expect(grouped.rows.map((row) => row.key)).toEqual(["a", "end"]);
  });

  test("a lone gap is a row, and an empty room has none", () => {
    expect(sketch([gap("only")])).toEqual(["only:|||"]);
    expect(groupItems([])).toEqual({ rows: [], hasStart: false });
    expect(groupItems([{ kind: "start", key: "start" }]).hasStart).toBe(true);
  });
});

test("a prepend keeps the keys of all rows, and every row but the first", () => {
  const later = [state("s2", "bob", 10), message("c", "bob", 11), message("d", "bob", 12), message("e", "mira", 13)];
  const before = groupItems(later);
  const after = groupItems([message("a", "bob", 1), state("s1", "bob", 2), ...later], undefined, before);
  expect(after.rows.slice(-4).map((row) => row.key)).toEqual(before.rows.map((row) => row.key));
  expect(after.rows.slice(-3)).toEqual(before.rows.slice(-3));
  for (const offset of [-1, -2, -3]) expect(after.rows.at(offset)).toBe(before.rows.at(offset));
});
