/**
 * Sharing a screen: who may ask, and that nothing is granted that the user did not choose.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as v from "valibot";
import { screenRequestSchema, type ScreenRequest } from "../../preload/contract/shell-contract.ts";
import {
  hasLoopback,
  openScreenShare,
  type DisplayRequest,
  type ScreenShareDeps,
} from "../../main/shell/screen-share.ts";

const frame = { name: "main" } as never;
const request: DisplayRequest = { frame, securityOrigin: "app://lattice", videoRequested: true, audioRequested: true };
const source = (id: string, name = id, jpeg = "jpeg") =>
  ({ id, name, thumbnail: { isEmpty: () => jpeg === "", toJPEG: () => Buffer.from(jpeg) } }) as never;

function setUp(more: Partial<ScreenShareDeps> = {}) {
  const told: ScreenRequest[] = [];
  const deps: ScreenShareDeps = {
    getSources: async () => [
      source("screen:0:0", "T\u202Etxt\n.exe\u0000"),
      source("window:1:0", "x".repeat(5_000)),
      source("window:7:1"),
    ],
    pageOf: (each) => (each === frame ? { setScreenRequest: (asked) => told.push(asked) } : undefined),
    isCallUnderWay: () => true,
    hasSystemDialog: false,
    canShareSound: true,
    isDeniedBySystem: () => false,
    ownSourceIds: () => ["window:7:1"],
    log: { warn() {}, error() {} },
    ...more,
  };
  const share = openScreenShare(deps);
  const answers: unknown[] = [];
  const ask = async (asked = request) => {
    share.onRequest(asked, (streams) => answers.push(streams));
    await vi.advanceTimersByTimeAsync(0);
  };
  const idOf = (index: number) => told[index]!.requestId;
  return { share, told, answers, ask, idOf };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("sharing a screen", () => {
  test("what was chosen is granted, once, and sound only where it was switched on", async () => {
    const { share, told, answers, ask, idOf } = setUp();
    await ask();
    expect(v.parse(screenRequestSchema, told[0])).toEqual(told[0]);
    expect(told[0]!.sources.map(({ id, kind }) => [id, kind])).toEqual([
      ["screen:0:0", "screen"],
      ["window:1:0", "window"],
    ]);
    expect(told[0]!.sources[0]!.name).toBe("Ttxt.exe");
    expect(told[0]!.sources[1]!.name).toHaveLength(200);
    share.onChoice({ requestId: idOf(0), sourceId: "screen:0:0", withSound: false });
    share.onChoice({ requestId: idOf(0), sourceId: "window:1:0", withSound: true });
    expect(answers).toEqual([{ video: expect.objectContaining({ id: "screen:0:0" }) }]);
    expect(told.at(-1)).toBeNull();
    await ask();
    share.onChoice({ requestId: idOf(2), sourceId: "window:1:0", withSound: true });
    expect(answers.at(-1)).toMatchObject({ audio: "loopback" });
    await ask({ ...request, audioRequested: false });
    expect(told[4]!.canShareSound).toBe(false);
    share.onChoice({ requestId: idOf(4), sourceId: "window:1:0", withSound: true });
    expect(answers.at(-1)).not.toHaveProperty("audio");
  });

  test.each([
    ["no frame", { ...request, frame: null }, {}],
    ["a frame of others", { ...request, frame: {} as never }, {}],
    ["no picture wanted", { ...request, videoRequested: false }, {}],
    ["no call", request, { isCallUnderWay: () => false }],
  ])("refused without asking anyone: %s", async (_name, asked, deps) => {
    const { told, answers, ask } = setUp(deps);
    await ask(asked);
    expect([told, answers]).toEqual([[], [null]]);
  });

  test("nothing is granted after a cancel, a minute, a later request, the end of the call, or a wrong id", async () => {
    let isCallUnderWay = true;
    const { share, told, answers, ask, idOf } = setUp({ isCallUnderWay: () => isCallUnderWay });
    await ask();
    share.onChoice({ requestId: idOf(0), withSound: false });
    expect(answers).toEqual([null]);
    await ask();
    await vi.advanceTimersByTimeAsync(59_000);
    expect(answers).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(answers).toEqual([null, null]);
    share.onChoice({ requestId: idOf(2), sourceId: "screen:0:0", withSound: false });
    await ask();
    await ask();
    expect(answers).toEqual([null, null, null]);
    share.cancel();
    expect(answers).toHaveLength(4);
    await ask();
    share.onChoice({ requestId: told.at(-1)!.requestId, sourceId: "screen:9:9", withSound: false });
    await ask();
    isCallUnderWay = false;
    share.onChoice({ requestId: told.at(-1)!.requestId, sourceId: "screen:0:0", withSound: false });
    expect(answers).toEqual([null, null, null, null, null, null]);
  });

  test("sources that come too late, or not at all, grant nothing", async () => {
    let give: (sources: never[]) => void = () => {};
    const late = setUp({ getSources: () => new Promise((resolve) => void (give = resolve)) });
    await late.ask();
    await vi.advanceTimersByTimeAsync(60_000);
    give([source("screen:0:0")]);
    await vi.advanceTimersByTimeAsync(0);
    expect(late.answers).toEqual([null]);
    expect(late.told).toEqual([null]);
    const failed = setUp({ getSources: () => Promise.reject(new Error("no portal")) });
    await failed.ask();
    expect(failed.answers).toEqual([null]);
  });

  test("where the desktop asks, it is asked once, its choice is taken, and the page hears nothing", async () => {
    const getSources = vi.fn(async () => [source("window:1:0")]);
    const { told, answers, ask } = setUp({ hasSystemDialog: true, getSources });
    await ask();
    expect(getSources.mock.calls).toEqual([
      [{ types: ["screen", "window"], thumbnailSize: { width: 0, height: 0 } }],
    ] as never);
    expect(answers).toEqual([{ video: expect.objectContaining({ id: "window:1:0" }) }]);
    expect(told).toEqual([]);
    const cancelled = setUp({ hasSystemDialog: true, getSources: async () => [] });
    await cancelled.ask();
    expect(cancelled.answers).toEqual([null]);
  });

  test("a frame that is gone when it is answered stops nothing", async () => {
    const { share } = setUp();
    share.onRequest(request, () => {
      throw new Error("Render frame was disposed");
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(() => share.cancel()).not.toThrow();
  });

  test("no more and no larger sources than the contract holds", async () => {
    const many = Array.from({ length: 500 }, (_, index) => source(`window:${index}:0`, "", "x".repeat(200_000)));
    const { told, ask } = setUp({ getSources: async () => many });
    await ask();
    expect(v.is(screenRequestSchema, told[0])).toBe(true);
    expect(told[0]!.sources).toHaveLength(60);
    expect(told[0]!.sources[0]).not.toHaveProperty("thumbnail");
  });
});

test("the computer's sound can be shared on Windows and on macOS from 14.2", () => {
  expect(hasLoopback("win32", "10.0.26100")).toBe(true);
  expect(hasLoopback("darwin", "23.2.0")).toBe(true);
  expect(hasLoopback("darwin", "24.0.0")).toBe(true);
  expect(hasLoopback("darwin", "23.1.0")).toBe(false);
  expect(hasLoopback("darwin", "22.6.0")).toBe(false);
  expect(hasLoopback("linux", "6.8.0")).toBe(false);
});
