/** The call log and the call settings over a real database: what is missed and new, what a call may ask for a path. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { CallId } from "../../../preload/contract/ids.ts";
import { openCallLog } from "../../../main/engine/calls/call-log.ts";
import { openCallSettings } from "../../../main/engine/calls/call-settings.ts";
import { openAccountStore } from "../../../main/engine/store/account-store.ts";
import type { CallRow } from "../../../main/engine/store/tables/call.ts";
import { BOB, FakeClock, ROOM } from "./fixtures.ts";

function openStore(folder = mkdtempSync(join(tmpdir(), "lattice-call-log-"))) {
  const store = openAccountStore(join(folder, "account.db"), new Uint8Array(32));
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}

const call = (callId: string, startedAtMs: number, more: Partial<CallRow> = {}): CallRow => ({
  roomId: ROOM,
  callId: callId as CallId,
  direction: "incoming",
  media: "voice",
  peerUserId: BOB,
  state: "ended",
  ownPartyId: "PARTY",
  inviteEventId: undefined,
  invite: undefined,
  startedAtMs,
  connectedAtMs: undefined,
  endedAtMs: startedAtMs + 1_000,
  endReason: "missed",
  ...more,
});

function openLog(rows: readonly CallRow[]) {
  const store = openStore();
  const clock = new FakeClock();
  let changes = 0;
  const deps = {
    store,
    clock,
    nameOf: () => "Bob's room",
    personOf: () => ({ userId: BOB, displayName: "Bob" }),
    changed: () => void (changes += 1),
  };
  store.write((tx) => {
    for (const row of rows) store.calls.put(tx, row);
  });
  return { log: openCallLog(deps), again: () => openCallLog(deps), changes: () => changes };
}

test("calls that ended are there, the newest first, with what became of them", () => {
  const { log } = openLog([
    call("missed", 1_000),
    call("spoken", 2_000, { endReason: "remote-hangup", connectedAtMs: 5_000, endedAtMs: 65_000 }),
    call("given up", 3_000, { direction: "outgoing", endReason: "user-hangup" }),
    call("elsewhere", 4_000, { endReason: "answered-elsewhere" }),
    call("running", 5_000, { state: "connected", endReason: undefined }),
    call("clock set back", 6_000, { endReason: "user-hangup", connectedAtMs: 9_000, endedAtMs: 7_000 }),
  ]);
  expect(log.read().map(({ callId, outcome, durationMs }) => [callId, outcome, durationMs])).toEqual([
    ["clock set back", "ended", undefined],
    ["elsewhere", "elsewhere", undefined],
    ["given up", "cancelled", undefined],
    ["spoken", "ended", 60_000],
    ["missed", "missed", undefined],
  ]);
});

test("missed calls are new until the log was seen, also after a restart", () => {
  const { log, again, changes } = openLog([
    call("one", 1_000),
    call("two", 2_000),
    call("ours", 3_000, { direction: "outgoing", endReason: "missed" }),
  ]);
  expect(log.countNew()).toBe(2);
  expect(log.read().filter(({ isNew }) => isNew)).toHaveLength(2);
  log.markSeen();
  expect(log.countNew()).toBe(0);
  log.markSeen();
  expect(changes()).toBe(1);
  const afterRestart = again();
  expect(afterRestart.countNew()).toBe(0);
  expect(afterRestart.read().some(({ isNew }) => isNew)).toBe(false);
});

test("settings are kept, one by one, and damaged ones count as never set", () => {
  const store = openStore();
  let changes = 0;
  const open = () => openCallSettings({ store, changed: () => void (changes += 1) });
  expect(open().read()).toEqual({
    key: "callSettings",
    isRelayOnly: false,
    publicStun: "unasked",
    ringsInRooms: false,
  });
  open().set({ isRelayOnly: true });
  open().set({ publicStun: "refused", ringsInRooms: undefined });
  expect(open().read()).toMatchObject({ isRelayOnly: true, publicStun: "refused", ringsInRooms: false });
  expect(changes).toBe(2);
  store.write((tx) => store.settings.put(tx, "calls.settings", { isRelayOnly: "no", publicStun: "allowed" }));
  expect(open().read()).toMatchObject({ isRelayOnly: false, publicStun: "unasked" });
});

test("B60 nobody else's server is asked for our address before the user has agreed, nor where it is of no use", () => {
  const settings = openCallSettings({ store: openStore(), changed: () => undefined });
  const own = { urls: ["turn:turn.test"] };
  expect(settings.iceServersFrom([])).toEqual([]);
  settings.set({ publicStun: "allowed" });
  expect(settings.iceServersFrom([])).toEqual([{ urls: ["stun:turn.matrix.org"] }]);
  expect(settings.iceServersFrom([own])).toEqual([own]);
  settings.set({ isRelayOnly: true });
  expect(settings.iceServersFrom([])).toEqual([]);
});
