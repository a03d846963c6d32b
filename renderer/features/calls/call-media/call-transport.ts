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
  iceServers: readonly IceServer[];
  /** Keeps our addresses from the other side: only relayed candidates are gathered. */
  isRelayOnly: boolean;
};

export type ConnectionState = "connecting" | "connected" | "disconnected" | "failed";

export type TransportEvent =
  /** A description of ours that is in force locally, with the candidates found so far inside. */
  | { event: "description"; description: Description }
  /** A candidate that the last description does not hold; `candidate: ""` ends the gathering. */
  | { event: "candidate"; candidate: Candidate }
  | { event: "connection"; state: ConnectionState }
  | { event: "remote-track"; track: MediaStreamTrack; stream: MediaStream }
  /** The connection is of no more use, not even for a restart. */
  | { event: "broken"; reason: string };

export interface CallTransport {
  /** Takes the other side's description; `isPolite` decides who yields when two offers cross. */
  applyRemote(description: Description, isPolite: boolean): void;
  /** Takes candidates of the other side; those that make no sense are skipped. */
  addCandidates(candidates: readonly Candidate[]): void;
  /** Looks for a new path with fresh ICE credentials; a new offer follows. */
  restart(): void;
  /** Sends `track` in place of the last one of its kind; `undefined` sends nothing. */
  sendTrack(kind: "audio" | "video", track: MediaStreamTrack | undefined, stream: MediaStream): Promise<void>;
  getStats(): Promise<RTCStatsReport>;
  close(): void;
}

/** Opens a transport; the caller's begins with its offer at once. */
export type OpenTransport = (options: TransportOptions, onEvent: (event: TransportEvent) => void) => CallTransport;
