/**
 * Which words a state of a call has. Pure lookups of catalogue keys, used by the views and by CallMedia's
 * owner. Invariant: every state and every end of the contract has words; the compiler proves it.
 */
import type { CallEndReason, CallView } from "../../../preload/contract/views.ts";
import type { CallMediaSnapshot } from "./call-media/call-media.ts";
import type { MediaProblem } from "./call-media/local-media.ts";
import type { Quality } from "./call-media/stats.ts";
import type { calls } from "../../text/en/calls.ts";

type CallTextKey = `calls.${keyof typeof calls}`;

const END_WORDS = {
  "user-hangup": "calls.endUserHangup",
  "remote-hangup": "calls.endRemoteHangup",
  declined: "calls.endDeclined",
  "remote-declined": "calls.endRemoteDeclined",
  "answered-elsewhere": "calls.endAnsweredElsewhere",
  "declined-elsewhere": "calls.endDeclinedElsewhere",
  "invite-timeout": "calls.endInviteTimeout",
  missed: "calls.endMissed",
  "ice-failed": "calls.endIceFailed",
  "ice-timeout": "calls.endIceTimeout",
  "user-media-failed": "calls.endUserMediaFailed",
  "user-busy": "calls.endUserBusy",
  "remote-left": "calls.endRemoteLeft",
  "unknown-error": "calls.endUnknown",
} as const satisfies Record<CallEndReason, CallTextKey>;

/** Why a call is over. */
export const endWords = (reason: CallEndReason | undefined) => END_WORDS[reason ?? "unknown-error"];

/** Whether the end needs telling: what our own user just did, he knows. */
export const isEndNews = (reason: CallEndReason | undefined): boolean =>
  reason !== "user-hangup" && reason !== "declined";

const WORTH_TRYING_AGAIN: ReadonlySet<CallEndReason> = new Set([
  "missed",
  "invite-timeout",
  "ice-failed",
  "ice-timeout",
  "unknown-error",
]);

/** Whether the natural next step is to call again. */
export const isWorthTryingAgain = (reason: CallEndReason | undefined): boolean =>
  reason !== undefined && WORTH_TRYING_AGAIN.has(reason);

/** What a running call is doing while there is no timer to show; undefined once media flows. */
export function stateWords(state: CallView["state"], connection: CallMediaSnapshot["connection"]) {
  switch (state) {
    case "preparing":
      return "calls.calling" as const;
    case "inviting":
      return "calls.ringing" as const;
    case "ringing":
    case "connecting":
      return "calls.connecting" as const;
    case "connected":
      return connection === "disconnected" || connection === "failed" ? ("calls.reconnecting" as const) : undefined;
    case "ended":
      return undefined;
  }
}

/** Who holds a call, if anyone does. */
export function holdWords({ isOnHold, isHeldByPeer }: { isOnHold: boolean; isHeldByPeer: boolean }) {
  if (isOnHold) return isHeldByPeer ? ("calls.heldByBoth" as const) : ("calls.heldByYou" as const);
  return isHeldByPeer ? ("calls.heldByPeer" as const) : undefined;
}

/** Why something that changes a running call cannot be done; undefined where it can. */
export function changeObstacle(
  change: "hold" | "camera" | "share",
  call: { state: CallView["state"]; canRenegotiate: boolean; isVideoCall: boolean },
) {
  if (call.state !== "connected") return change === "camera" ? undefined : ("calls.notConnectedYet" as const);
  if (call.canRenegotiate) return undefined;
  // A call that began with pictures has a place for one that needs no new agreement.
  if (change !== "hold" && call.isVideoCall) return undefined;
  return ({ hold: "calls.cannotHold", camera: "calls.cannotAddCamera", share: "calls.cannotShare" } as const)[change];
}

const PROBLEM_WORDS = {
  microphone: {
    denied: "calls.microphoneDenied",
    missing: "calls.microphoneMissing",
    "in-use": "calls.microphoneInUse",
    unavailable: "calls.microphoneUnavailable",
    unplugged: "calls.microphoneUnplugged",
  },
  camera: {
    denied: "calls.cameraDenied",
    missing: "calls.cameraMissing",
    "in-use": "calls.cameraInUse",
    unavailable: "calls.cameraUnavailable",
    unplugged: "calls.cameraUnplugged",
  },
} as const satisfies Record<"microphone" | "camera", Record<MediaProblem, CallTextKey>>;

/** What happened to a device, and what to do. */
export const problemWords = (device: "microphone" | "camera", problem: MediaProblem) => PROBLEM_WORDS[device][problem];

const QUALITY_WORDS = {
  good: "calls.qualityGood",
  fair: "calls.qualityFair",
  poor: "calls.qualityPoor",
} as const satisfies Record<Quality, CallTextKey>;

/** How well the call goes. */
export const qualityWords = (quality: Quality) => QUALITY_WORDS[quality];
