/**
 * CallMedia against a transport and devices of paper: the remote log, the order of facts, the restart plan and
 * the clean end. What a real browser does is shown by test/interop/call-media.spec.ts. spec: voip.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CallFact } from "../../../preload/contract/engine-contract.ts";
import type { CallView, DesiredMedia } from "../../../preload/contract/views.ts";
import { CallMedia } from "../../../renderer/features/calls/call-media/call-media.ts";
import type {
  CallTransport,
  Slot,
  TransportEvent,
} from "../../../renderer/features/calls/call-media/call-transport.ts";
import { LocalMediaError } from "../../../renderer/features/calls/call-media/local-media.ts";
import type {
  LocalMedia,
  LocalMediaOptions,
  LocalMediaState,
  SendTrack,
} from "../../../renderer/features/calls/call-media/local-media.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Applied = string;

type BenchOptions = {
  openLocalMedia?: (options: LocalMediaOptions) => Promise<LocalMedia>;
  captureScreen?: () => Promise<MediaStream | undefined>;
  places?: readonly Slot[];
  cameraSettings?: MediaTrackSettings;
  /** All packets that came in so far, whenever that is asked. */
  packetsReceived?: () => number;
  /** More of the statistics, whenever they are asked for. */
  figures?: () => readonly [string, object][];
};

function bench(options: BenchOptions = {}) {
  const facts: CallFact[] = [];
  const applied: Applied[] = [];
  /** What the transport was asked to send, in order. */
  const wire: string[] = [];
  let mayOfferNow: boolean | undefined;
  let networkChange = () => {};
  let emit: (event: TransportEvent) => void = () => {};
  let opened = 0;
  let closed = 0;
  let restarts = 0;
  const transport: CallTransport = {
    applyRemote: (description, isPolite) => applied.push(`${description.type}:${description.sdp}:${isPolite}`),
    addCandidates: (candidates) => applied.push(`candidates:${candidates.map(({ candidate }) => candidate).join()}`),
    restart: () => (restarts += 1),
    sendTrack: async (slot, outgoing) => {
      const scale = outgoing?.limits?.scaleDownBy;
      wire.push(`${slot}:${outgoing ? outgoing.track.id : "nothing"}${scale === undefined ? "" : `/${scale}`}`);
    },
    hasPlace: (slot) => options.places?.includes(slot) ?? false,
    setHeld: async (isHeld) => void wire.push(`held:${isHeld}`),
    setIceServers: (iceServers) => wire.push(`servers:${iceServers.map(({ urls }) => urls.join()).join()}`),
    setMayOffer: (mayOffer) => (mayOfferNow = mayOffer),
    sendTones: (tones) => wire.push(`tones:${tones}`),
    getStats: async () =>
      new Map<string, object>([
        ["in", { type: "inbound-rtp", kind: "audio", packetsReceived: options.packetsReceived?.() ?? 0 }],
        ...(options.figures?.() ?? []),
      ]),
    close: () => (closed += 1),
  };
  const state: LocalMediaState = { microphone: "on", camera: "off" };
  let localCloses = 0;
  let onLocalChange = () => {};
  const camera = { id: "camera", getSettings: () => options.cameraSettings ?? {} } as MediaStreamTrack;
  let localSend: SendTrack = async () => {};
  const stream = {
    id: "stream-1",
    getTracks: () => [{}],
    getAudioTracks: () => [],
    getVideoTracks: () => [camera],
  } as unknown as MediaStream;
  const local = {
    stream,
    state,
    connect: (send: SendTrack) => (localSend = send),
    setHeld: async (isHeld: boolean) => void wire.push(`local held:${isHeld}`),
    setCamera: async (isOn: boolean) => localSend("video", isOn ? camera : undefined, local.stream),
    close: () => (localCloses += 1),
  } as unknown as LocalMedia;
  const media = new CallMedia({
    report: async (fact) => facts.push(fact),
    openTransport: (_options, onEvent) => {
      opened += 1;
      emit = onEvent;
      return transport;
    },
    newStream: () => stream,
    openLocalMedia:
      options.openLocalMedia ??
      (async ({ onChange }) => {
        onLocalChange = onChange;
        return local;
      }),
    captureScreen: options.captureScreen ?? (async () => undefined),
    watchNetwork: (onChange) => {
      networkChange = onChange;
      return () => (networkChange = () => {});
    },
    describeProblem: (device, problem) => `words for ${device} ${problem}`,
  });
  return {
    media,
    facts,
    applied,
    wire,
    state,
    mayOffer: () => mayOfferNow,
    networkChange: () => networkChange(),
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
    canRenegotiate: true,
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

test("who answers does so while the devices open, sends what comes of them, and tells of what does not", async () => {
  const { promise, resolve } = Promise.withResolvers<LocalMedia>();
  const own = bench({ openLocalMedia: () => promise });
  own.media.update(view({ desired: { ...desiredBase, media: "video" } }));
  await settle();
  expect(own.counts()).toMatchObject({ opened: 1 });
  own.emit({ event: "description", description: { type: "answer", sdp: "a1" } });
  const promised = { purpose: "m.usermedia", audioMuted: false, videoMuted: false };
  expect(own.facts).toMatchObject([{ fact: "description", streams: { "stream-1": promised } }]);
  expect(own.wire).toEqual([]);
  resolve(own.local);
  await settle();
  expect(own.wire).toEqual(["video:camera"]);
  // The pretended camera is off.
  expect(own.facts.slice(1)).toEqual([{ fact: "streams", streams: { "stream-1": { ...promised, videoMuted: true } } }]);
});

test("a call that ends while the devices are being opened lets them go at once", async () => {
  const { promise, resolve } = Promise.withResolvers<LocalMedia>();
  const own = bench({ openLocalMedia: () => promise });
  own.media.update(view());
  own.media.update(view({ state: "ended" }));
  resolve(own.local);
  await settle();
  expect(own.counts()).toMatchObject({ opened: 1, closed: 1, localCloses: 1 });
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
  await vi.advanceTimersByTimeAsync(2_900);
  expect(counts().restarts).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(counts().restarts).toBe(1);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(counts().restarts).toBe(2);
  emit({ event: "connection", state: "connected" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(counts().restarts).toBe(2);
  media.close();
});

test("a large picture begins at half its size, and is whole while path and processor carry it", async () => {
  let frames = 0;
  let reason = "none";
  const options: BenchOptions = {
    cameraSettings: { width: 1_280, height: 720 },
    packetsReceived: () => frames,
    figures: () => [
      [
        "out",
        {
          type: "outbound-rtp",
          kind: "video",
          framesEncoded: (frames += 90),
          totalEncodeTime: frames / 1_000,
          qualityLimitationReason: reason,
        },
      ],
      ["t", { type: "transport", selectedCandidatePairId: "p" }],
      ["p", { type: "candidate-pair", availableOutgoingBitrate: 2_000_000 }],
    ],
  };
  for (const role of ["caller", "callee"] as const) {
    const { media, emit, wire } = bench(options);
    media.update(view({}, { role, media: "video" }));
    await settle();
    expect(wire, role).toEqual(["video:camera/2"]);
    emit({ event: "connection", state: "connected" });
    await vi.advanceTimersByTimeAsync(9_000);
    expect(wire.slice(1), role).toEqual(["video:camera"]);
    reason = "cpu";
    await vi.advanceTimersByTimeAsync(3_000);
    reason = "none";
    await vi.advanceTimersByTimeAsync(27_000);
    expect(wire.slice(2), role).toEqual(["video:camera/2"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(wire.slice(3), role).toEqual(["video:camera"]);
    media.close();
  }
  const small = bench({ ...options, cameraSettings: { width: 640, height: 480 } });
  small.media.update(view({}, { role: "caller", media: "video" }));
  await settle();
  small.emit({ event: "connection", state: "connected" });
  await vi.advanceTimersByTimeAsync(9_000);
  expect(small.wire).toEqual(["video:camera"]);
  small.media.close();
});

test("media that stay away over a path that is called good begin one search, the caller's sooner", async () => {
  for (const [role, readings] of [["caller", 1] as const, ["callee", 2] as const]) {
    let packets = 0;
    let arriving = 10;
    const { media, emit, counts } = bench({ packetsReceived: () => (packets += arriving) });
    media.update(view({}, { role }));
    await settle();
    emit({ event: "connection", state: "connected" });
    await vi.advanceTimersByTimeAsync(9_000);
    for (const restarts of [1, 2]) {
      arriving = 0;
      await vi.advanceTimersByTimeAsync(readings * 3_000 - 100);
      expect(counts().restarts, role).toBe(restarts - 1);
      await vi.advanceTimersByTimeAsync(100);
      expect(counts().restarts, role).toBe(restarts);
      // Once until they come again.
      await vi.advanceTimersByTimeAsync(60_000);
      expect(counts().restarts, role).toBe(restarts);
      arriving = 10;
      await vi.advanceTimersByTimeAsync(3_000);
    }
    media.close();
  }
});

test("media that nobody sends are not missed", async () => {
  const muted = { remote: { purpose: "m.usermedia", audioMuted: true, videoMuted: true } };
  const heard = { remote: { ...muted.remote, audioMuted: false } };
  let packets = 0;
  const { media, emit, counts } = bench({ packetsReceived: () => packets });
  const isQuiet = async () => {
    await vi.advanceTimersByTimeAsync(30_000);
    expect(counts().restarts).toBe(0);
  };
  media.update(view({}, { remoteStreams: heard }));
  await settle();
  emit({ event: "connection", state: "connected" });
  // Who only listens has never sent anything.
  await isQuiet();
  packets = 10;
  media.update(view({}, { remoteStreams: muted }));
  await isQuiet();
  emit({ event: "held-by-peer", isHeld: true });
  media.update(view({}, { remoteStreams: heard }));
  await isQuiet();
  emit({ event: "held-by-peer", isHeld: false });
  media.update(view({}, { remoteStreams: heard, isOnHold: true }));
  await isQuiet();
  // What has just become due is not missed yet.
  await vi.advanceTimersByTimeAsync(2_900);
  media.update(view({}, { role: "caller", remoteStreams: heard }));
  await vi.advanceTimersByTimeAsync(200);
  expect(counts().restarts).toBe(0);
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

const streamOf = (id: string, ...kinds: ("audio" | "video")[]) => {
  const tracks = kinds.map((kind) => {
    const track = new EventTarget() as EventTarget & Record<string, unknown>;
    return Object.assign(track, {
      id: `${id}-${kind}`,
      kind,
      readyState: "live",
      enabled: true,
      getSettings: () => ({ width: 1_280, height: 720 }),
      stop: () => (track["readyState"] = "ended"),
    });
  });
  const stream = Object.assign(new EventTarget(), {
    id,
    getTracks: () => [...tracks],
    getVideoTracks: () => tracks.filter(({ kind }) => kind === "video"),
    getAudioTracks: () => tracks.filter(({ kind }) => kind === "audio"),
    addTrack: (track: (typeof tracks)[number]) => tracks.push(track),
    removeTrack: (track: (typeof tracks)[number]) => tracks.splice(tracks.indexOf(track), 1),
  });
  return stream as unknown as MediaStream;
};

const shareOptions = { maxHeightPx: undefined, frameRate: 30, mode: "text", withSound: true } as const;
const knownStreams = { remoteStreams: { remote: { purpose: "m.usermedia", audioMuted: false, videoMuted: false } } };

test("a held call is silent at once in both directions, and comes back as it was", async () => {
  const { media, wire, emit } = bench();
  media.update(view());
  await settle();
  expect(wire.splice(0)).toEqual(["video:camera"]);
  const remote = streamOf("remote", "audio", "video");
  for (const track of remote.getTracks()) emit({ event: "remote-track", track, stream: remote });
  media.update(view({}, { isOnHold: true }));
  expect(remote.getTracks().map(({ enabled }) => enabled)).toEqual([false, false]);
  media.update(view({}, { isOnHold: true }));
  await settle();
  const late = streamOf("late", "audio");
  for (const track of late.getTracks()) emit({ event: "remote-track", track, stream: late });
  expect(late.getTracks()[0]?.enabled).toBe(false);
  media.update(view());
  await settle();
  expect(wire).toEqual(["held:true", "local held:true", "held:false", "local held:false"]);
  expect(remote.getTracks().map(({ enabled }) => enabled)).toEqual([true, true]);
  emit({ event: "held-by-peer", isHeld: true });
  expect(media.snapshot().isHeldByPeer).toBe(true);
});

test("a shared screen is a stream of its own: in the metadata of its offer, and gone with its source", async () => {
  const screen = streamOf("screen", "video", "audio");
  const { media, wire, facts, emit } = bench({ captureScreen: async () => screen });
  media.update(view({}, knownStreams));
  await settle();
  expect(wire.splice(0)).toEqual(["video:camera"]);
  await media.startScreen(shareOptions);
  expect(wire).toEqual(["screen:screen-video", "screenAudio:screen-audio"]);
  expect(media.snapshot()).toMatchObject({ screen: "on", screenStream: screen });
  emit({ event: "description", description: { type: "offer", sdp: "o" } });
  expect(facts.at(-1)).toMatchObject({
    fact: "description",
    streams: {
      "stream-1": { purpose: "m.usermedia" },
      screen: { purpose: "m.screenshare", audioMuted: false, videoMuted: false },
    },
  });
  screen.getVideoTracks()[0]?.dispatchEvent(new Event("ended"));
  await settle();
  expect(wire.slice(2)).toEqual(["screen:nothing", "screenAudio:nothing"]);
  expect(media.snapshot().screen).toBe("off");
  expect(media.snapshot()).not.toHaveProperty("screenStream");
  emit({ event: "description", description: { type: "offer", sdp: "o" } });
  expect(Object.keys((facts.at(-1) as { streams: object }).streams)).toEqual(["stream-1"]);
});

test("a screen that comes too late is let go: the user, the wish or the call had ended", async () => {
  for (const meanwhile of ["cancelled", "stopped", "ended"] as const) {
    const { promise, resolve } = Promise.withResolvers<MediaStream | undefined>();
    const screen = streamOf("screen", "video");
    const { media, wire } = bench({ captureScreen: () => promise });
    media.update(view({}, knownStreams));
    await settle();
    const started = media.startScreen(shareOptions);
    expect(media.snapshot().screen).toBe("starting");
    if (meanwhile === "stopped") await media.stopScreen();
    if (meanwhile === "ended") media.close();
    resolve(meanwhile === "cancelled" ? undefined : screen);
    await started;
    expect(
      wire.filter((each) => each.startsWith("screen:screen")),
      meanwhile,
    ).toEqual([]);
    expect(media.snapshot().screen).toBe("off");
    if (meanwhile !== "cancelled") expect(screen.getTracks()[0]?.readyState).toBe("ended");
  }
});

test("a peer without metadata gets the screen in the camera's place, one that takes no offers only there", async () => {
  const screen = streamOf("screen", "video");
  const own = bench({ captureScreen: async () => screen, places: ["video"] });
  own.media.update(view({ canRenegotiate: false }));
  await settle();
  expect(own.wire.splice(0)).toEqual(["video:camera"]);
  expect(own.mayOffer()).toBe(false);
  await own.media.startScreen(shareOptions);
  await own.media.setCamera(false);
  await own.media.stopScreen();
  expect(own.wire).toEqual(["video:screen-video", "video:screen-video", "video:camera"]);

  const voice = bench({ captureScreen: async () => screen });
  voice.media.update(view({ canRenegotiate: false }));
  await settle();
  expect(voice.wire.splice(0)).toEqual(["video:camera"]);
  await expect(voice.media.startScreen(shareOptions)).rejects.toThrow("screen: unavailable");
  await voice.media.setCamera(true);
  expect(voice.wire).toEqual([]);
});

test("the other side's screen is shown where its metadata says so, and other streams nowhere", async () => {
  const { media, emit } = bench();
  const screen = { purpose: "m.screenshare", audioMuted: false, videoMuted: false };
  media.update(view({}, { remoteStreams: { ...knownStreams.remoteStreams, shared: screen } }));
  await settle();
  const streams = ["stray", "shared", "remote"].map((id) => streamOf(id, "audio", "video"));
  for (const stream of streams) for (const track of stream.getTracks()) emit({ event: "remote-track", track, stream });
  expect(media.snapshot().remoteScreenStream).toBe(streams[1]);
  expect(media.snapshot().remoteStream).toBe(streams[2]);
  // The same stream again is another object with the same id.
  const again = streamOf("shared", "video");
  for (const track of again.getTracks()) emit({ event: "remote-track", track, stream: again });
  expect(media.snapshot().remoteScreenStream).toBe(again);
  for (let index = 0; index < 100; index++) {
    const stream = streamOf(`flood-${index}`, "video");
    for (const track of stream.getTracks()) emit({ event: "remote-track", track, stream });
  }
  media.update(view({}, { remoteStreams: { "flood-99": screen } }));
  expect(media.snapshot().remoteScreenStream).toBeUndefined();
});

test("another network makes a call that runs look for a path at once, and not twice for one change", async () => {
  const { media, emit, counts, networkChange } = bench();
  media.update(view());
  await settle();
  networkChange();
  expect(counts().restarts).toBe(0);
  await vi.advanceTimersByTimeAsync(100);
  emit({ event: "connection", state: "connected" });
  await vi.advanceTimersByTimeAsync(5_000);
  networkChange();
  networkChange();
  expect(counts().restarts).toBe(1);
  await vi.advanceTimersByTimeAsync(3_000);
  networkChange();
  expect(counts().restarts).toBe(2);
  media.close();
  networkChange();
  expect(counts().restarts).toBe(2);
});

test("new relays are taken over when they change, tones as far as there are such", async () => {
  const { media, wire } = bench();
  media.update(view());
  await settle();
  expect(wire.splice(0)).toEqual(["video:camera"]);
  media.update(view({}, { iceServers: [{ urls: ["turn:relay.example"], username: "u", credential: "c" }] }));
  media.update(view({}, { iceServers: [{ urls: ["turn:relay.example"], username: "u", credential: "c" }] }));
  media.sendTones("12x a#,é*");
  media.sendTones("none");
  expect(wire).toEqual(["servers:turn:relay.example", "tones:12A#,*"]);
});
