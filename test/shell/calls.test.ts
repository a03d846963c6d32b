/**
 * The rules of the shell for calls: what it watches, what rings where, power, badge, and the place of the small window.
 */
import { describe, expect, test, vi } from "vitest";
import { badgeCount, trayWords } from "../../main/shell/badge-words.ts";
import { blockerKind, hangUpAll } from "../../main/shell/calls-power.ts";
import { openCallsWatch, type WatchedCall } from "../../main/shell/calls-watch.ts";
import { onlyRings, ringingCalls } from "../../main/shell/incoming-calls.ts";
import { isWayland } from "../../main/shell/wayland.ts";
import { placeCard } from "../../main/shell/window-state.ts";
import type { Badge, CallView } from "../../preload/contract/views.ts";

const watched = (callId: string, more: Partial<CallView> = {}, accountId = "account1account1"): WatchedCall =>
  ({
    accountId,
    call: {
      callId,
      peer: { userId: "@bob:example.org", displayName: "Bob" },
      direction: "incoming",
      media: "voice",
      isEncrypted: true,
      state: "ringing",
      isAudible: true,
      startedAtMs: 1,
      ...more,
    },
  }) as unknown as WatchedCall;

/** An engine that says what the test says. */
function stubEngine() {
  const topics = new Map<string, (items: never[]) => void>();
  let lose = (): void => {};
  return {
    say: (key: string, items: unknown[]) => topics.get(key)?.(items as never[]),
    has: (key: string) => topics.has(key),
    lose: () => lose(),
    engine: {
      watch: (topic: string, args: { accountId?: string }, onItems: (items: never[]) => void) => {
        const key = `${topic} ${args.accountId ?? ""}`.trim();
        topics.set(key, onItems);
        return () => void topics.delete(key);
      },
      onLost: (listener: () => void) => {
        lose = listener;
        return () => {};
      },
    } as unknown as Parameters<typeof openCallsWatch>[0],
  };
}

describe("the calls of all accounts", () => {
  test("come and go with their accounts, and there are none without an engine", () => {
    const stub = stubEngine();
    const watch = openCallsWatch(stub.engine);
    const heard: string[][] = [];
    const stop = watch.onChange((calls) => heard.push(calls.map(({ call }) => call.callId)));
    stub.say("accounts", [{ accountId: "one" }, { accountId: "two" }]);
    stub.say("calls one", [{ callId: "a" }]);
    stub.say("calls two", [{ callId: "b" }]);
    expect(heard.at(-1)).toEqual(["a", "b"]);
    stub.say("accounts", [{ accountId: "two" }]);
    expect(heard.at(-1)).toEqual(["b"]);
    expect(stub.has("calls one")).toBe(false);
    stub.lose();
    expect(heard.at(-1)).toEqual([]);
    stub.say("calls two", [{ callId: "c" }]);
    expect(watch.current()).toHaveLength(1);
    stop();
    stub.lose();
    expect(heard.at(-1)).toEqual(["c"]);
  });
});

describe("what rings in the small window", () => {
  const none = { silenced: new Set<string>(), hidden: new Set<string>() };
  const idsOf = (calls: readonly WatchedCall[], more = none) => ringingCalls(calls, more).map(({ callId }) => callId);

  test("only calls that come in, ring, and may be heard; the oldest first", () => {
    expect(
      idsOf([
        watched("young", { startedAtMs: 9 }),
        watched("old", { startedAtMs: 2 }),
        watched("quiet", { isAudible: false }),
        watched("ours", { direction: "outgoing", state: "inviting" }),
        watched("over", { state: "ended" }),
      ]),
    ).toEqual(["old", "young"]);
  });

  test("during a call it is silent and says what an answer ends; what was hidden stays away", () => {
    const calls = [watched("a"), watched("b", {}, "account2account2"), watched("c", { state: "connected" })];
    expect(ringingCalls(calls, none)[0]).toMatchObject({ isSilenced: true, endsCurrentCall: true });
    expect(idsOf(calls, { ...none, hidden: new Set(["account1account1 b", "account1account1 a"]) })).toEqual(["b"]);
    expect(ringingCalls([watched("a")], { ...none, silenced: new Set(["account1account1 a"]) })[0]).toMatchObject({
      isSilenced: true,
      endsCurrentCall: false,
    });
  });

  test("what is wrong with the caller's device is shown here too", () => {
    expect(ringingCalls([watched("a", { shield: "unknown-device" as never })], none)[0]?.shield).toBe("unknown-device");
    expect(ringingCalls([watched("a")], none)[0]).not.toHaveProperty("shield");
  });

  test("a page may be silenced while it only rings", () => {
    expect(onlyRings([])).toBe(false);
    expect(onlyRings([watched("a")])).toBe(true);
    expect(onlyRings([watched("a"), watched("b", { state: "connecting" })])).toBe(false);
    expect(onlyRings([watched("a", { state: "ended" })])).toBe(false);
  });
});

describe("power", () => {
  test("a picture keeps the screen on, a voice the computer, ringing neither", () => {
    expect(blockerKind([{ state: "ringing", media: "video" }])).toBeUndefined();
    expect(blockerKind([{ state: "inviting", media: "voice" }])).toBe("prevent-app-suspension");
    expect(
      blockerKind([
        { state: "connected", media: "voice" },
        { state: "connected", media: "video" },
      ]),
    ).toBe("prevent-display-sleep");
    expect(blockerKind([{ state: "ended", media: "video" }])).toBeUndefined();
  });

  test("sleep hangs up what runs, within bounds, and survives a failure", async () => {
    const call = vi.fn((_command: string, _args: { callId: string }, _options: { timeoutMs: number }) =>
      Promise.reject(new Error("offline")),
    );
    const error = vi.fn();
    await hangUpAll(
      [watched("rings"), watched("runs", { state: "connected" }), watched("over", { state: "ended" })],
      { call } as never,
      { error },
    );
    expect(call.mock.calls).toEqual([
      ["calls.hangUp", { accountId: "account1account1", callId: "runs" }, { timeoutMs: 2_000 }],
    ]);
    expect(error).toHaveBeenCalledTimes(1);
  });
});

test("missed calls count on the icon and in the tray", () => {
  const badge = (more: Partial<Badge>): Badge => ({
    key: "badge",
    unreadRoomCount: 0,
    notificationCount: 0,
    highlightCount: 0,
    inviteCount: 0,
    missedCallCount: 0,
    ...more,
  });
  expect(badgeCount(undefined)).toBe(0);
  expect(badgeCount(badge({ notificationCount: 3, missedCallCount: 2 }))).toBe(3);
  expect(badgeCount(badge({ notificationCount: 0, missedCallCount: 2 }))).toBe(2);
  expect(trayWords(undefined)).toEqual({ hasNews: false, toolTip: "Lattice" });
  expect(trayWords(badge({ missedCallCount: 1 }))).toEqual({ hasNews: true, toolTip: "Lattice: 1 missed call" });
  expect(trayWords(badge({ unreadRoomCount: 1, missedCallCount: 2 })).toolTip).toBe(
    "Lattice: 1 unread room, 2 missed calls",
  );
});

describe("the place of the small window", () => {
  const first = { x: 0, y: 30, width: 1_000, height: 700 };
  const second = { x: 1_000, y: -200, width: 800, height: 600 };
  const size = { width: 352, height: 170 };

  test("at first the top right of the display in use", () => {
    expect(placeCard(undefined, size, [first, second])).toEqual({ x: 632, y: 46, ...size });
    expect(placeCard(undefined, size, [second, first])).toEqual({ x: 1_432, y: -184, ...size });
  });

  test("then where it was put, on whichever display; a display that is gone gives it back", () => {
    expect(placeCard({ x: 1_300, y: 0 }, size, [first, second])).toEqual({ x: 1_300, y: 0, ...size });
    expect(placeCard({ x: 1_300, y: 0 }, size, [first])).toEqual({ x: 632, y: 46, ...size });
    expect(placeCard({ x: 900, y: 680 }, size, [first])).toMatchObject({ x: 632, y: 46 });
    expect(placeCard({ x: 700, y: 600 }, size, [first])).toMatchObject({ x: 648, y: 560 });
    expect(placeCard({ x: Number.NaN, y: 1e12 }, size, [first])).toMatchObject({ x: 632, y: 46 });
  });

  test("never larger than the display", () => {
    expect(placeCard(undefined, { width: 352, height: 5_000 }, [first])).toMatchObject({ y: 30, height: 700 });
  });
});

test("Wayland is known by the session unless the command line says otherwise", () => {
  expect(isWayland("linux", { XDG_SESSION_TYPE: "wayland" }, "")).toBe(true);
  expect(isWayland("linux", { WAYLAND_DISPLAY: "wayland-0" }, "")).toBe(true);
  expect(isWayland("linux", { XDG_SESSION_TYPE: "wayland" }, "x11")).toBe(false);
  expect(isWayland("linux", { XDG_SESSION_TYPE: "x11" }, "wayland")).toBe(true);
  expect(isWayland("linux", { XDG_SESSION_TYPE: "x11" }, "")).toBe(false);
  expect(isWayland("darwin", { WAYLAND_DISPLAY: "x" }, "wayland")).toBe(false);
});
