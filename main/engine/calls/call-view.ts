/**
 * toCallView: one call as the topic `calls` shows it to one port. Called by the call service. Pure.
 * Invariant: in a view only the port that holds the media learns what is wanted of the peer connection.
 */
import type { CallView, DesiredMedia, IceServer, Person, Shield } from "../../../preload/contract/views.ts";
import { canHold, isPolite, type CallState } from "./call.machine.ts";

/** What a view tells beside the machine's state. */
export type CallSurroundings = {
  peer: Person;
  roomName: string;
  isEncrypted: boolean;
  isAudible: boolean;
  isMediaHere: boolean;
  /** Absent while they are being fetched: the connection is not opened without them. */
  iceServers: IceServer[] | undefined;
  isRelayOnly: boolean;
  /** Of the event that named the other side's media. */
  shield: Shield | undefined;
};

export function toCallView(state: CallState, around: CallSurroundings): CallView {
  const { iceServers, isRelayOnly } = around;
  const desired = around.isMediaHere && iceServers ? desiredMedia(state, { iceServers, isRelayOnly }) : undefined;
  const opponent = "opponent" in state ? state.opponent : undefined;
  const connectedAtMs = state.phase === "connected" || state.phase === "ended" ? state.connectedAtMs : undefined;
  return {
    key: state.callId,
    callId: state.callId,
    roomId: state.roomId,
    roomName: around.roomName,
    peer: around.peer,
    direction: state.direction,
    media: state.media,
    isEncrypted: around.isEncrypted,
    state: state.phase,
    isAudible: around.isAudible,
    startedAtMs: state.startedAtMs,
    ...(connectedAtMs === undefined ? {} : { connectedAtMs }),
    ...(state.phase === "ended" ? { endedAtMs: state.endedAtMs, endReason: state.endReason } : {}),
    isMediaHere: around.isMediaHere,
    ...(desired ? { desired } : {}),
    isOnHold: isOnHold(state),
    canRenegotiate: canHold(state),
    canTakeTones: opponent?.canTakeTones ?? false,
    ...(opponent?.assertedName === undefined ? {} : { assertedName: opponent.assertedName }),
    ...(around.shield === undefined ? {} : { shield: around.shield }),
  };
}

const isOnHold = (state: CallState): boolean => state.phase === "connected" && state.isOnHold;

/** What is wanted of the peer connection; of a call that rings, what would be, were it answered as it is offered. */
export function desiredMedia(
  state: CallState,
  servers: Pick<DesiredMedia, "iceServers" | "isRelayOnly">,
): DesiredMedia | undefined {
  const common = { isPolite: isPolite(state), ...servers, isOnHold: isOnHold(state) };
  switch (state.phase) {
    case "preparing":
    case "inviting":
      return { ...common, role: "caller", media: state.media, remote: [] };
    case "ringing":
    case "connecting":
    case "connected":
      return {
        ...common,
        role: state.direction === "outgoing" ? "caller" : "callee",
        media: state.phase === "ringing" ? state.media : state.ownMedia,
        remote: [...state.remote.log],
        ...(state.remote.streams ? { remoteStreams: state.remote.streams } : {}),
      };
    case "ended":
      return undefined;
  }
}
