/**
 * One line in place of a message that cannot be read: why, in plain words, and the one thing that may help. Used
 * by SaidRow. Invariant: drawn from props only; the line keeps its height whatever becomes of its action, and
 * nothing is offered that would show a message whose sender cannot be trusted.
 */
import { Lock, ShieldAlert } from "lucide-react";
import { useState } from "react";
import type { UndecryptableCause } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { cx } from "../../ui/cx.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

/** What the user can do about a cause, where there is something. */
const REMEDIES: Partial<Record<UndecryptableCause, "confirm-device" | "try-again">> = {
  "missing-key": "try-again",
  "key-too-new": "try-again",
  "history-unverified-device": "confirm-device",
  "withheld-unverified": "confirm-device",
};

/** Refused for the reader's safety, rather than missing. */
const REFUSED: ReadonlySet<UndecryptableCause> = new Set([
  "unsigned-device",
  "unknown-device",
  "verification-violation",
  "mismatched-sender",
  "replayed",
]);

export type UndecryptableBodyProps = {
  cause: UndecryptableCause | undefined;
  /** Of lines with one cause only the first bears the action. */
  hasAction: boolean;
  isActive: boolean;
  actions: TimelineActions;
};

/** Draws the line. */
export function UndecryptableBody({ cause, hasAction, isActive, actions }: UndecryptableBodyProps) {
  const t = useText();
  const isRefused = cause !== undefined && REFUSED.has(cause);
  const Icon = isRefused ? ShieldAlert : Lock;
  const remedy = cause === undefined || !hasAction ? undefined : REMEDIES[cause];
  const [isAsked, setIsAsked] = useState(false);
  return (
    <p className={cx(styles["placeholder"], styles["undecryptable"])}>
      <Icon aria-hidden="true" />
      <span>
        {cause === undefined ? t("timeline.undecryptable") : t(`timeline.cause.${cause}`)}
        {remedy === "confirm-device" && actions.onVerify !== undefined ? (
          <>
            {" "}
            <button
              type="button"
              className={styles["remedy"]}
              tabIndex={isActive ? 0 : -1}
              onClick={() => actions.onVerify?.()}
            >
              {t("timeline.confirmDevice")}
            </button>
          </>
        ) : remedy === "try-again" && isAsked ? (
          ` ${t("timeline.askedAgain")}`
        ) : remedy === "try-again" ? (
          <>
            {" "}
            <button
              type="button"
              className={styles["remedy"]}
              tabIndex={isActive ? 0 : -1}
              onClick={() => {
                setIsAsked(true);
                actions.onRetryDecryption();
              }}
            >
              {t("timeline.tryAgain")}
            </button>
          </>
        ) : null}
      </span>
    </p>
  );
}
