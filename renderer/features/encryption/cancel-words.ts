/**
 * What a verification's end without success means to the user. Used by VerificationView.
 * spec: e2ee, `m.key.verification.cancel`. Invariant: every code has words, also one that no specification knows;
 * only those that can mean an attack are called unsafe.
 */
import type { VerificationView } from "../../../preload/contract/views.ts";
import { GONE_CODE } from "./verification-stage.ts";

type Cancel = NonNullable<VerificationView["cancel"]>;

const unsafeCodes: ReadonlySet<string> = new Set([
  "m.key_mismatch",
  "m.mismatched_commitment",
  "m.mismatched_sas",
  "m.user_mismatch",
]);

export type CancelWords = {
  tone: "neutral" | "unsafe";
  title: "encryption.verifyStopped" | "encryption.verifyUnsafe" | "encryption.verifyElsewhere";
  body: `encryption.cancel${"UserUs" | "UserThem" | "Timeout" | "Mismatch" | "Accepted" | "Method" | "Other" | "Gone"}`;
  canTryAgain: boolean;
};

/** Title and words for a cancellation. */
export function cancelWords(cancel: Cancel | undefined): CancelWords {
  const stopped = { tone: "neutral", title: "encryption.verifyStopped", canTryAgain: true } as const;
  const code = cancel?.code ?? GONE_CODE;
  if (unsafeCodes.has(code)) {
    return {
      tone: "unsafe",
      title: "encryption.verifyUnsafe",
      body: "encryption.cancelMismatch",
      canTryAgain: true,
    };
  }
  switch (code) {
    case "m.user":
      return { ...stopped, body: cancel?.byUs === true ? "encryption.cancelUserUs" : "encryption.cancelUserThem" };
    case "m.timeout":
      return { ...stopped, body: "encryption.cancelTimeout" };
    case "m.accepted":
      return {
        ...stopped,
        title: "encryption.verifyElsewhere",
        body: "encryption.cancelAccepted",
        canTryAgain: false,
      };
    case "m.unknown_method":
      return { ...stopped, body: "encryption.cancelMethod" };
    case GONE_CODE:
      return { ...stopped, body: "encryption.cancelGone" };
    default:
      return { ...stopped, body: "encryption.cancelOther" };
  }
}
