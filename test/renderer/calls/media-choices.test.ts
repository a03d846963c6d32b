/**
 * The choice of devices as it is kept, the level of the meter, what a shared screen asks for, and the details of a
 * call. What browsers make of them is shown by test/interop/call-media.spec.ts.
 */
import { expect, test } from "vitest";
import { MediaChoicesStore } from "../../../renderer/features/calls/call-media/media-choices.ts";
import { levelOf } from "../../../renderer/features/calls/call-media/media-devices.ts";
import { displayConstraints, maxScreenBitrate } from "../../../renderer/features/calls/call-media/screen-capture.ts";
import { describeFigures, readFigures } from "../../../renderer/features/calls/call-media/stats.ts";

const memory = (first?: string) => {
  let kept = first ?? null;
  return { getItem: () => kept, setItem: (_key: string, value: string) => (kept = value) };
};
const untouched = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

test("choices are kept, told once for each change, and an absent id is the system's default", () => {
  const storage = memory();
  const store = new MediaChoicesStore(() => storage);
  let told = 0;
  const unsubscribe = store.subscribe(() => (told += 1));
  expect(store.snapshot()).toEqual(untouched);
  expect(store.snapshot()).toBe(store.snapshot());
  store.set({ microphoneId: "headset", noiseSuppression: false });
  store.set({ microphoneId: undefined, ringId: "speakers" });
  expect(told).toBe(2);
  unsubscribe();
  const expected = { ...untouched, noiseSuppression: false, ringId: "speakers" };
  expect(new MediaChoicesStore(() => storage).snapshot()).toEqual(expected);
});

test("what cannot be read counts as no choice, and what cannot be written holds for the window", () => {
  for (const text of ["nonsense", '{"microphoneId":7}', "[]x", '{"echoCancellation":"yes"}'])
    expect(new MediaChoicesStore(() => memory(text)).snapshot()).toEqual(untouched);
  const store = new MediaChoicesStore(() => {
    throw new DOMException("denied", "SecurityError");
  });
  store.set({ cameraId: "lid" });
  expect(store.snapshot()).toEqual({ ...untouched, cameraId: "lid" });
});

test("the meter is empty in silence, full at the loudest, and even for the ear between", () => {
  const loudness = (amplitude: number) => levelOf(new Float32Array(100).fill(amplitude));
  expect(loudness(0)).toBe(0);
  expect(loudness(1)).toBe(1);
  expect(loudness(0.1) - loudness(0.01)).toBeCloseTo(loudness(0.01) - loudness(0.001));
});

test("a screen is asked for within bounds, and its rate follows its size", () => {
  const options = { maxHeightPx: 720, frameRate: 15, mode: "text", withSound: false } as const;
  expect(displayConstraints(options)).toEqual({
    video: { frameRate: { ideal: 15, max: 15 }, height: { max: 720 } },
    audio: false,
    systemAudio: "exclude",
  });
  expect(displayConstraints({ ...options, withSound: true }).audio).toMatchObject({ restrictOwnAudio: true });
  expect(displayConstraints({ ...options, maxHeightPx: undefined }).video).not.toHaveProperty("height");
  expect(maxScreenBitrate(1_920, 1_080, options)).toBeGreaterThan(maxScreenBitrate(1_280, 720, options));
  expect(maxScreenBitrate(1, 1, options)).toBe(500_000);
  expect(maxScreenBitrate(7_680, 4_320, { ...options, frameRate: 60 })).toBe(8_000_000);
});

test("the details tell the larger picture, its codec, and what was lost since the last look", () => {
  const report = (packetsLost: number, framesPerSecond: number): [string, unknown][] => [
    ["c1", { type: "codec", mimeType: "video/VP9" }],
    ["c2", { type: "codec", mimeType: "audio/opus" }],
    ["a", { type: "inbound-rtp", kind: "audio", codecId: "c2", packetsReceived: 100 - packetsLost, packetsLost }],
    ["camera", { type: "inbound-rtp", kind: "video", frameWidth: 640, frameHeight: 360, framesPerSecond: 30 }],
    [
      "screen",
      { type: "inbound-rtp", kind: "video", codecId: "c1", frameWidth: 1_920, frameHeight: 1_080, framesPerSecond },
    ],
    ["t", { type: "transport", selectedCandidatePairId: "p" }],
    ["p", { type: "candidate-pair", currentRoundTripTime: 0.0304 }],
  ];
  const first = readFigures(report(10, 14.6));
  expect(describeFigures(undefined, first)).toEqual({
    path: "direct",
    roundTripMs: 30,
    lossShare: 0.1,
    audioCodec: "opus",
    incoming: { widthPx: 1_920, heightPx: 1_080, framesPerSecond: 15, codec: "VP9" },
  });
  const stopped = describeFigures(first, readFigures(report(10, 0)));
  expect(stopped).toMatchObject({ lossShare: 0, incoming: { widthPx: 640 } });
});
