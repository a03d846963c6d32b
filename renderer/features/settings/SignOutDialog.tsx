/**
 * Asks before everything of an account is removed from this computer. Opened by renderer/app.
 * Invariant: nothing is removed without a press on the red button; the safe answer has the focus.
 */
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import styles from "./settings.module.css";

/** The question before signing out. */
export function SignOutDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const t = useText();
  const signOut = useCommand("accounts.signOut");
  const confirm = async () => {
    const result = await signOut.run({ accountId: account.accountId });
    if (result.ok) onClose();
  };
  return (
    <Dialog
      role="alertdialog"
      title={t("app.signOutTitle", { userId: account.userId })}
      size="small"
      isOpen
      onClose={onClose}
    >
      <p className={styles["body"]}>{t("app.signOutBody")}</p>
      {signOut.error === undefined ? null : (
        <p className={styles["problem"]} role="alert">
          {t("app.signOutFailed")} {errorText(t, signOut.error)}
        </p>
      )}
      <DialogActions>
        <Button autoFocus onPress={onClose}>
          {t("app.cancel")}
        </Button>
        <Button variant="danger" isPending={signOut.isRunning} onPress={() => void confirm()}>
          {t("app.signOut")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
