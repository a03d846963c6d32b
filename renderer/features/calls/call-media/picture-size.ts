/**
 * How large our camera's picture goes out: at half its width and height at first, so that the other side sees us
 * sooner, and whole as soon as path and processor have shown that they carry it. Asked by call-media.ts at each reading.
 * Pure. Invariant: a size that was too much is tried again only after ever longer pauses, so that no picture swings.
 */
import type { CallFigures } from "./stats.ts";
import { judgeQuality } from "./stats.ts";

/** `notBeforeMs`: on the clock of `performance.now()`, when a whole picture may be tried. */
export type PictureSize = { isWhole: boolean; failureCount: number; notBeforeMs: number };

export const FIRST_SIZE: PictureSize = { isWhole: false, failureCount: 0, notBeforeMs: 0 };

/** A picture of fewer pixels is sent as it is from the first one on. */
export const LARGE_PIXELS = 1_280 * 720;

/** What a half picture needs when it is at its best: where that has room, more may have. */
const MIN_ROOM_BPS = 1_000_000;
/** A whole picture takes four times as long as a half one, and at 30 a second half of the time shall stay free. */
const MAX_ENCODE_MS = 4;
const RETRY_AFTER_MS = 30_000;
const MAX_RETRY_AFTER_MS = 600_000;

export type SizeReading = {
  /** The reading before; undefined at the first one. */
  before: CallFigures | undefined;
  now: CallFigures;
  /** A screen of either side needs the path, too. */
  isScreenShared: boolean;
};

/** The size from now on. */
export function nextSize(size: PictureSize, { before, now, isScreenShared }: SizeReading, nowMs: number): PictureSize {
  const isGood = judgeQuality(before ?? { ...now, packetsReceived: 0, packetsLost: 0 }, now) === "good";
  const carries = isGood && now.sending?.isHeldBack !== true;
  if (!size.isWhole) {
    const isWorthIt = carries && !isScreenShared && nowMs >= size.notBeforeMs && hasRoom(before, now);
    return isWorthIt ? { ...size, isWhole: true } : size;
  }
  if (isScreenShared) return { ...size, isWhole: false };
  if (carries) return size;
  const pauseMs = Math.min(MAX_RETRY_AFTER_MS, RETRY_AFTER_MS * 2 ** size.failureCount);
  return { isWhole: false, failureCount: size.failureCount + 1, notBeforeMs: nowMs + pauseMs };
}

function hasRoom(before: CallFigures | undefined, { sending, roomBps = 0 }: CallFigures): boolean {
  const frames = (sending?.framesEncoded ?? 0) - (before?.sending?.framesEncoded ?? 0);
  const encodeMs = (sending?.encodeMs ?? 0) - (before?.sending?.encodeMs ?? 0);
  return roomBps >= MIN_ROOM_BPS && frames > 0 && encodeMs / frames <= MAX_ENCODE_MS;
}
