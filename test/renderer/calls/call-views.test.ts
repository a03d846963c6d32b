/**
 * The pure parts under the call surfaces: which call is shown where, which words a state has, where the own
 * tile rests, how quality is judged, when a restart is due.
 */
import { expect, test } from "vitest";
import { callEndReasonSchema } from "../../../preload/contract/views.ts";
import type { CallView } from "../../../preload/contract/views.ts";
import { restartDelayMs } from "../../../renderer/features/calls/call-media/restart-plan.ts";
import { problemOf } from "../../../renderer/features/calls/call-media/local-media.ts";
import { judgeQuality, readInbound } from "../../../renderer/features/calls/call-media/stats.ts";
import { endWords, isEndNews, stateWords } from "../../../renderer/features/calls/call-words.ts";
import { cornerAfterKey, nearestCorner } from "../../../renderer/features/calls/corners.ts";
import { sortCalls } from "../../../renderer/features/calls/sort-calls.ts";
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

test("each call is shown in one place, those of other windows in none", () => {
  const calls = [
    call("rings", {}),
    call("runs-here", { state: "connected", isMediaHere: true }),
    call("runs-elsewhere", { state: "connected" }),
    call("calls-elsewhere", { state: "inviting", direction: "outgoing" }),
    call("was-declined-there", { state: "ended", endReason: "remote-declined", isMediaHere: true }),
    call("was-hung-up-here", { state: "ended", endReason: "user-hangup", isMediaHere: true }),
    call("was-put-away", { state: "ended", endReason: "missed" }),
  ];
  const { running, ringing, ended } = sortCalls(calls, new Set(["was-put-away"]));
  expect(running?.callId).toBe("runs-here");
  expect(ringing.map(({ callId }) => callId)).toEqual(["rings"]);
  expect(ended.map(({ callId }) => callId)).toEqual(["was-declined-there"]);
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
  const figures = readInbound([
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
