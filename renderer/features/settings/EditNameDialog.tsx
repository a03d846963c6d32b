/**
 * Changes the display name of the account. Opened by renderer/app.
 * Invariant: closes only when the server has the new name, and keeps what was typed when it refuses.
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

const MAX_NAME_LENGTH = 255;

/** The dialog "Change your name". */
export function EditNameDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const t = useText();
  const [name, setName] = useState(account.displayName);
  const setDisplayName = useCommand("profile.setDisplayName");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (setDisplayName.isRunning) return;
    const result = await setDisplayName.run({ accountId: account.accountId, displayName: name.trim() });
    if (result.ok) onClose();
  };
  return (
    <Dialog title={t("app.editName")} size="small" isOpen onClose={onClose}>
      <form className={styles["form"]} onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          autoFocus
          label={t("app.editNameLabel")}
          value={name}
          onChange={setName}
          maxLength={MAX_NAME_LENGTH}
          autoComplete="name"
          error={setDisplayName.error && errorText(t, setDisplayName.error)}
        />
        <DialogActions>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={setDisplayName.isRunning}>
            {t("app.editNameSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
