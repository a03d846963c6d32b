/**
 * Starts a backup anew where there is none, or none to be used. `ReplaceBackupDialog` connects, `ReplaceBackupView`
 * draws. Opened by the health page.
 * Invariant: where there is a recovery, its key is asked for, so that the new backup can be opened with it.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import styles from "./dialogs.module.css";
import { Problem } from "./parts.tsx";
import { SecretField } from "./SecretField.tsx";

/** The dialog at work. */
export function ReplaceBackupDialog(props: {
  accountId: AccountId;
  isUntrusted: boolean;
  hasRecovery: boolean;
  onClose: () => void;
}) {
  const t = useText();
  const { accountId } = props;
  const replace = useCommand("encryption.replaceBackup");
  const submit = async (recoveryKey: string) => {
    const result = await replace.run(recoveryKey === "" ? { accountId } : { accountId, recoveryKey });
    if (result.ok) props.onClose();
  };
  const isWrong = replace.error?.code === "wrong-recovery-key";
  return (
    <ReplaceBackupView
      isUntrusted={props.isUntrusted}
      hasRecovery={props.hasRecovery}
      isRunning={replace.isRunning}
      isSecretWrong={isWrong}
      problem={replace.error && !isWrong ? errorText(t, replace.error) : undefined}
      onSubmit={(recoveryKey) => void submit(recoveryKey)}
      onEdited={replace.clearError}
      onClose={props.onClose}
    />
  );
}

/** The dialog from props. */
export function ReplaceBackupView(props: {
  isUntrusted: boolean;
  hasRecovery: boolean;
  isRunning: boolean;
  isSecretWrong: boolean;
  problem: string | undefined;
  onSubmit: (recoveryKey: string) => void;
  onEdited: () => void;
  onClose: () => void;
}) {
  const t = useText();
  const { isUntrusted, hasRecovery, isRunning, isSecretWrong } = props;
  const [secret, setSecret] = useState("");
  const [isMissing, setIsMissing] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isRunning) return;
    if (hasRecovery && secret.trim() === "") return setIsMissing(true);
    props.onSubmit(secret);
  };
  return (
    <Dialog
      title={t(isUntrusted ? "encryption.replaceTitleUntrusted" : "encryption.replaceTitle")}
      isOpen
      onClose={props.onClose}
      isDismissable={!isRunning}
    >
      <form className={styles["step"]} onSubmit={submit} noValidate>
        <p className={styles["body"]}>
          {t(isUntrusted ? "encryption.replaceBodyUntrusted" : "encryption.replaceBody")}
        </p>
        {hasRecovery ? (
          <SecretField
            value={secret}
            onChange={(text) => {
              setSecret(text);
              setIsMissing(false);
              if (isSecretWrong) props.onEdited();
            }}
            error={
              isMissing ? t("encryption.secretNeeded") : isSecretWrong ? t("errors.wrong-recovery-key") : undefined
            }
          />
        ) : null}
        {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
        <DialogActions>
          <Button onPress={props.onClose} isDisabled={isRunning}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" variant="primary" autoFocus={!hasRecovery} isPending={isRunning}>
            {t(isUntrusted ? "encryption.replaceSubmitUntrusted" : "encryption.replaceSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
