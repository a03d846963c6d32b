/**
 * Takes a soft-logged-out account back into use with its password, keeping all its data. Opened by
 * renderer/app from the connection banner. spec: client-server, "Soft logout".
 * Invariant: the password leaves only inside the command and is cleared afterwards.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./settings.module.css";

/** The dialog "Sign in again". */
export function SignInAgainDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const t = useText();
  const [password, setPassword] = useState("");
  const [isMissing, setIsMissing] = useState(false);
  const signInAgain = useCommand("accounts.signInAgain");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (signInAgain.isRunning) return;
    if (password === "") return setIsMissing(true);
    const result = await signInAgain.run({ accountId: account.accountId, password });
    setPassword("");
    if (result.ok) onClose();
  };
  const error = isMissing ? t("signIn.passwordNeeded") : signInAgain.error && errorText(t, signInAgain.error);
  return (
    <Dialog title={t("app.signInAgainTitle")} size="small" isOpen onClose={onClose}>
      <form className={styles["form"]} onSubmit={(event) => void submit(event)} noValidate>
        <p className={styles["body"]}>{t("app.signInAgainHint", { userId: account.userId })}</p>
        <TextField
          autoFocus
          label={t("signIn.password")}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(next) => {
            setPassword(next);
            setIsMissing(false);
          }}
          error={error}
        />
        <DialogActions>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={signInAgain.isRunning}>
            {t("app.signInAgainSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
