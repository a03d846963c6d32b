/** When a silence of the other side counts as one, and when its end is told. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchSilence } from "../../../renderer/features/calls/call-media/silence-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A receiver that has its last packet from the moment that `packet()` was called. */
function openReceiver() {
  let timestamp: number | undefined;
  const receiver = { getSynchronizationSources: () => (timestamp === undefined ? [] : [{ timestamp }]) };
  return { receiver: receiver as unknown as RTCRtpReceiver, packet: () => void (timestamp = performance.now()) };
}

function watch() {
  const [sound, picture] = [openReceiver(), openReceiver()];
  const heardAgain = vi.fn<() => void>();
  const stop = watchSilence(() => [sound.receiver, picture.receiver], heardAgain);
  /** Packets every 100 ms. */
  const talk = (source: typeof sound, durationMs: number) => {
    for (let at = 0; at < durationMs; at += 100) {
      source.packet();
      vi.advanceTimersByTime(100);
    }
  };
  return { sound, picture, heardAgain, stop, talk };
}

test("the end of each cut is told once", () => {
  const { sound, picture, heardAgain, talk } = watch();
  talk(sound, 3_000);
  expect(heardAgain).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10_000);
  expect(heardAgain).not.toHaveBeenCalled();
  talk(picture, 3_000);
  expect(heardAgain).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_500);
  talk(sound, 400);
  expect(heardAgain).toHaveBeenCalledTimes(2);
});

test("pauses in speech, and a picture that comes while nobody speaks, are no cuts", () => {
  const { sound, picture, heardAgain, talk } = watch();
  for (let turn = 0; turn < 5; turn += 1) {
    talk(sound, 200);
    vi.advanceTimersByTime(500);
  }
  for (let turn = 0; turn < 5; turn += 1) {
    talk(picture, 2_000);
    talk(sound, 100);
  }
  expect(heardAgain).not.toHaveBeenCalled();
});

test("a page that was too busy to listen takes that for no silence", () => {
  const { sound, heardAgain, talk } = watch();
  talk(sound, 1_000);
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5_000);
  talk(sound, 1_000);
  expect(heardAgain).not.toHaveBeenCalled();
});

test("whoever has stopped listening is told nothing", () => {
  const { sound, heardAgain, stop, talk } = watch();
  vi.advanceTimersByTime(5_000);
  stop();
  talk(sound, 1_000);
  expect(heardAgain).not.toHaveBeenCalled();
});
