/**
 * CallMedia against a transport and devices of paper: the remote log, the order of facts, the restart plan and
 * the clean end. What a real browser does is shown by test/interop/call-media.spec.ts. spec: voip.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CallFact } from "../../../preload/contract/engine-contract.ts";
import type { CallView, DesiredMedia } from "../../../preload/contract/views.ts";
import { CallMedia } from "../../../renderer/features/calls/call-media/call-media.ts";
import type { CallTransport, TransportEvent } from "../../../renderer/features/calls/call-media/call-transport.ts";
import { LocalMediaError } from "../../../renderer/features/calls/call-media/local-media.ts";
import type {
  LocalMedia,
  LocalMediaOptions,
  LocalMediaState,
} from "../../../renderer/features/calls/call-media/local-media.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Applied = string;

function bench(options: { openLocalMedia?: (options: LocalMediaOptions) => Promise<LocalMedia> } = {}) {
  const facts: CallFact[] = [];
  const applied: Applied[] = [];
  let emit: (event: TransportEvent) => void = () => {};
  let opened = 0;
  let closed = 0;
  let restarts = 0;
  const transport: CallTransport = {
    applyRemote: (description, isPolite) => applied.push(`${description.type}:${description.sdp}:${isPolite}`),
    addCandidates: (candidates) => applied.push(`candidates:${candidates.map(({ candidate }) => candidate).join()}`),
    restart: () => (restarts += 1),
    sendTrack: async () => {},
    getStats: async () => new Map(),
    close: () => (closed += 1),
  };
  const state: LocalMediaState = { microphone: "on", camera: "off" };
  let localCloses = 0;
  let onLocalChange = () => {};
  const local = {
    stream: { id: "stream-1", getTracks: () => [{}] },
    state,
    connect: () => {},
    close: () => (localCloses += 1),
  } as unknown as LocalMedia;
  const media = new CallMedia({
    report: async (fact) => facts.push(fact),
    openTransport: (_options, onEvent) => {
      opened += 1;
      emit = onEvent;
      return transport;
    },
    openLocalMedia:
      options.openLocalMedia ??
      (async ({ onChange }) => {
        onLocalChange = onChange;
        return local;
      }),
    describeProblem: (device, problem) => `words for ${device} ${problem}`,
  });
  return {
    media,
    facts,
    applied,
    state,
    emit: (event: TransportEvent) => emit(event),
    localChange: () => onLocalChange(),
    counts: () => ({ opened, closed, localCloses, restarts }),
    local,
  };
}

const offer = { kind: "description", seq: 0, description: { type: "offer", sdp: "o1" } } as const;
const desiredBase: DesiredMedia = {
  role: "callee",
  media: "voice",
  isPolite: true,
  iceServers: [],
  isRelayOnly: false,
  isOnHold: false,
  remote: [offer],
};

const view = (patch: Partial<CallView> = {}, desired: Partial<DesiredMedia> = {}): CallView =>
  ({
    callId: "call-1",
    state: "connecting",
    isMediaHere: true,
    desired: { ...desiredBase, ...desired },
    ...patch,
  }) as CallView;

const settle = () => vi.advanceTimersByTimeAsync(0);

test("the remote log is applied in order and once, however often it is told", async () => {
  const { media, applied } = bench();
  media.update(view());
  media.update(view({}, { remote: [offer, { kind: "candidates", seq: 1, candidates: [{ candidate: "a" }] }] }));
  await settle();
  expect(applied).toEqual(["offer:o1:true", "candidates:a"]);
  const third = { kind: "description", seq: 2, description: { type: "offer", sdp: "o2" } } as const;
  // Out of order on purpose, and without what was applied before.
  media.update(view({}, { remote: [{ kind: "candidates", seq: 3, candidates: [{ candidate: "b" }] }, third] }));
  media.update(view({}, { remote: [third] }));
  expect(applied).toEqual(["offer:o1:true", "candidates:a", "offer:o2:true", "candidates:b"]);
});

test("nothing is opened for a call whose media is elsewhere, or whose servers are not known yet", async () => {
  const elsewhere = bench();
  elsewhere.media.update(view({ isMediaHere: false }));
  await settle();
  expect(elsewhere.counts().opened).toBe(0);
  const early = bench();
  const { desired: _desired, ...withoutDesired } = view();
  early.media.update(withoutDesired);
  await settle();
  expect(early.counts().opened).toBe(0);
  early.media.update(view());
  await settle();
  expect(early.counts().opened).toBe(1);
});

test("a call that ends while the devices are being opened lets them go at once", async () => {
  const { promise, resolve } = Promise.withResolvers<LocalMedia>();
  const own = bench({ openLocalMedia: () => promise });
  own.media.update(view());
  own.media.update(view({ state: "ended" }));
  resolve(own.local);
  await settle();
  expect(own.counts()).toMatchObject({ opened: 0, localCloses: 1 });
  expect(own.facts).toEqual([]);
});

test("a device that cannot be had is reported with words, and only once", async () => {
  const own = bench({ openLocalMedia: () => Promise.reject(new LocalMediaError("microphone", "denied")) });
  own.media.update(view());
  await settle();
  own.media.update(view());
  await settle();
  expect(own.facts).toEqual([{ fact: "media-failed", message: "words for microphone denied" }]);
});

test("descriptions carry the metadata of our stream, and mutes are told by facts", async () => {
  const { media, facts, emit, state, localChange } = bench();
  media.update(view());
  await settle();
  emit({ event: "description", description: { type: "answer", sdp: "a1" } });
  const streams = { "stream-1": { purpose: "m.usermedia", audioMuted: false, videoMuted: true } };
  expect(facts).toEqual([{ fact: "description", description: { type: "answer", sdp: "a1" }, streams }]);
  localChange();
  expect(facts).toHaveLength(1);
  state.microphone = "off";
  localChange();
  localChange();
  expect(facts.slice(1)).toEqual([
    { fact: "streams", streams: { "stream-1": { ...streams["stream-1"], audioMuted: true } } },
  ]);
});

test("a lost path is looked for again with growing patience, and not after it was found", async () => {
  const { media, emit, counts } = bench();
  media.update(view());
  await settle();
  emit({ event: "connection", state: "connected" });
  emit({ event: "connection", state: "disconnected" });
  await vi.advanceTimersByTimeAsync(3_900);
  expect(counts().restarts).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(counts().restarts).toBe(1);
  await vi.advanceTimersByTimeAsync(8_000);
  expect(counts().restarts).toBe(2);
  emit({ event: "connection", state: "connected" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(counts().restarts).toBe(2);
  media.close();
});

test("after the end nothing is reported and no timer runs", async () => {
  const { media, facts, emit, counts } = bench();
  media.update(view());
  await settle();
  emit({ event: "connection", state: "connected" });
  emit({ event: "connection", state: "disconnected" });
  const told = facts.length;
  media.update(view({ state: "ended" }));
  emit({ event: "candidate", candidate: { candidate: "late" } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(facts).toHaveLength(told);
  expect(counts()).toMatchObject({ closed: 1, localCloses: 1, restarts: 0 });
  expect(vi.getTimerCount()).toBe(0);
});
