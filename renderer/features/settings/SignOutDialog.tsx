/**
 * Asks before everything of an account is removed from this computer, and says what could not be opened again.
 * `SignOutDialog` connects, `SignOutView` draws. Opened by renderer/app.
 * Invariants: nothing is removed without a press on the red button; the safe answer has the focus; where messages
 * would be lost, keeping them comes first.
 */
import type { AccountRow, EncryptionView } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import styles from "./settings.module.css";

/** What signing out would make unreadable. */
export type SignOutLoss = { kind: "none" } | { kind: "no-recovery" } | { kind: "unsaved"; count: number };

/** The loss as the state of encryption says; without one there is none to tell. */
export function signOutLoss(view: EncryptionView | undefined): SignOutLoss {
  if (view === undefined || view.backup.keyCount === 0) return { kind: "none" };
  if (!view.hasRecovery) return { kind: "no-recovery" };
  const count = view.backup.keyCount - view.backup.backedUpCount;
  return count > 0 ? { kind: "unsaved", count } : { kind: "none" };
}

/** The question at work. Without `onSetUpRecovery` the way to recovery is not offered. */
export function SignOutDialog({
  account,
  onSetUpRecovery,
  onClose,
}: {
  account: AccountRow;
  onSetUpRecovery?: (() => void) | undefined;
  onClose: () => void;
}) {
  const t = useText();
  const signOut = useCommand("accounts.signOut");
  const encryption = useTopicItem("encryption", { accountId: account.accountId });
  const confirm = async () => {
    const result = await signOut.run({ accountId: account.accountId });
    if (result.ok) onClose();
  };
  return (
    <SignOutView
      userId={account.userId}
      loss={signOutLoss(encryption)}
      isRunning={signOut.isRunning}
      problem={signOut.error && errorText(t, signOut.error)}
      onSetUpRecovery={onSetUpRecovery}
      onSignOut={() => void confirm()}
      onClose={onClose}
    />
  );
}

export type SignOutViewProps = {
  userId: string;
  loss: SignOutLoss;
  isRunning: boolean;
  problem: string | undefined;
  onSetUpRecovery: (() => void) | undefined;
  onSignOut: () => void;
  onClose: () => void;
};

/** The question from props. */
export function SignOutView({
  userId,
  loss,
  isRunning,
  problem,
  onSetUpRecovery,
  onSignOut,
  onClose,
}: SignOutViewProps) {
  const t = useText();
  const offersRecovery = loss.kind === "no-recovery" && onSetUpRecovery !== undefined;
  return (
    <Dialog role="alertdialog" title={t("app.signOutTitle", { userId })} isOpen onClose={onClose}>
      <p className={styles["body"]}>{t("app.signOutBody")}</p>
      {loss.kind === "none" ? null : (
        <p className={styles["problem"]}>
          {loss.kind === "no-recovery"
            ? t("settings.signOutNoRecovery")
            : t("settings.signOutUnsaved", { count: loss.count })}
        </p>
      )}
      {problem === undefined ? null : (
        <p className={styles["problem"]} role="alert">
          {t("app.signOutFailed")} {problem}
        </p>
      )}
      <DialogActions>
        {offersRecovery ? null : (
          <Button autoFocus onPress={onClose}>
            {t("app.cancel")}
          </Button>
        )}
        <Button variant="danger" isPending={isRunning} onPress={onSignOut}>
          {t(loss.kind === "none" ? "app.signOut" : "settings.signOutAnyway")}
        </Button>
        {offersRecovery ? (
          <Button autoFocus variant="primary" onPress={onSetUpRecovery}>
            {t("settings.signOutSetUp")}
          </Button>
        ) : null}
      </DialogActions>
    </Dialog>
  );
}
