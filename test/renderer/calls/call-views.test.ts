/**
 * The pure parts under the call surfaces: which call is shown where, which words a state has, what a running call can
 * take, where the own tile rests, how quality is judged, when a restart is due; and the list of calls.
 */
import { expect, test } from "vitest";
import { callEndReasonSchema } from "../../../preload/contract/views.ts";
import { callOutcomeSchema } from "../../../preload/contract/views.ts";
import type { CallLogRow, CallView } from "../../../preload/contract/views.ts";
import { callLogEntries, callWords, outcomeWords } from "../../../renderer/features/call-log/call-log-model.ts";
import { restartDelayMs } from "../../../renderer/features/calls/call-media/restart-plan.ts";
import { problemOf } from "../../../renderer/features/calls/call-media/local-media.ts";
import { judgeQuality, readFigures } from "../../../renderer/features/calls/call-media/stats.ts";
import { withCalls } from "../../../renderer/features/calls/call-holders.ts";
import {
  changeObstacle,
  endWords,
  holdWords,
  isEndNews,
  stateWords,
} from "../../../renderer/features/calls/call-words.ts";
import { cornerAfterKey, nearestCorner } from "../../../renderer/features/calls/corners.ts";
import { sortCalls } from "../../../renderer/features/calls/sort-calls.ts";
import { isDeviceLost } from "../../../renderer/features/calls/use-devices.ts";
import { callLog } from "../../../renderer/text/en/call-log.ts";
import { calls as words } from "../../../renderer/text/en/calls.ts";

const call = (callId: string, patch: Partial<CallView>): CallView =>
  ({
    callId,
    key: callId,
    direction: "incoming",
    state: "ringing",
    isMediaHere: false,
    startedAtMs: 1,
    ...patch,
  }) as CallView;

test("each call is shown in one place, and of those of other windows the one that is talked on", () => {
  const calls = [
    call("rings", {}),
    call("runs-here", { state: "connected", isMediaHere: true }),
    call("waits-elsewhere", { state: "connected", isOnHold: true, startedAtMs: 3 }),
    call("runs-elsewhere", { state: "connected", startedAtMs: 2 }),
    call("was-declined-there", { state: "ended", endReason: "remote-declined", isMediaHere: true }),
    call("was-hung-up-here", { state: "ended", endReason: "user-hangup", isMediaHere: true }),
    call("was-put-away", { state: "ended", endReason: "missed" }),
  ];
  const { running, elsewhere, ringing, ended } = sortCalls(calls, new Set(["was-put-away"]));
  expect(running?.callId).toBe("runs-here");
  expect(elsewhere?.callId).toBe("runs-elsewhere");
  expect(ringing.map(({ callId }) => callId)).toEqual(["rings"]);
  expect(ended.map(({ callId }) => callId)).toEqual(["was-declined-there"]);
});

test("who held a call is known until it has left, and nobody held one that only rang", () => {
  const ringing = call("a", {});
  const first = withCalls(new Map(), [ringing, call("b", { state: "inviting", direction: "outgoing" })]);
  expect([...first]).toEqual([["b", "elsewhere"]]);
  const ended = call("a", { state: "ended" });
  const later = withCalls(first, [call("a", { state: "connecting", isMediaHere: true }), ended]);
  expect([...later]).toEqual([["a", "here"]]);
  expect(withCalls(later, [ended])).toBe(later);
  expect(withCalls(later, []).size).toBe(0);
});

test("of two calls the one that is not held is shown, and the one that was shown where both are held", () => {
  const held = call("held", { state: "connected", isMediaHere: true, isOnHold: true, startedAtMs: 2 });
  const talked = call("talked", { state: "connected", isMediaHere: true, isOnHold: false });
  expect(sortCalls([held, talked], new Set()).running).toBe(talked);
  expect(sortCalls([held, talked], new Set()).waiting).toEqual([held]);
  const both = [held, { ...talked, isOnHold: true }];
  expect(sortCalls(both, new Set(), "talked").running?.callId).toBe("talked");
  expect(sortCalls(both, new Set()).running?.callId).toBe("held");
  // One that just begins is talked on: it is what the user has asked for last.
  const placed = call("placed", { state: "preparing", isMediaHere: true, isOnHold: false, startedAtMs: 3 });
  expect(sortCalls([talked, placed], new Set(), "talked").running?.callId).toBe("talked");
  expect(sortCalls([held, placed], new Set(), "held").running?.callId).toBe("placed");
});

test("a hold has words for who holds", () => {
  expect(holdWords({ isOnHold: false, isHeldByPeer: false })).toBeUndefined();
  expect(holdWords({ isOnHold: true, isHeldByPeer: false })).toBe("calls.heldByYou");
  expect(holdWords({ isOnHold: false, isHeldByPeer: true })).toBe("calls.heldByPeer");
  expect(holdWords({ isOnHold: true, isHeldByPeer: true })).toBe("calls.heldByBoth");
});

test("what the other side cannot take has a reason", () => {
  const old = { state: "connected", canRenegotiate: false, isVideoCall: false } as const;
  expect(changeObstacle("hold", old)).toBe("calls.cannotHold");
  expect(changeObstacle("camera", old)).toBe("calls.cannotAddCamera");
  expect(changeObstacle("share", old)).toBe("calls.cannotShare");
  expect(changeObstacle("camera", { ...old, isVideoCall: true })).toBeUndefined();
  expect(changeObstacle("hold", { ...old, isVideoCall: true })).toBe("calls.cannotHold");
  expect(changeObstacle("hold", { ...old, canRenegotiate: true })).toBeUndefined();
  // Before an answer nobody knows; the camera is ours, and can be turned on.
  expect(changeObstacle("camera", { ...old, state: "inviting" })).toBeUndefined();
  expect(changeObstacle("share", { ...old, state: "inviting" })).toBe("calls.notConnectedYet");
});

test("a chosen device counts as lost only where others of its kind are named", () => {
  const devices = [{ deviceId: "a", label: "A" }];
  expect(isDeviceLost(undefined, devices)).toBe(false);
  expect(isDeviceLost("a", devices)).toBe(false);
  expect(isDeviceLost("b", devices)).toBe(true);
  expect(isDeviceLost("b", [])).toBe(false);
  expect(isDeviceLost("b", undefined)).toBe(false);
});

test("calls are listed by day, missed ones alone, and every end has words", () => {
  const nowMs = Date.parse("2026-11-23T12:00:00");
  const row = (callId: string, hoursAgo: number, more: Partial<CallLogRow> = {}) =>
    ({
      key: callId,
      callId,
      direction: "incoming",
      media: "voice",
      outcome: "ended",
      startedAtMs: nowMs - hoursAgo * 3_600_000,
      ...more,
    }) as CallLogRow;
  const rows = [
    row("a", 1, { outcome: "missed" }),
    row("b", 2),
    row("c", 20, { direction: "outgoing", outcome: "missed" }),
    row("d", 21, { outcome: "missed", media: "video" }),
  ];
  const shown = (filter: "all" | "missed") =>
    callLogEntries(rows, filter, nowMs).map((entry) => (entry.kind === "day" ? entry.label : entry.call.callId));
  expect(shown("all")).toEqual(["Today", "a", "b", "Yesterday", "c", "d"]);
  expect(shown("missed")).toEqual(["Today", "a", "Yesterday", "d"]);
  expect(rows.map((each) => [callWords(each), outcomeWords(each)])).toEqual([
    ["callLog.missedVoice", undefined],
    ["callLog.incomingVoice", undefined],
    ["callLog.outgoingVoice", "callLog.unanswered"],
    ["callLog.missedVideo", undefined],
  ]);
  for (const outcome of callOutcomeSchema.options) {
    const key = outcomeWords(row("x", 0, { outcome, direction: "outgoing" }));
    if (key !== undefined) expect(callLog[key.slice("callLog.".length) as keyof typeof callLog]).toBeTruthy();
  }
});

test("every end has words, and only what the user did himself is no news", () => {
  for (const reason of callEndReasonSchema.options) {
    const key = endWords(reason).slice("calls.".length) as keyof typeof words;
    expect(words[key]).toBeTruthy();
  }
  expect(callEndReasonSchema.options.filter((reason) => !isEndNews(reason))).toEqual(["user-hangup", "declined"]);
});

test("a connected call has words only while its path is lost", () => {
  expect(stateWords("preparing", undefined)).toBe("calls.calling");
  expect(stateWords("inviting", "connecting")).toBe("calls.ringing");
  expect(stateWords("connecting", "connecting")).toBe("calls.connecting");
  expect(stateWords("connected", "connected")).toBeUndefined();
  expect(stateWords("connected", "failed")).toBe("calls.reconnecting");
});

test("the own tile goes to the nearest corner, and arrows are physical in both directions of writing", () => {
  expect(nearestCorner({ x: 0.2, y: 0.9 }, false)).toBe("bottom-start");
  expect(nearestCorner({ x: 0.2, y: 0.9 }, true)).toBe("bottom-end");
  expect(nearestCorner({ x: 0.8, y: 0.1 }, false)).toBe("top-end");
  expect(cornerAfterKey("bottom-end", "ArrowLeft", false)).toBe("bottom-start");
  expect(cornerAfterKey("bottom-end", "ArrowLeft", true)).toBe("bottom-end");
  expect(cornerAfterKey("bottom-end", "ArrowUp", false)).toBe("top-end");
  expect(cornerAfterKey("bottom-end", "Enter", false)).toBeUndefined();
});

test("the caller restarts before the callee, and both wait longer each time", () => {
  for (const state of ["disconnected", "failed"] as const) {
    expect(restartDelayMs("caller", state, 0)).toBeLessThan(restartDelayMs("callee", state, 0));
    for (let attempt = 1; attempt < 10; attempt++) {
      expect(restartDelayMs("callee", state, attempt)).toBeGreaterThanOrEqual(
        restartDelayMs("callee", state, attempt - 1),
      );
      expect(restartDelayMs("callee", state, attempt)).toBeLessThanOrEqual(10_000);
    }
  }
});

test("figures are added up over tracks, and what is missing or odd counts as nothing", () => {
  const figures = readFigures([
    ["v", { type: "inbound-rtp", framesDecoded: 40, packetsReceived: 100, packetsLost: 1 }],
    ["a", { type: "inbound-rtp", totalAudioEnergy: 0.5, packetsReceived: 100, packetsLost: "many" }],
    ["t", { type: "transport", selectedCandidatePairId: "p" }],
    ["p", { type: "candidate-pair", currentRoundTripTime: 0.04, localCandidateId: "l", remoteCandidateId: "r" }],
    ["l", { type: "local-candidate", candidateType: "relay" }],
    ["x", null],
  ]);
  expect(figures).toEqual({
    framesDecoded: 40,
    totalAudioEnergy: 0.5,
    packetsReceived: 200,
    packetsLost: 1,
    roundTripTimeMs: 40,
    isRelayed: true,
  });
});

test("quality is judged by what was lost since the last look", () => {
  const before = { framesDecoded: 0, totalAudioEnergy: 0, packetsReceived: 1_000, packetsLost: 500, isRelayed: false };
  expect(judgeQuality(before, { ...before, packetsReceived: 1_100 })).toBe("good");
  expect(judgeQuality(before, { ...before, packetsReceived: 1_100, packetsLost: 504 })).toBe("fair");
  expect(judgeQuality(before, { ...before, packetsReceived: 1_100, packetsLost: 530 })).toBe("poor");
  expect(judgeQuality(before, { ...before, roundTripTimeMs: 700 })).toBe("poor");
});

test("the browser's errors become causes that the user can act on", () => {
  expect(problemOf(new DOMException("", "NotAllowedError"))).toBe("denied");
  expect(problemOf(new DOMException("", "NotFoundError"))).toBe("missing");
  expect(problemOf(new DOMException("", "OverconstrainedError"))).toBe("missing");
  expect(problemOf(new DOMException("", "NotReadableError"))).toBe("in-use");
  expect(problemOf("nonsense")).toBe("unavailable");
});
