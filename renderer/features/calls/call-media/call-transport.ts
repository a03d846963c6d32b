/**
 * CallTransport: what a call needs of a peer connection, in our own words. call-media.ts drives it;
 * simple-peer-transport.ts implements it, so that the library behind it can be exchanged.
 * Invariant: descriptions and candidates are applied in the order of the calls and reported in the order
 * in which they must be sent; after `close()` no event comes.
 * spec: voip; W3C WebRTC, "Perfect negotiation example".
 */
import type { Candidate, Description, IceServer } from "../../../../preload/contract/views.ts";

export type TransportOptions = {
  /** The caller makes the first offer; the callee waits for it. */
  role: "caller" | "callee";
  /** Local media. All tracks of one purpose share one stream, whose id stays the same for the whole call. */
  streams: readonly MediaStream[];
  /** What a callee is about to send, and in which stream: the answer makes the places, `sendTrack` fills them. */
  announced?: { stream: MediaStream; slots: readonly ("audio" | "video")[] } | undefined;
  iceServers: readonly IceServer[];
  /** Keeps our addresses from the other side: only relayed candidates are gathered. */
  isRelayOnly: boolean;
};

/** What a track is for. Each purpose has its own place on the wire, which is used again when the track changes. */
export type Slot = "audio" | "video" | "screen" | "screenAudio";

export type SendLimits = {
  maxBitrateBps?: number;
  maxFrameRate?: number;
  /** By what the picture's width and height are divided; 1 where absent. */
  scaleDownBy?: number;
  /** What is kept when there is too little room. */
  keeps: "resolution" | "frame-rate";
};

export type Outgoing = {
  track: MediaStreamTrack;
  /** The same object for one purpose, for the whole call. */
  stream: MediaStream;
  limits?: SendLimits;
};

export type ConnectionState = "connecting" | "connected" | "disconnected" | "failed";

export type TransportEvent =
  /** A description of ours that is in force locally, with the candidates found so far inside. */
  | { event: "description"; description: Description }
  /** A candidate that the last description does not hold; `candidate: ""` ends the gathering. */
  | { event: "candidate"; candidate: Candidate }
  | { event: "connection"; state: ConnectionState }
  | { event: "remote-track"; track: MediaStreamTrack; stream: MediaStream }
  /** The other side takes nothing of ours any more, or does again. spec: voip, "hold". */
  | { event: "held-by-peer"; isHeld: boolean }
  /** The connection is of no more use, not even for a restart. */
  | { event: "broken"; reason: string };

export interface CallTransport {
  /** Takes the other side's description; `isPolite` decides who yields when two offers cross. */
  applyRemote(description: Description, isPolite: boolean): void;
  /** Takes candidates of the other side; those that make no sense are skipped. */
  addCandidates(candidates: readonly Candidate[]): void;
  /** Looks for a new path with fresh ICE credentials; a new offer follows. */
  restart(): void;
  /**
   * Sends a track in place of the last one of its slot; `undefined` sends nothing there. The end of a screen is
   * negotiated; a camera or a microphone that goes silent is not.
   */
  sendTrack(slot: Slot, outgoing: Outgoing | undefined): Promise<void>;
  /** Whether a track can go into the slot without an offer of ours. */
  hasPlace(slot: Slot): boolean;
  /** While held nothing is sent in any slot, and nothing is wanted of the other side. */
  setHeld(isHeld: boolean): Promise<void>;
  /** The relays from now on; a restart makes use of them. */
  setIceServers(iceServers: readonly IceServer[]): void;
  /** Without leave no offer is made beyond the first: the other side could not take it. */
  setMayOffer(mayOffer: boolean): void;
  /** Plays telephone tones to the other side. spec: W3C WebRTC, RTCDTMFSender. */
  sendTones(tones: string): void;
  getStats(): Promise<RTCStatsReport>;
  close(): void;
}

/** Opens a transport; the caller's begins with its offer at once. */
export type OpenTransport = (options: TransportOptions, onEvent: (event: TransportEvent) => void) => CallTransport;
