/**
 * Types of the browser bundle of simple-peer 9.11.1, as far as simple-peer-transport.ts uses it.
 * The bundle is imported by its file name: the package's main entry needs Node shims that no page has.
 * Invariant: only documented behaviour is declared, so that nothing reaches into the peer's private parts.
 */
declare module "simple-peer/simplepeer.min.js" {
  type PeerSignal =
    | { type: "offer" | "answer" | "pranswer" | "rollback"; sdp: string }
    | { type: "candidate"; candidate: RTCIceCandidateInit }
    | { type: "renegotiate"; renegotiate: true }
    | { type: "transceiverRequest"; transceiverRequest: { kind: string; init?: RTCRtpTransceiverInit } };

  type PeerOptions = {
    initiator: boolean;
    streams: readonly MediaStream[];
    trickle: boolean;
    config: RTCConfiguration;
    channelConfig: RTCDataChannelInit;
    sdpTransform: (sdp: string) => string;
    wrtc: {
      RTCPeerConnection: new (configuration?: RTCConfiguration) => RTCPeerConnection;
      RTCSessionDescription: typeof RTCSessionDescription;
      RTCIceCandidate: typeof RTCIceCandidate;
    };
  };

  type PeerEvents = {
    signal: [data: PeerSignal];
    track: [track: MediaStreamTrack, stream: MediaStream];
    error: [error: Error];
    close: [];
  };

  export default class Peer {
    constructor(options: PeerOptions);
    /** Whether `negotiate()` makes an offer itself, or asks the other side for one. */
    initiator: boolean;
    signal(data: PeerSignal): void;
    negotiate(): void;
    destroy(): void;
    on<E extends keyof PeerEvents>(event: E, listener: (...args: PeerEvents[E]) => void): this;
  }
}
