/**
 * Devices that open at the click: taken once, by a call of their kind, and given back by everybody else.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dropEarly, openEarly, takeEarly } from "../../../renderer/features/calls/call-media/early-devices.ts";

const choices = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
let opened: { kind: string; stops: number }[];

function stubTrack(kind: "audio" | "video") {
  const entry = { kind, stops: 0 };
  opened.push(entry);
  return { kind, stop: () => (entry.stops += 1) } as unknown as MediaStreamTrack;
}

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  const getUserMedia = async (wanted: MediaStreamConstraints) => {
    const tracks = [wanted.audio && stubTrack("audio"), wanted.video && stubTrack("video")].filter((each) => !!each);
    return { getTracks: () => tracks } as unknown as MediaStream;
  };
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
});
afterEach(() => {
  dropEarly();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
const stops = () => opened.map((each) => each.stops);

test("what is opened is the taker's, once, and only for a call of its kind", async () => {
  openEarly("video", choices);
  expect(takeEarly("voice")).toBeUndefined();
  const devices = await takeEarly("video");
  expect(devices?.tracks.map(({ kind }) => kind)).toEqual(["audio", "video"]);
  expect(takeEarly("video")).toBeUndefined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(stops()).toEqual([0, 0]);
});

test("what nobody takes is closed: when there is no call, when another begins, and in time", async () => {
  openEarly("voice", choices);
  dropEarly();
  await vi.advanceTimersByTimeAsync(0);
  expect(stops()).toEqual([1]);

  openEarly("voice", choices);
  openEarly("video", choices);
  await vi.advanceTimersByTimeAsync(0);
  expect(stops()).toEqual([1, 1, 0, 0]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(stops()).toEqual([1, 1, 1, 1]);
  expect(takeEarly("video")).toBeUndefined();
});
