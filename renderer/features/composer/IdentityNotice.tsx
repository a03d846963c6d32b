/**
 * The card above the composer while somebody's identity has changed: who it is, what it may mean, and the two
 * ways on. Used by ComposerView. Invariant: drawn from props only; it is said once, politely, and the text that
 * was being written stays where it is.
 */
import { CircleAlert, ShieldAlert } from "lucide-react";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { RoomDetails } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import styles from "./composer.module.css";

export type IdentityChange = RoomDetails["identityChanges"][number];

/** What the user has just decided, while it is being carried out. */
export type Deciding = { userId: UserId; how: "accept" | "verify" };

export type IdentityNoticeProps = {
  /** For aria-describedby of what it holds back. */
  id: string;
  changes: readonly IdentityChange[];
  deciding?: Deciding | undefined;
  /** Why the last decision could not be carried out. */
  problem?: string | undefined;
  onVerify: (userId: UserId) => void;
  onAccept: (userId: UserId) => void;
};

/** More than these wait until the first are dealt with. */
const MAX_SHOWN = 3;

/** Draws the card. */
export function IdentityNotice({ id, changes, deciding, problem, onVerify, onAccept }: IdentityNoticeProps) {
  const t = useText();
  const hiddenCount = Math.max(0, changes.length - MAX_SHOWN);
  const busy = (userId: UserId, how: Deciding["how"]) => {
    const isPending = deciding?.userId === userId && deciding.how === how;
    return { isPending, isDisabled: deciding !== undefined && !isPending };
  };
  return (
    <div id={id} className={styles["identity"]} role="status">
      {changes.slice(0, MAX_SHOWN).map(({ person, wasVerified }) => {
        const name = `\u2068${person.displayName}\u2069`;
        return (
          <div key={person.userId} className={styles["identityChange"]}>
            <ShieldAlert aria-hidden="true" />
            <div className={styles["identityWords"]} title={person.userId}>
              <strong>{t("composer.identityChanged", { name })}</strong>{" "}
              {t(wasVerified ? "composer.identityHintVerified" : "composer.identityHint")}
            </div>
            <span className={styles["identityActions"]}>
              <Button
                size="small"
                variant="quiet"
                {...busy(person.userId, "accept")}
                aria-label={t(wasVerified ? "composer.identityAcceptVerifiedOf" : "composer.identityAcceptOf", {
                  name,
                })}
                onPress={() => onAccept(person.userId)}
              >
                {t(wasVerified ? "composer.identityAcceptVerified" : "composer.identityAccept")}
              </Button>
              <Button
                size="small"
                {...busy(person.userId, "verify")}
                aria-label={t(wasVerified ? "composer.identityVerifyAgainOf" : "composer.identityVerifyOf", { name })}
                onPress={() => onVerify(person.userId)}
              >
                {t(wasVerified ? "composer.identityVerifyAgain" : "composer.identityVerify")}
              </Button>
            </span>
          </div>
        );
      })}
      {hiddenCount === 0 ? null : (
        <p className={styles["identityMore"]}>{t("composer.identityMore", { count: hiddenCount })}</p>
      )}
      {problem === undefined ? null : (
        <p className={styles["identityProblem"]} role="alert">
          <CircleAlert aria-hidden="true" />
          {problem}
        </p>
      )}
    </div>
  );
}
