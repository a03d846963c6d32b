/**
 * Our screen or window during one call: asks the system for it, with the sound where that was asked for. Opened and
 * closed by call-media.ts; which source it is was chosen by the user, in our picker or in the system's.
 * Invariants: nothing is captured after `close()`, nor when the call ended while the user was choosing; a choice
 * that was cancelled is no error.
 * spec: W3C Screen Capture; voip, "Streams": a screen is a stream of its own, purpose m.screenshare.
 */
import type { MediaProblem } from "./local-media.ts";
import { problemOf } from "./local-media.ts";

export type ScreenShareOptions = {
  /** Undefined takes the source as it is. */
  maxHeightPx: number | undefined;
  frameRate: 5 | 15 | 30 | 60;
  /** What matters when there is too little room: sharp letters, or an even movement. */
  mode: "text" | "motion";
  /** The system's sound too, where the system gives it. */
  withSound: boolean;
};

/** Thrown when the screen cannot be had for another reason than that the user changed his mind. */
export class ScreenCaptureError extends Error {
  override readonly name = "ScreenCaptureError";
  readonly problem: MediaProblem;

  constructor(problem: MediaProblem, options?: ErrorOptions) {
    super(`screen: ${problem}`, options);
    this.problem = problem;
  }
}

/** Constraints that TypeScript's library does not know yet. */
type SoundConstraints = MediaTrackConstraints & { restrictOwnAudio?: boolean };
type DisplayOptions = DisplayMediaStreamOptions & { systemAudio?: "include" | "exclude" };

/** What is asked of the system. Only upper bounds and wishes: getDisplayMedia refuses `exact` and `min`. */
export function displayConstraints(options: ScreenShareOptions): DisplayOptions {
  const sound: SoundConstraints = {
    // The voices of the call come out of the same speakers: the other side must not hear itself.
    restrictOwnAudio: true,
    // Made for voices, these spoil music.
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
  };
  return {
    video: {
      frameRate: { ideal: options.frameRate, max: options.frameRate },
      ...(options.maxHeightPx === undefined ? {} : { height: { max: options.maxHeightPx } }),
    },
    audio: options.withSound ? sound : false,
    systemAudio: options.withSound ? "include" : "exclude",
  };
}

const KILOBIT = 1_000;
const BITS_PER_PIXEL_AND_FRAME = { text: 0.06, motion: 0.1 };
const MIN_BITRATE = 500 * KILOBIT;
const MAX_BITRATE = 8_000 * KILOBIT;

/** The most that a picture of this size is given, in bits a second: enough to be clear, and bounded. */
export function maxScreenBitrate(widthPx: number, heightPx: number, { frameRate, mode }: ScreenShareOptions): number {
  const wanted = widthPx * heightPx * frameRate * BITS_PER_PIXEL_AND_FRAME[mode];
  return Math.round(Math.min(MAX_BITRATE, Math.max(MIN_BITRATE, wanted)));
}

/** Captures what the user chooses; undefined when he chooses nothing. Rejects with ScreenCaptureError. */
export async function captureScreen(options: ScreenShareOptions): Promise<MediaStream | undefined> {
  if (!("mediaDevices" in navigator)) throw new ScreenCaptureError("unavailable");
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia(displayConstraints(options));
  } catch (error) {
    const problem = problemOf(error);
    // The same name for "cancelled" and "forbidden by the system"; Chromium tells them apart only in its words.
    if (problem === "denied" && !(error instanceof Error && /system/iu.test(error.message))) return undefined;
    throw new ScreenCaptureError(problem, { cause: error });
  }
  for (const track of stream.getVideoTracks()) track.contentHint = options.mode;
  for (const track of stream.getAudioTracks()) track.contentHint = "music";
  return stream;
}
