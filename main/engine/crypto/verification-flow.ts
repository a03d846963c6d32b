/**
 * A flow of verification: its record, and what can be read from it at any moment. Changed by verification.ts only.
 * Invariants: the phase is read from the machine's own objects, so that it cannot fall out of step with them; but
 * a flow that has ended stays as it ended, and none is `done` before verification.ts says so.
 */
import {
  QrState,
  VerificationMethod,
  VerificationRequestPhase,
  type Qr,
  type Sas,
  type VerificationRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceId, UserId } from "../../../preload/contract/ids.ts";
import type { Person, VerificationView } from "../../../preload/contract/views.ts";
import { cancelMessage } from "./verification-cancel.ts";

type Phase = VerificationView["phase"];

/** Public keys as they were when both sides agreed to verify. */
export type PinnedKeys = { device: string | undefined; master: string | undefined };
/** Why a flow ended early: a code of the specification, or one of ours. */
export type FlowEnd = { code: string; byUs: boolean };

export type Flow = {
  flowId: string;
  otherUserId: UserId;
  isSelf: boolean;
  direction: VerificationView["direction"];
  request: VerificationRequest;
  /** The method that runs. `qr` is there from the moment that our code is shown. */
  sas?: Sas | undefined;
  qr?: Qr | undefined;
  /** The bytes of our code, base64. */
  qrCode?: string | undefined;
  pinned?: PinnedKeys | undefined;
  otherDeviceId?: DeviceId | undefined;
  otherDeviceName?: string | undefined;
  startedAtMs: number;
  expiresAtMs: number;
  /** The messages of a flow go out in their order: the end of the last of them. */
  sending: Promise<void>;
  /** Ends what is still being sent, once it does not matter any more. */
  stopSending: AbortController;
  /** The end of the last look at what the machine has made of it. */
  updating: Promise<void>;
  /** The method is done, and what it proved is on its way to the server and back. */
  isFinishing?: boolean;
  /** Set once, and then nothing changes any more. Without `cancel` it was a success. */
  end?: { atMs: number; cancel: FlowEnd | undefined } | undefined;
};

/** All that we can do. */
export const METHODS = [
  VerificationMethod.SasV1,
  VerificationMethod.QrCodeShowV1,
  VerificationMethod.QrCodeScanV1,
  VerificationMethod.ReciprocateV1,
];
/** How far a flow has come. */
export function phaseOf(flow: Flow): Phase {
  if (flow.end) return flow.end.cancel ? "cancelled" : "done";
  if (flow.sas) return flow.sas.canBePresented() && !flow.sas.haveWeConfirmed() ? "emoji" : "waiting";
  switch (flow.qr?.state()) {
    case QrState.Created:
      return "ready";
    case QrState.Scanned:
      return "scanned";
    case undefined:
      break;
    default:
      return "waiting";
  }
  switch (flow.request.phase()) {
    case VerificationRequestPhase.Created:
    case VerificationRequestPhase.Requested:
      return "requested";
    case VerificationRequestPhase.Ready:
      return "ready";
    default:
      return "waiting";
  }
}

/** How a flow ended early, in words; undefined where it runs, or is done. */
export const viewOfEnd = (flow: Flow): VerificationView["cancel"] =>
  flow.end?.cancel && { ...flow.end.cancel, message: cancelMessage(flow.end.cancel.code, flow.end.cancel.byUs) };

/** A flow as it is shown. */
export function toView(flow: Flow, other: Person): VerificationView {
  const phase = phaseOf(flow);
  const theirs = phase === "requested" || phase === "ready" ? theirMethods(flow.request) : [];
  const cancelled = viewOfEnd(flow);
  return {
    key: flow.flowId,
    flowId: flow.flowId,
    other,
    ...(flow.otherDeviceId !== undefined && { otherDeviceId: flow.otherDeviceId }),
    ...(flow.otherDeviceName !== undefined && { otherDeviceName: flow.otherDeviceName }),
    isSelf: flow.isSelf,
    direction: flow.direction,
    phase,
    canCompareEmoji: theirs.includes(VerificationMethod.SasV1),
    canScan: theirs.includes(VerificationMethod.QrCodeShowV1) && theirs.includes(VerificationMethod.ReciprocateV1),
    ...(phase === "ready" && flow.qrCode !== undefined && { qrCode: flow.qrCode }),
    ...(phase === "emoji" && flow.sas && comparable(flow.sas)),
    ...(cancelled && { cancel: cancelled }),
    startedAtMs: flow.startedAtMs,
    expiresAtMs: flow.expiresAtMs,
  };
}

function comparable(sas: Sas): Pick<VerificationView, "emoji" | "decimals"> {
  const numbers = sas.emojiIndex();
  const emoji = sas.emoji();
  const decimals = sas.decimals();
  return {
    ...(numbers &&
      emoji && {
        emoji: emoji.map(({ symbol, description }, at) => ({ number: numbers[at] ?? 0, symbol, description })),
      }),
    ...(decimals && { decimals: [...decimals] }),
  };
}

/** Methods that the machine does not know make it refuse the whole list: then we offer what we have. */
function theirMethods(request: VerificationRequest): VerificationMethod[] {
  try {
    return request.theirSupportedMethods ?? [];
  } catch {
    return METHODS;
  }
}
