/**
 * The answer that is ready before the user gives it, by the registry that makes it and the CallMedia that takes it,
 * against a transport of paper. What a real browser does is shown by test/interop/calls-synapse.spec.ts.
 */
import { expect, test, vi } from "vitest";
import type { CallFact } from "../../../preload/contract/engine-contract.ts";
import type { AccountId } from "../../../preload/contract/ids.ts";
import type { CallView, DesiredMedia } from "../../../preload/contract/views.ts";
import { CallMediaRegistry } from "../../../renderer/features/calls/call-media/call-media-registry.ts";
import type {
  CallTransport,
  TransportEvent,
  TransportOptions,
} from "../../../renderer/features/calls/call-media/call-transport.ts";
import type { LocalMedia } from "../../../renderer/features/calls/call-media/local-media.ts";

const ACCOUNT = "account" as AccountId;
const sdp = ["v=0", "m=audio 9", "a=candidate:1 host", ""].join("\r\n");
const desired: DesiredMedia = {
  role: "callee",
  media: "voice",
  isPolite: true,
  iceServers: [{ urls: ["turn:relay.test"] }],
  isRelayOnly: false,
  isOnHold: false,
  remote: [{ kind: "description", seq: 0, description: { type: "offer", sdp } }],
};
const call = (patch: Partial<CallView> = {}): CallView =>
  ({
    callId: "call-1",
    direction: "incoming",
    state: "ringing",
    isAudible: true,
    isMediaHere: false,
    ...patch,
  }) as CallView;
const answered = (patch: Partial<DesiredMedia> = {}): CallView =>
  call({ state: "connecting", isMediaHere: true, canRenegotiate: true, desired: { ...desired, ...patch } });
const answerMade: TransportEvent = { event: "description", description: { type: "answer", sdp: "a1" } };

type Opened = {
  options: TransportOptions;
  applied: string[];
  emit: (event: TransportEvent) => void;
  isClosed: boolean;
};

function openRegistry(options: { isCallsWindow?: boolean; prepare?: () => Promise<DesiredMedia | undefined> } = {}) {
  const facts: CallFact[] = [];
  const transports: Opened[] = [];
  let deviceOpenings = 0;
  let onNetworkChange = () => {};
  const prepare = vi.fn(options.prepare ?? (async () => desired));
  const newStream = () =>
    ({ id: "ours", getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] }) as unknown as MediaStream;
  const registry = new CallMediaRegistry({
    isCallsWindow: options.isCallsWindow ?? true,
    prepare,
    report: async (_accountId, _callId, fact) => facts.push(fact),
    onMediaFailed: () => {},
    openTransport: (transportOptions, emit) => {
      const opened: Opened = { options: transportOptions, applied: [], emit, isClosed: false };
      transports.push(opened);
      return {
        applyRemote: (description) => opened.applied.push(description.sdp),
        addCandidates: (candidates) => opened.applied.push(...candidates.map(({ candidate }) => candidate)),
        setIceServers: () => opened.applied.push("servers"),
        setMayOffer: () => {},
        sendTrack: async () => {},
        close: () => (opened.isClosed = true),
      } as Partial<CallTransport> as CallTransport;
    },
    newStream,
    openLocalMedia: async ({ stream }) => {
      deviceOpenings += 1;
      return { stream, state: { microphone: "on", camera: "off" }, connect() {}, close() {} } as unknown as LocalMedia;
    },
    captureScreen: async () => undefined,
    watchNetwork: (onChange) => {
      onNetworkChange = onChange;
      return () => {};
    },
    describeProblem: () => "",
  });
  const take = async (...calls: CallView[]) => {
    registry.reconcile(ACCOUNT, calls);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return {
    registry,
    facts,
    transports,
    prepare,
    take,
    devices: () => deviceOpenings,
    changeNetwork: () => onNetworkChange(),
  };
}

test("while it rings the answer is made without an address of the other side, and goes out when the call is taken", async () => {
  const { facts, transports, prepare, take, devices } = openRegistry();
  await take(call());
  await take(call());
  expect(prepare).toHaveBeenCalledTimes(1);
  expect(transports).toMatchObject([
    { options: { role: "callee", streams: [], iceServers: desired.iceServers, isRelayOnly: false } },
  ]);
  expect(transports[0]?.applied).toEqual([["v=0", "m=audio 9", ""].join("\r\n")]);
  transports[0]?.emit(answerMade);
  transports[0]?.emit({ event: "candidate", candidate: { candidate: "late" } });
  expect({ facts, devices: devices() }).toEqual({ facts: [], devices: 0 });

  const more = { kind: "candidates" as const, seq: 1, candidates: [{ candidate: "more" }] };
  await take(answered({ remote: [...desired.remote, more] }));
  expect(transports).toHaveLength(1);
  expect(transports[0]?.applied.slice(1)).toEqual(["candidate:1 host", "more"]);
  expect(facts).toMatchObject([
    { fact: "description", description: { sdp: "a1" }, streams: { ours: { purpose: "m.usermedia" } } },
    { fact: "candidate", candidate: { candidate: "late" } },
  ]);
  expect(devices()).toBe(1);
  transports[0]?.emit({ event: "connection", state: "connected" });
  expect(facts.at(-1)).toEqual({ fact: "connection", state: "connected" });
  await take();
  expect(transports[0]?.isClosed).toBe(true);
});

test("a call that rings again, since its answer could not be sent, is answered with media of its own", async () => {
  const { facts, transports, prepare, take, devices } = openRegistry();
  await take(call());
  await take(answered());
  transports[0]?.emit(answerMade);
  await take(call());
  expect(transports[0]?.isClosed).toBe(true);
  expect(prepare).toHaveBeenCalledTimes(2);
  await take(answered());
  transports[1]?.emit({ event: "description", description: { type: "answer", sdp: "a2" } });
  expect(facts.map((fact) => fact.fact === "description" && fact.description.sdp)).toEqual(["a1", "a2"]);
  expect(devices()).toBe(2);
  expect([transports.length, transports[1]?.isClosed]).toEqual([2, false]);
});

test("what the engine was given with the answer is not said again; what came later is", async () => {
  const { registry, facts, transports, take } = openRegistry();
  await take(call());
  const { callId } = call();
  expect(registry.givePrepared(callId, "voice"), "it is not ready").toBeUndefined();
  transports[0]?.emit({ event: "description", description: { type: "answer", sdp: "v=0\r\nm=audio 9\r\n" } });
  transports[0]?.emit({ event: "candidate", candidate: { candidate: "candidate:1 relay", sdpMLineIndex: 0 } });
  expect(registry.givePrepared(callId, "video"), "it is another answer").toBeUndefined();
  expect(registry.givePrepared("other" as CallView["callId"], "voice")).toBeUndefined();
  expect(registry.givePrepared(callId, "voice")).toEqual({
    isRelayOnly: false,
    description: { type: "answer", sdp: "v=0\r\nm=audio 9\r\na=candidate:1 relay\r\n" },
    streams: { ours: { purpose: "m.usermedia", audioMuted: false, videoMuted: true } },
    isGathered: false,
  });
  transports[0]?.emit({ event: "candidate", candidate: { candidate: "" } });
  // Whatever else has changed: the other side has heard it.
  await take(answered({ iceServers: [] }));
  expect(transports).toHaveLength(1);
  expect(facts).toEqual([{ fact: "candidate", candidate: { candidate: "" } }]);
});

test("what the engine was given and did not send is made anew; what broke down ends the call", async () => {
  const [wished, broken] = [openRegistry(), openRegistry()];
  for (const { registry, transports, take } of [wished, broken]) {
    await take(call());
    transports[0]?.emit(answerMade);
    expect(registry.givePrepared(call().callId, "voice")).toMatchObject({ isGathered: false });
  }
  await wished.take(answered({ isRelayOnly: true }));
  expect(wished.transports.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  expect(wished.transports[1]?.options).toMatchObject({ isRelayOnly: true });

  broken.transports[0]?.emit({ event: "broken", reason: "gone" });
  await broken.take(answered());
  expect(broken.transports).toHaveLength(1);
  expect(broken.facts).toMatchObject([{ fact: "media-failed" }]);
});

test("what the engine wants otherwise is made anew", async () => {
  const others: Partial<DesiredMedia>[] = [
    { media: "video" },
    { isRelayOnly: true },
    { iceServers: [] },
    { remote: [{ kind: "description", seq: 0, description: { type: "offer", sdp: "another" } }] },
  ];
  for (const other of others) {
    const { facts, transports, take } = openRegistry();
    await take(call());
    transports[0]?.emit(answerMade);
    await take(answered(other));
    expect(transports.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(transports[1]?.options).toMatchObject({ isRelayOnly: other.isRelayOnly ?? false });
    expect(facts.filter(({ fact }) => fact === "description")).toEqual([]);
  }
});

test("nothing is left of a call that is taken elsewhere, ends, or is silent", async () => {
  for (const gone of [[], [call({ state: "ended" })], [call({ state: "connecting" })], [call({ isAudible: false })]]) {
    const { facts, transports, take } = openRegistry();
    await take(call());
    await take(...gone);
    expect(transports.map(({ isClosed }) => isClosed)).toEqual([true]);
    transports[0]?.emit(answerMade);
    expect(facts).toEqual([]);
  }
});

test("another network, a broken connection and an engine that says nothing cost only the head start", async () => {
  const moved = openRegistry();
  await moved.take(call());
  moved.changeNetwork();
  const broken = openRegistry();
  await broken.take(call());
  broken.transports[0]?.emit({ event: "broken", reason: "the offer cannot be used" });
  for (const { transports, take } of [moved, broken]) {
    expect(transports[0]?.isClosed).toBe(true);
    await take(answered());
    expect(transports).toHaveLength(2);
    expect(transports[1]?.applied).toEqual([sdp]);
  }
  for (const prepare of [async () => undefined, () => Promise.reject(new Error("gone"))]) {
    const { transports, take } = openRegistry({ prepare });
    await take(call());
    expect(transports).toEqual([]);
    await take(answered());
    expect(transports[0]?.applied).toEqual([sdp]);
  }
});

test("only where calls are held, one at a time, and not during another call", async () => {
  const rooms = openRegistry({ isCallsWindow: false });
  await rooms.take(call());
  expect(rooms.prepare).not.toHaveBeenCalled();
  await rooms.take(answered());
  await rooms.take();
  // It has held one: there is no window of calls.
  await rooms.take(call());
  expect(rooms.prepare).toHaveBeenCalledTimes(1);

  const calls = openRegistry();
  const second = call({ callId: "call-2" as CallView["callId"] });
  await calls.take(call(), second);
  expect(calls.transports).toHaveLength(1);
  await calls.take(answered(), second);
  await calls.take(call({ state: "ended" }), second);
  expect(calls.prepare).toHaveBeenCalledTimes(2);
  expect(calls.transports.map(({ isClosed }) => isClosed)).toEqual([true, false]);
});
