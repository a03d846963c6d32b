/** When our camera's picture goes out whole, by readings of paper. What a browser makes of it shows call-media.spec.ts. */
import { expect, test } from "vitest";
import { FIRST_SIZE, nextSize } from "../../../renderer/features/calls/call-media/picture-size.ts";
import type { PictureSize, SizeReading } from "../../../renderer/features/calls/call-media/picture-size.ts";
import { readFigures } from "../../../renderer/features/calls/call-media/stats.ts";
import type { CallFigures } from "../../../renderer/features/calls/call-media/stats.ts";

const READING_MS = 3_000;
const figures = (patch: Partial<CallFigures> = {}): CallFigures => ({
  framesDecoded: 0,
  totalAudioEnergy: 0,
  packetsReceived: 300,
  packetsLost: 0,
  roundTripTimeMs: 40,
  isRelayed: false,
  roomBps: 1_200_000,
  sending: { framesEncoded: 90, encodeMs: 90, isHeldBack: false },
  ...patch,
});
const good = figures();
const heldBack = figures({ sending: { framesEncoded: 180, encodeMs: 180, isHeldBack: true } });
const decide = (size: PictureSize, patch: Partial<SizeReading> = {}, nowMs = READING_MS) =>
  nextSize(size, { before: undefined, now: good, isScreenShared: false, ...patch }, nowMs);
const whole: PictureSize = { ...FIRST_SIZE, isWhole: true };

test("a picture is whole after the first reading where path and processor carry it", () => {
  expect(decide(FIRST_SIZE)).toEqual(whole);
  const slow = { framesEncoded: 90, encodeMs: 90 * 5, isHeldBack: false };
  for (const patch of [
    { now: figures({ roomBps: 600_000 }) },
    { now: { ...figures(), roomBps: undefined } as unknown as CallFigures },
    { now: figures({ packetsLost: 30 }) },
    { now: figures({ roundTripTimeMs: 400 }) },
    { now: figures({ sending: slow }) },
    { now: heldBack },
    { isScreenShared: true },
    // Nothing was made since the last reading, so nothing is known.
    { before: good },
  ])
    expect(decide(FIRST_SIZE, patch), JSON.stringify(patch)).toEqual(FIRST_SIZE);
});

test("only what was made since the last reading counts", () => {
  const before = figures({ sending: { framesEncoded: 90, encodeMs: 900, isHeldBack: true } });
  const now = figures({ packetsReceived: 600, sending: { framesEncoded: 180, encodeMs: 990, isHeldBack: false } });
  expect(decide(FIRST_SIZE, { before, now }).isWhole).toBe(true);
});

test("what was too much is tried again after ever longer pauses", () => {
  let size = whole;
  let nowMs = READING_MS;
  for (const pauseMs of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
    size = decide(size, { now: heldBack }, nowMs);
    expect(size.isWhole).toBe(false);
    expect(decide(size, {}, nowMs + pauseMs - 1).isWhole).toBe(false);
    nowMs += pauseMs;
    size = decide(size, {}, nowMs);
    expect(size.isWhole, `after ${pauseMs} ms`).toBe(true);
  }
  expect(decide(whole, { now: figures({ packetsLost: 30 }) }).isWhole).toBe(false);
});

test("a shared screen has the path first, and costs the camera no pause", () => {
  const beside = decide(whole, { isScreenShared: true });
  expect(beside).toEqual(FIRST_SIZE);
  expect(decide(beside)).toEqual(whole);
});

test("the figures of what we send are those of all our pictures", () => {
  const sent = { type: "outbound-rtp", kind: "video", framesEncoded: 30, totalEncodeTime: 0.06 };
  const read = (reason: unknown) =>
    readFigures([
      ["camera", { ...sent, qualityLimitationReason: "none" }],
      ["screen", { ...sent, qualityLimitationReason: reason }],
      ["sound", { type: "outbound-rtp", kind: "audio" }],
      ["t", { type: "transport", selectedCandidatePairId: "p" }],
      ["p", { type: "candidate-pair", availableOutgoingBitrate: 900_000 }],
    ]);
  expect(read("none")).toMatchObject({
    roomBps: 900_000,
    sending: { framesEncoded: 60, encodeMs: 120, isHeldBack: false },
  });
  for (const reason of ["cpu", "bandwidth"]) expect(read(reason).sending?.isHeldBack).toBe(true);
  for (const reason of ["other", 7]) expect(read(reason).sending?.isHeldBack).toBe(false);
});
