/** When the other side is asked for a whole picture: only where none comes without. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askForWholePicture } from "../../../renderer/features/calls/call-media/whole-picture.ts";

let asked: number;

beforeEach(() => {
  asked = 0;
  vi.useFakeTimers();
  vi.stubGlobal(
    "MediaStream",
    vi.fn(function () {}),
  );
  vi.stubGlobal(
    "MediaRecorder",
    class {
      addEventListener(): void {}
      start(): void {
        asked += 1;
      }
    },
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function openReceiver(kind = "video") {
  const track = { kind, readyState: "live" };
  let sources = [{ timestamp: 5 }];
  const receiver = { track, getSynchronizationSources: () => sources } as unknown as RTCRtpReceiver;
  return { receiver, track, shows: (next: typeof sources) => void (sources = next) };
}

test("where pictures stay away it is asked for, also when the last one is too old to be told of", () => {
  const [standing, forgotten] = [openReceiver(), openReceiver()];
  askForWholePicture(standing.receiver);
  askForWholePicture(forgotten.receiver);
  forgotten.shows([]);
  expect(asked).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(asked).toBe(2);
});

test("where one has come, where the picture is over, and of a sound, nothing is asked", () => {
  const [moving, ended, sound] = [openReceiver(), openReceiver(), openReceiver("audio")];
  for (const { receiver } of [moving, ended, sound]) askForWholePicture(receiver);
  moving.shows([{ timestamp: 6 }]);
  ended.track.readyState = "ended";
  vi.advanceTimersByTime(1_000);
  expect(asked).toBe(0);
});
