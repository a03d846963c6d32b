/**
 * The pure parts of the frame: addresses typed at sign-in, the hash, the keyboard map, the banner's cause,
 * times in words, hues. Promise under test: hostile or odd input gives "nothing", never an exception.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { troubleOf } from "../../renderer/app/connection-trouble.ts";
import { callKeyboardMap, keyboardMap, shortcutLabel, shortcutOf } from "../../renderer/app/keyboard.ts";
import { roomIdOfHash } from "../../renderer/app/navigation.ts";
import { noRoomHint } from "../../renderer/app/RoomPane.tsx";
import { readAddress } from "../../renderer/features/sign-in/address.ts";
import {
  daysBetween,
  formatActivity,
  formatDay,
  formatDuration,
  formatFull,
  formatTime,
} from "../../renderer/text/format.ts";
import { hueOf } from "../../renderer/ui/hue.ts";

describe("address", () => {
  test.each([
    ["@alice:example.org", { kind: "user", user: "@alice:example.org", server: "example.org" }],
    [" @alice:localhost:8008 ", { kind: "user", user: "@alice:localhost:8008", server: "localhost:8008" }],
    ["@alice:127.0.0.1:8008", { kind: "user", user: "@alice:127.0.0.1:8008", server: "127.0.0.1:8008" }],
    ["example.org", { kind: "server", server: "example.org" }],
    ["http://localhost:8008", { kind: "server", server: "localhost:8008" }],
    ["https://[::1]:8448", { kind: "server", server: "[::1]:8448" }],
    ["@alice", { kind: "incomplete" }],
    ["@alice:", { kind: "incomplete" }],
    ["@alice:exa mple.org", { kind: "incomplete" }],
    ["example", { kind: "incomplete" }],
    ["https://", { kind: "incomplete" }],
    ["", { kind: "incomplete" }],
  ])("%j", (text, expected) => {
    expect(readAddress(text)).toEqual(expected);
  });
  test("any text", () => {
    fc.assert(fc.property(fc.string(), (text) => ["incomplete", "user", "server"].includes(readAddress(text).kind)));
  });
});

describe("hash", () => {
  test("a room survives the way through the hash, anything else is no room", () => {
    expect(roomIdOfHash(`#/room/${encodeURIComponent("!a/b%c:x.y")}`)).toBe("!a/b%c:x.y");
    for (const hash of ["", "#/", "#/room/", "#/room/%", "#/room/bob", "#/gallery"])
      expect(roomIdOfHash(hash)).toBeUndefined();
  });
});

describe("keyboard", () => {
  const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>> = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    altKey: false,
    ...held,
  });
  test("Mod is Control, and Command on a Mac", () => {
    expect(shortcutOf(press("k", { ctrlKey: true }), false)).toBe("search");
    expect(shortcutOf(press("k", { metaKey: true }), true)).toBe("search");
    expect(shortcutOf(press("k", { metaKey: true }), false)).toBeUndefined();
    expect(shortcutOf(press("k"), false)).toBeUndefined();
    expect(shortcutOf(press("N", { ctrlKey: true, shiftKey: true }), false)).toBe("newRoom");
    expect(shortcutLabel("search", false)).toBe("Ctrl K");
    expect(shortcutLabel("search", true)).toBe("⌘K");
    expect(shortcutLabel("microphone", false)).toBe("Ctrl D");
    expect(shortcutLabel("camera", true)).toBe("⌘E");
  });
  test("no two actions share a binding", () => {
    const bindings = [...keyboardMap, ...callKeyboardMap].map((binding) =>
      JSON.stringify({ ...binding, id: undefined }),
    );
    expect(new Set(bindings).size).toBe(bindings.length);
  });
});

describe("no room is open", () => {
  test.each([
    ["unknown", { status: "loading" }, true],
    ["unknown", { status: "ready", items: [] }, false],
    ["make-one", { status: "ready", items: [] }, true],
    ["choose", { status: "ready", items: ["a room"] }, false],
    ["choose", { status: "lost" }, true],
  ] as const)("%s: %j, synced: %s", (hint, list, hasSynced) => {
    expect(noRoomHint(list, hasSynced)).toBe(hint);
  });
});

describe("banner", () => {
  const waiting = { key: "sync", state: "waiting", hasSynced: true, retryAtMs: 5 } as const;
  const connected = { state: "connected", engineId: "e" } as const;
  test("the nearest cause wins", () => {
    expect(troubleOf({ state: "failed", message: "x" }, "signed-out", waiting, false, "")).toEqual({
      kind: "engine-failed",
      message: "x",
    });
    expect(troubleOf({ state: "restarting" }, "signed-in", waiting, true, "")?.kind).toBe("engine-restarting");
    expect(troubleOf(connected, "soft-logged-out", waiting, true, "")?.kind).toBe("sign-in-again");
    expect(troubleOf(connected, "signed-in", waiting, false, "")?.kind).toBe("offline");
    expect(troubleOf(connected, "signed-in", waiting, true, "")).toEqual({
      kind: "waiting",
      isBusy: false,
      retryAtMs: 5,
    });
    expect(troubleOf(connected, "signed-in", { ...waiting, state: "live" }, true, "")).toBeUndefined();
  });
});

describe("times", () => {
  test("nothing that cannot be a date throws", () => {
    for (const ms of [Number.NaN, Infinity, -Infinity, 2 ** 63, -(2 ** 63)]) {
      for (const format of [formatTime, formatFull, formatDay, formatActivity]) expect(format(ms)).toBe("");
    }
  });
  test("days count by the calendar", () => {
    const noon = new Date(2026, 10, 22, 12).getTime();
    const lateBefore = new Date(2026, 10, 21, 23, 59).getTime();
    expect(daysBetween(lateBefore, noon)).toBe(1);
    expect(formatDay(noon, noon)).toBe("Today");
    expect(formatDay(lateBefore, noon)).toBe("Yesterday");
  });
  test("durations", () => {
    expect([0, 7_000, 760_000, 3_723_000, Number.NaN, -5].map(formatDuration)).toEqual([
      "0:00",
      "0:07",
      "12:40",
      "1:02:03",
      "0:00",
      "0:00",
    ]);
  });
});

test("hues are stable and all used", () => {
  const hues = Array.from({ length: 200 }, (_, index) => hueOf(`@user${index}:example.org`));
  expect(new Set(hues).size).toBe(8);
  expect(hueOf("@bob:example.org")).toBe(hueOf("@bob:example.org"));
});
