/**
 * The CallTransport over simple-peer. Owns one peer and its RTCPeerConnection; opened by call-media.ts.
 * The library is given a connection class of ours, which shows us the connection and keeps it alive where
 * simple-peer alone would give up: on a failed path, a candidate or a description that cannot be used, and
 * on data channels, which Matrix calls do not have.
 * Invariants: one negotiation step at a time; nothing that has no Matrix form leaves here; no STUN server
 * is used that was not asked for. spec: voip; W3C WebRTC, "Perfect negotiation example".
 */
import Peer from "simple-peer/simplepeer.min.js";
import type { Candidate, Description } from "../../../../preload/contract/views.ts";
import type { CallTransport, ConnectionState, TransportEvent, TransportOptions } from "./call-transport.ts";
import { holdsCandidate, withSilentPauses } from "./sdp.ts";

/** How long an offer waits for candidates to go inside it. spec: voip, "about 200 ms". */
const OFFER_GATHER_MS = 200;
/** How long an answer does: the other side is waiting for it. */
const ANSWER_GATHER_MS = 50;
/** Local candidates come within a few milliseconds of each other: this long after the first an answer goes out. */
const ANSWER_SETTLE_MS = 15;

/** Opens a transport over simple-peer. */
export function openSimplePeerTransport(
  options: TransportOptions,
  onEvent: (event: TransportEvent) => void,
): CallTransport {
  return new SimplePeerTransport(options, onEvent);
}

type ConnectionHooks = { onRemoteSettled: (error?: unknown) => void };
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
        () => hooks.onRemoteSettled(),
        (error: unknown) => {
          hooks.onRemoteSettled(error ?? new Error("refused"));
          return new Promise<void>(() => {});
        },
      );
    }
  };
}

class SimplePeerTransport implements CallTransport {
  readonly #onEvent: (event: TransportEvent) => void;
  readonly #peer: Peer;
  readonly #connection: TamedConnection;
  readonly #senders = new Map<string, RTCRtpSender>();

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

  constructor(options: TransportOptions, onEvent: (event: TransportEvent) => void) {
    this.#onEvent = onEvent;
    let connection: TamedConnection | undefined;
    const hooks: ConnectionHooks = { onRemoteSettled: (error) => this.#remoteSettled?.(error) };
    const isCaller = options.role === "caller";
    this.#peer = new Peer({
      initiator: isCaller,
      streams: options.streams,
      trickle: true,
      config: {
        // Named even when empty: simple-peer would ask servers of others otherwise.
        iceServers: options.iceServers.map(({ urls, username, credential }) => ({
          urls,
          ...(username === undefined ? {} : { username }),
          ...(credential === undefined ? {} : { credential }),
        })),
        iceTransportPolicy: options.isRelayOnly ? "relay" : "all",
        bundlePolicy: "max-bundle",
      },
      channelConfig: { negotiated: true, id: 0 },
      sdpTransform: withSilentPauses,
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
    for (const sender of connection.getSenders()) if (sender.track) this.#senders.set(sender.track.kind, sender);

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
      for (const { candidate, sdpMid, sdpMLineIndex } of candidates) {
        // The end of candidates has no use here, and simple-peer cannot parse it.
        if (candidate === "" || (sdpMid === undefined && sdpMLineIndex === undefined)) continue;
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
    if (this.#closed || !this.#hasBeenStable) return;
    this.#hasRestarted = true;
    // The browser answers with negotiationneeded, at once or when it is stable again.
    this.#connection.restartIce();
  }

  async sendTrack(kind: "audio" | "video", track: MediaStreamTrack | undefined, stream: MediaStream): Promise<void> {
    if (this.#closed) return;
    const sender = this.#senders.get(kind);
    if (sender) await sender.replaceTrack(track ?? null);
    else if (track) this.#senders.set(kind, this.#connection.addTrack(track, stream));
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settleWaiting();
    this.#peer.destroy();
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
    const settled = new Promise<unknown>((resolve) => {
      this.#remoteSettled = resolve;
    });
    this.#peer.signal({ type: description.type, sdp: description.sdp });
    const error = await settled;
    this.#remoteSettled = undefined;
    if (error === undefined) return undefined;
    return error instanceof Error ? error.message : "refused";
  }

  #onNegotiationNeeded(): void {
    // Before the first exchange the roles decide who offers. While one runs nothing is lost either: the
    // browser asks again as soon as it is stable and the need remains.
    if (!this.#hasBeenStable || this.#isMakingOffer || this.#connection.signalingState !== "stable") return;
    this.#isOfferDue = true;
    this.#enqueue(() => this.#offerIfDue());
  }

  #onSignalingState(): void {
    if (this.#connection.signalingState !== "stable") return;
    this.#hasBeenStable = true;
    if (this.#isOfferDue) this.#enqueue(() => this.#offerIfDue());
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
    if (description && !this.#closed)
      this.#emit({ event: "description", description: { type: description.type, sdp: description.sdp } });
    this.#release(description?.sdp);
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
    const candidate: Candidate = {
      candidate: found.candidate,
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
    this.#emit({ event: "connection", state: reported });
  }
}
