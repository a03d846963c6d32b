/**
 * The CallTransport over simple-peer. Owns one peer and its RTCPeerConnection; opened by call-media.ts.
 * The library is given a connection class of ours, which shows us the connection and keeps it alive where
 * simple-peer alone would give up: on a failed path, a candidate or a description that cannot be used, and
 * on data channels, which Matrix calls do not have.
 * Invariants: one negotiation step at a time; nothing that has no Matrix form leaves here; no STUN server
 * is used that was not asked for. spec: voip; W3C WebRTC, "Perfect negotiation example".
 */
import Peer from "simple-peer/simplepeer.min.js";
import type { Candidate, Description, IceServer } from "../../../../preload/contract/views.ts";
import type {
  CallTransport,
  ConnectionState,
  Outgoing,
  SendLimits,
  Slot,
  TransportEvent,
  TransportOptions,
} from "./call-transport.ts";
import {
  admitRemote,
  holdsCandidate,
  isRelayed,
  isTriable,
  MAX_CANDIDATES,
  withoutRelatedAddress,
  withRelaysOnly,
  withRepairTime,
  withSilentPauses,
  withStartBitrate,
} from "./sdp.ts";
import { watchSilence } from "./silence-watch.ts";
import { askForWholePicture, sendWholePicture } from "./whole-picture.ts";

/** After three times this a receiver asks for a whole picture: less than 2 s, and more than a still screen pauses. */
const REPAIR_MS = 400;
/** How long an offer waits for candidates to go inside it. spec: voip, "about 200 ms". */
const OFFER_GATHER_MS = 200;
/** How long an answer does: the other side is waiting for it. */
const ANSWER_GATHER_MS = 50;
/** Local candidates come within a few milliseconds of each other: this long after the first an answer goes out. */
const ANSWER_SETTLE_MS = 5;

/** What our camera's picture needs at its usual size. */
const START_KILOBITS_PER_SECOND = 1_000;
/** A tone and the pause after it, in milliseconds: what telephone systems certainly recognise. */
const TONE_MS = 160;
const TONE_GAP_MS = 70;

/** Opens a transport over simple-peer. */
export function openSimplePeerTransport(
  options: TransportOptions,
  onEvent: (event: TransportEvent) => void,
): CallTransport {
  return new SimplePeerTransport(options, onEvent);
}

type ConnectionHooks = { onRemoteApplied: () => void; onRemoteSettled: (error?: unknown) => void };
type TamedConnection = RTCPeerConnection & { readonly realState: RTCPeerConnectionState };

/** The class is made late because only browsers have its base. */
function tamedConnectionClass(hooks: ConnectionHooks, capture: (connection: TamedConnection) => void) {
  return class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      capture(this);
    }

    get realState(): RTCPeerConnectionState {
      return super.connectionState;
    }

    // simple-peer destroys itself on "failed", but a failed path can still be restarted.
    override get connectionState(): RTCPeerConnectionState {
      return super.connectionState === "failed" ? "disconnected" : super.connectionState;
    }

    override get iceConnectionState(): RTCIceConnectionState {
      return super.iceConnectionState === "failed" ? "disconnected" : super.iceConnectionState;
    }

    // A data channel would add a section that other Matrix clients do not offer, and its end would end the peer.
    override createDataChannel(): RTCDataChannel {
      const stub = {
        label: "",
        readyState: "connecting",
        bufferedAmount: 0,
        bufferedAmountLowThreshold: 0,
        send() {},
        close() {},
      };
      return stub as unknown as RTCDataChannel;
    }

    // spec: voip: a candidate that cannot be used never ends a call.
    override async addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      try {
        await super.addIceCandidate(candidate);
      } catch {
        // The path through this candidate is lost, not the call.
      }
    }

    // A refused description must not destroy the peer; simple-peer is left waiting, and the transport goes on.
    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      return super.setRemoteDescription(description).then(
        () => {
          hooks.onRemoteApplied();
          hooks.onRemoteSettled();
        },
        (error: unknown) => {
          hooks.onRemoteSettled(error ?? new Error("refused"));
          return new Promise<void>(() => {});
        },
      );
    }
  };
}

/** The browser's words for our servers and our wish for privacy. */
const toConfiguration = (iceServers: readonly IceServer[], isRelayOnly: boolean): RTCConfiguration => ({
  // Named even when empty: simple-peer would ask servers of others otherwise.
  iceServers: iceServers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  })),
  iceTransportPolicy: isRelayOnly ? "relay" : "all",
  bundlePolicy: "max-bundle",
});

/** The same direction, but for what comes from the other side. */
const withoutReceiving = (direction: RTCRtpTransceiverDirection): RTCRtpTransceiverDirection =>
  direction === "sendrecv" ? "sendonly" : direction === "recvonly" ? "inactive" : direction;

const isReceivingAlone = (direction: RTCRtpTransceiverDirection): boolean =>
  direction === "recvonly" || direction === "inactive";

/** Puts the codecs of a kind into an order of ours, or leaves some out; a browser that refuses keeps its own. */
function chooseCodecs(
  transceiver: RTCRtpTransceiver,
  kind: "audio" | "video",
  choose: (codecs: readonly RTCRtpCodec[]) => RTCRtpCodec[],
): void {
  try {
    transceiver.setCodecPreferences(choose(RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []));
  } catch {
    // Some versions list codecs that they then refuse.
  }
}

const isCodec = (codec: RTCRtpCodec, mimeType: string): boolean => codec.mimeType.toLowerCase() === mimeType;

/** Sound that carries its last packets along is understood where one in ten is lost. spec: RFC 2198. */
const redundantFirst = (codecs: readonly RTCRtpCodec[]): RTCRtpCodec[] => [
  ...codecs.filter((codec) => isCodec(codec, "audio/red")),
  ...codecs.filter((codec) => !isCodec(codec, "audio/red")),
];

/** Chromium fails to apply its own description when a Firefox shared its screen first, unless RTX is left out. */
const withoutRtx = (codecs: readonly RTCRtpCodec[]): RTCRtpCodec[] =>
  codecs.filter((codec) => !isCodec(codec, "video/rtx"));

/** Sets what a picture may cost; undefined leaves it to the browser again. */
async function limit(sender: RTCRtpSender, limits: SendLimits | undefined): Promise<void> {
  const parameters = sender.getParameters() as RTCRtpSendParameters & { degradationPreference?: string };
  for (const encoding of parameters.encodings) {
    delete encoding.maxBitrate;
    delete encoding.maxFramerate;
    encoding.scaleResolutionDownBy = limits?.scaleDownBy ?? 1;
    if (limits?.maxBitrateBps !== undefined) encoding.maxBitrate = limits.maxBitrateBps;
    if (limits?.maxFrameRate !== undefined) encoding.maxFramerate = limits.maxFrameRate;
  }
  parameters.degradationPreference =
    limits === undefined ? "balanced" : limits.keeps === "resolution" ? "maintain-resolution" : "maintain-framerate";
  try {
    await sender.setParameters(parameters);
  } catch {
    // The browser's own limits do, less well.
  }
}

type Place = { transceiver: RTCRtpTransceiver; outgoing: Outgoing | undefined; isLimited: boolean };

class SimplePeerTransport implements CallTransport {
  readonly #onEvent: (event: TransportEvent) => void;
  readonly #peer: Peer;
  readonly #connection: TamedConnection;
  readonly #isRelayOnly: boolean;
  readonly #places = new Map<Slot, Place>();
  /** While we hold: the directions to go back to. */
  #directions: Map<RTCRtpTransceiver, RTCRtpTransceiverDirection> | undefined;
  #isHeldByPeer = false;
  #mayOffer = true;
  /** What is to go into the places of the first offer. */
  #announced: TransportOptions["announced"];
  #remoteCandidateCount = 0;

  #queue: Promise<void> = Promise.resolve();
  #remoteSettled: ((error?: unknown) => void) | undefined;
  #descriptionMade: ((isMade: boolean) => void) | undefined;
  #closed = false;

  /** True from before a description is made until it was reported: candidates wait, most will be inside it. */
  #isHolding = false;
  #held: Candidate[] = [];
  #onGathering: (() => void) | undefined;
  #hasRestarted = false;

  #hasBeenStable = false;
  /** An offer of ours is due as soon as the connection is stable again. */
  #isOfferDue = false;
  #isMakingOffer = false;
  /** The last offer of the other side lost against ours: its candidates mean nothing to us. */
  #isIgnoringOffer = false;
  #reportedState: ConnectionState | undefined;
  #stopWatch: (() => void) | undefined;

  constructor(options: TransportOptions, onEvent: (event: TransportEvent) => void) {
    this.#onEvent = onEvent;
    let connection: TamedConnection | undefined;
    this.#isRelayOnly = options.isRelayOnly;
    const hooks: ConnectionHooks = {
      // Before the answer is made: what the other side adds to a held call is held too.
      onRemoteApplied: () => {
        this.#withholdAll();
        this.#takeAnnounced();
      },
      onRemoteSettled: (error) => this.#remoteSettled?.(error),
    };
    const isCaller = options.role === "caller";
    this.#peer = new Peer({
      initiator: isCaller,
      streams: options.streams,
      trickle: true,
      config: toConfiguration(options.iceServers, options.isRelayOnly),
      channelConfig: { negotiated: true, id: 0 },
      sdpTransform: (sdp) => withRepairTime(withSilentPauses(sdp), REPAIR_MS),
      wrtc: {
        RTCPeerConnection: tamedConnectionClass(hooks, (made) => {
          connection = made;
        }),
        RTCSessionDescription,
        RTCIceCandidate,
      },
    });
    this.#peer.on("error", (error) => this.#onBroken(error.message));
    this.#peer.on("close", () => this.#onBroken("closed"));
    if (!connection) throw new Error("This window cannot make calls: it has no WebRTC.");
    this.#connection = connection;
    this.#announced = options.announced;
    for (const transceiver of connection.getTransceivers()) {
      const { track } = transceiver.sender;
      const stream = track && options.streams.find((each) => each.getTracks().includes(track));
      if (!stream) continue;
      const slot = track.kind === "audio" ? "audio" : "video";
      this.#places.set(slot, { transceiver, outgoing: { track, stream }, isLimited: false });
      if (slot === "audio") chooseCodecs(transceiver, "audio", redundantFirst);
    }

    this.#peer.on("signal", (signal) => {
      // From its first answer on, the callee too makes offers of its own instead of asking for them.
      if (signal.type === "answer") this.#peer.initiator = true;
      if (signal.type === "answer" || signal.type === "offer") this.#descriptionMade?.(true);
    });
    this.#peer.on("track", (track, stream) => this.#emit({ event: "remote-track", track, stream }));
    connection.addEventListener("icecandidate", (event) => this.#onCandidate(event.candidate));
    connection.addEventListener("icegatheringstatechange", () => this.#onGatheringState());
    connection.addEventListener("connectionstatechange", () => this.#onConnectionState());
    connection.addEventListener("signalingstatechange", () => this.#onSignalingState());
    connection.addEventListener("negotiationneeded", () => this.#onNegotiationNeeded());

    // simple-peer begins the caller's first offer by itself.
    if (isCaller) this.#enqueue(() => this.#reportOffer(() => {}));
  }

  /** Before the first answer is made: the places of the offer that ours will go into, said to be in our stream. */
  #takeAnnounced(): void {
    const announced = this.#announced;
    this.#announced = undefined;
    if (!announced || this.#closed) return;
    for (const slot of announced.slots) {
      const isOfKind = ({ receiver }: RTCRtpTransceiver) => receiver.track.kind === slot;
      const transceiver = this.#connection.getTransceivers().find(isOfKind);
      // Nothing was offered of this kind: what comes then is offered by us.
      if (!transceiver || this.#places.has(slot)) continue;
      transceiver.sender.setStreams(announced.stream);
      this.#setDirection(transceiver, "sendrecv");
      if (slot === "audio") chooseCodecs(transceiver, "audio", redundantFirst);
      this.#places.set(slot, { transceiver, outgoing: undefined, isLimited: false });
    }
  }

  applyRemote(description: Description, isPolite: boolean): void {
    this.#enqueue(() => {
      switch (description.type) {
        case "offer":
          return this.#applyOffer(description, isPolite);
        case "rollback":
          return this.#rollBack();
        case "answer":
        case "pranswer":
          return this.#applyAnswer(description);
      }
    });
  }

  addCandidates(candidates: readonly Candidate[]): void {
    this.#enqueue(() => {
      if (this.#isIgnoringOffer) return;
      const room = Math.max(0, MAX_CANDIDATES - this.#remoteCandidateCount);
      const admitted = candidates.filter(({ candidate }) => isTriable(candidate, this.#isRelayOnly)).slice(0, room);
      this.#remoteCandidateCount += admitted.length;
      for (const { candidate, sdpMid, sdpMLineIndex } of admitted) {
        if (sdpMid === undefined && sdpMLineIndex === undefined) continue;
        try {
          this.#peer.signal({
            type: "candidate",
            candidate: { candidate, sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null },
          });
        } catch {
          // Text that is no candidate: the others may do.
        }
      }
    });
  }

  restart(): void {
    if (this.#closed || !this.#hasBeenStable || !this.#mayOffer) return;
    this.#hasRestarted = true;
    // The browser answers with negotiationneeded, at once or when it is stable again.
    this.#connection.restartIce();
  }

  async sendTrack(slot: Slot, outgoing: Outgoing | undefined): Promise<void> {
    if (this.#closed) return;
    const place = this.#places.get(slot);
    if (!place && !outgoing) return;
    if (place) place.outgoing = outgoing;
    else if (outgoing) {
      const transceiver = this.#addTransceiver(slot, outgoing);
      this.#places.set(slot, { transceiver, outgoing, isLimited: false });
    }
    await this.#fill(slot);
  }

  hasPlace(slot: Slot): boolean {
    return this.#places.has(slot);
  }

  async setHeld(isHeld: boolean): Promise<void> {
    if (this.#closed || isHeld === (this.#directions !== undefined)) return;
    if (isHeld) {
      this.#directions = new Map();
      this.#withholdAll();
    } else {
      const before = this.#directions;
      this.#directions = undefined;
      for (const [transceiver, direction] of before ?? []) this.#setDirection(transceiver, direction);
    }
    for (const slot of this.#places.keys()) await this.#fill(slot);
  }

  setIceServers(iceServers: readonly IceServer[]): void {
    if (this.#closed) return;
    try {
      this.#connection.setConfiguration(toConfiguration(iceServers, this.#isRelayOnly));
    } catch {
      // An address that is none: the relays so far go on.
    }
  }

  setMayOffer(mayOffer: boolean): void {
    this.#mayOffer = mayOffer;
  }

  sendTones(tones: string): void {
    const dtmf = this.#places.get("audio")?.transceiver.sender.dtmf;
    // Without sound of ours there is nothing that the tones could go with.
    if (!this.#closed && dtmf?.canInsertDTMF) dtmf.insertDTMF(dtmf.toneBuffer + tones, TONE_MS, TONE_GAP_MS);
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWatch?.();
    this.#settleWaiting();
    this.#peer.destroy();
  }

  /** A new place on the wire. A screen gets its own; a camera may use the one that the other side's came with. */
  #addTransceiver(slot: Slot, { track, stream }: Outgoing): RTCRtpTransceiver {
    if (slot === "audio" || slot === "video") {
      const sender = this.#connection.addTrack(track, stream);
      const transceiver = this.#connection.getTransceivers().find((each) => each.sender === sender);
      if (transceiver) {
        if (slot === "audio") chooseCodecs(transceiver, "audio", redundantFirst);
        this.#setDirection(transceiver, "sendrecv");
        return transceiver;
      }
    }
    // Both ways, so that the other side can share its screen through the same section.
    const transceiver = this.#connection.addTransceiver(track, { direction: "sendrecv", streams: [stream] });
    if (slot === "screen") chooseCodecs(transceiver, "video", withoutRtx);
    this.#setDirection(transceiver, "sendrecv");
    return transceiver;
  }

  /** Brings what is sent in a slot, and how, in line with what shall be. */
  async #fill(slot: Slot): Promise<void> {
    const place = this.#places.get(slot);
    if (!place || this.#closed) return;
    const { transceiver, outgoing } = place;
    if (slot === "screen" || slot === "screenAudio")
      this.#setDirection(transceiver, outgoing ? "sendrecv" : "recvonly");
    if (outgoing && (outgoing.limits || place.isLimited)) {
      place.isLimited = outgoing.limits !== undefined;
      // First, or the first picture would go out without them.
      await limit(transceiver.sender, outgoing.limits);
    }
    // What is to be sent may be something else by now.
    if (!this.#closed) await transceiver.sender.replaceTrack(this.#directions ? null : (place.outgoing?.track ?? null));
  }

  #setDirection(transceiver: RTCRtpTransceiver, direction: RTCRtpTransceiverDirection): void {
    if (transceiver.direction === "stopped") return;
    this.#directions?.set(transceiver, direction);
    const next = this.#directions ? withoutReceiving(direction) : direction;
    // The browser asks for an offer where the direction is not the negotiated one.
    if (transceiver.direction !== next) transceiver.direction = next;
  }

  /** While we hold: sees to it that no section receives. */
  #withholdAll(): void {
    if (!this.#directions || this.#closed) return;
    for (const transceiver of this.#connection.getTransceivers())
      if (!this.#directions.has(transceiver)) this.#setDirection(transceiver, transceiver.direction);
  }

  #emit(event: TransportEvent): void {
    if (!this.#closed) this.#onEvent(event);
  }

  #enqueue(step: () => void | Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        this.#onBroken(error instanceof Error ? error.message : String(error));
      }
    });
  }

  #onBroken(reason: string): void {
    if (this.#closed) return;
    this.#emit({ event: "broken", reason });
    this.close();
  }

  /** Lets go of whoever waits inside the queue, so that the queue runs dry. */
  #settleWaiting(): void {
    this.#remoteSettled?.(new Error("closed"));
    this.#descriptionMade?.(false);
    this.#onGathering?.();
  }

  async #applyOffer(description: Description, isPolite: boolean): Promise<void> {
    const isCollision = this.#connection.signalingState !== "stable";
    this.#isIgnoringOffer = isCollision && !isPolite;
    if (this.#isIgnoringOffer) return;
    // Our own offer is rolled back by theirs and must be made again.
    if (isCollision) this.#isOfferDue = true;
    const isFirst = !this.#hasBeenStable;
    const answer = this.#awaitDescription();
    const refusal = await this.#signalRemote(description);
    if (refusal !== undefined) {
      this.#descriptionMade = undefined;
      this.#release();
      // Without a first description there is no call; a later one that makes no sense changes nothing.
      if (isFirst) throw new Error(`The offer cannot be used: ${refusal}`);
      return;
    }
    if (await answer) await this.#report(ANSWER_GATHER_MS, ANSWER_SETTLE_MS);
  }

  async #applyAnswer(description: Description): Promise<void> {
    const state = this.#connection.signalingState;
    // A stray answer would end the peer.
    if (state !== "have-local-offer" && state !== "have-remote-pranswer") return;
    const isFirst = !this.#hasBeenStable;
    const refusal = await this.#signalRemote(description);
    if (refusal !== undefined && isFirst) throw new Error(`The answer cannot be used: ${refusal}`);
    if (refusal !== undefined) await this.#rollBack();
  }

  /** Takes an offer back that nobody answered in time. spec: voip, m.call.negotiate lifetime. */
  async #rollBack(): Promise<void> {
    if (this.#connection.signalingState === "have-local-offer")
      await this.#connection.setLocalDescription({ type: "rollback" });
  }

  /** Hands a description to the peer; resolves with the reason when the browser refuses it. */
  async #signalRemote(description: Description): Promise<string | undefined> {
    const admitted = admitRemote(description.sdp, this.#isRelayOnly);
    if ("refusal" in admitted) return admitted.refusal;
    this.#remoteCandidateCount = 0;
    const settled = new Promise<unknown>((resolve) => {
      this.#remoteSettled = resolve;
    });
    this.#peer.signal({ type: description.type, sdp: withStartBitrate(admitted.sdp, START_KILOBITS_PER_SECOND) });
    const error = await settled;
    this.#remoteSettled = undefined;
    if (error === undefined) return undefined;
    return error instanceof Error ? error.message : "refused";
  }

  #onNegotiationNeeded(): void {
    // Before the first exchange the roles decide who offers. While one runs nothing is lost either: the
    // browser asks again as soon as it is stable and the need remains.
    if (!this.#hasBeenStable || !this.#mayOffer || this.#isMakingOffer || this.#connection.signalingState !== "stable")
      return;
    this.#isOfferDue = true;
    this.#enqueue(() => this.#offerIfDue());
  }

  #onSignalingState(): void {
    if (this.#connection.signalingState !== "stable") return;
    this.#hasBeenStable = true;
    this.#tellWhetherHeld();
    if (this.#isOfferDue) this.#enqueue(() => this.#offerIfDue());
  }

  /**
   * spec: voip: we are held when no section lets us send. Who only listens is not held by that, so it counts only
   * where we would send.
   */
  #tellWhetherHeld(): void {
    const transceivers = this.#connection.getTransceivers().filter((each) => each.currentDirection !== null);
    const isHeld =
      transceivers.some(({ direction }) => !isReceivingAlone(direction)) &&
      transceivers.every(({ currentDirection }) => currentDirection === null || isReceivingAlone(currentDirection));
    if (isHeld === this.#isHeldByPeer) return;
    this.#isHeldByPeer = isHeld;
    this.#emit({ event: "held-by-peer", isHeld });
  }

  async #offerIfDue(): Promise<void> {
    if (!this.#isOfferDue || this.#connection.signalingState !== "stable") return;
    this.#isOfferDue = false;
    await this.#reportOffer(() => this.#peer.negotiate());
  }

  async #reportOffer(begin: () => void): Promise<void> {
    this.#isMakingOffer = true;
    const offer = this.#awaitDescription();
    begin();
    const isMade = await offer;
    this.#isMakingOffer = false;
    if (isMade) await this.#report(OFFER_GATHER_MS);
  }

  /** Resolves when simple-peer has put a description of ours into force; false when it will not. */
  #awaitDescription(): Promise<boolean> {
    this.#isHolding = true;
    return new Promise((resolve) => {
      this.#descriptionMade = (isMade) => {
        this.#descriptionMade = undefined;
        resolve(isMade);
      };
    });
  }

  async #report(maxMs: number, settleMs?: number): Promise<void> {
    await this.#gather(maxMs, settleMs);
    const description = this.#connection.localDescription;
    const sdp = description && (this.#isRelayOnly ? withRelaysOnly(description.sdp) : description.sdp);
    if (description && !this.#closed)
      this.#emit({ event: "description", description: { type: description.type, sdp: sdp ?? "" } });
    this.#release(sdp ?? "");
  }

  /** Resolves when gathering is complete, or else when waiting longer would cost more than it brings. */
  async #gather(maxMs: number, settleMs?: number): Promise<void> {
    let resolve = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const mayBeStale = this.#hasRestarted;
    this.#hasRestarted = false;
    const timer = setTimeout(resolve, maxMs);
    let settleTimer: ReturnType<typeof setTimeout> | undefined;
    const check = () => {
      const isComplete = this.#connection.iceGatheringState === "complete";
      // Right after a restart the state still tells of the gathering before.
      if (this.#closed || (isComplete && (!mayBeStale || this.#held.length > 0))) resolve();
      else if (settleMs !== undefined && this.#held.length > 0) settleTimer ??= setTimeout(resolve, settleMs);
    };
    this.#onGathering = check;
    check();
    await promise;
    this.#onGathering = undefined;
    clearTimeout(timer);
    clearTimeout(settleTimer);
  }

  #onCandidate(found: RTCIceCandidate | null): void {
    if (!found || found.candidate === "") return;
    if (this.#isRelayOnly && !isRelayed(found.candidate)) return;
    const candidate: Candidate = {
      candidate: this.#isRelayOnly ? withoutRelatedAddress(found.candidate) : found.candidate,
      ...(found.sdpMid === null ? {} : { sdpMid: found.sdpMid }),
      ...(found.sdpMLineIndex === null ? {} : { sdpMLineIndex: found.sdpMLineIndex }),
    };
    this.#emitCandidate(candidate);
  }

  #onGatheringState(): void {
    if (this.#connection.iceGatheringState === "complete") this.#emitCandidate({ candidate: "" });
  }

  #emitCandidate(candidate: Candidate): void {
    if (this.#isHolding) this.#held.push(candidate);
    else this.#emit({ event: "candidate", candidate });
    this.#onGathering?.();
  }

  /** Ends the holding back: reports what was found meanwhile and is not inside `sdp`. */
  #release(sdp = ""): void {
    this.#isHolding = false;
    for (const candidate of this.#held.splice(0)) {
      if (candidate.candidate === "" || !holdsCandidate(sdp, candidate.candidate))
        this.#emit({ event: "candidate", candidate });
    }
  }

  #onConnectionState(): void {
    const state = this.#connection.realState;
    const reported: ConnectionState | undefined = state === "new" || state === "closed" ? undefined : state;
    if (!reported || reported === this.#reportedState) return;
    this.#reportedState = reported;
    if (reported === "connected" && !this.#closed)
      this.#stopWatch ??= watchSilence(
        () => this.#connection.getReceivers(),
        () => this.#renewPictures(),
      );
    this.#emit({ event: "connection", state: reported });
  }

  /** What was lost in a cut is missed by all pictures after it, in both directions. */
  #renewPictures(): void {
    for (const sender of this.#connection.getSenders()) void sendWholePicture(sender);
    for (const receiver of this.#connection.getReceivers()) askForWholePicture(receiver);
  }
}
