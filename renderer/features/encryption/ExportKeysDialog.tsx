/**
 * Makes a key file for another app, or for a drawer. `ExportKeysDialog` connects, `ExportKeysView` draws a step.
 * Opened by the health page. spec: e2ee, "Key exports".
 * Invariant: the file is in memory only, and gone when the dialog closes; the passphrase is entered twice.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import { Download, FileKey } from "lucide-react";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./dialogs.module.css";
import { saveTextFile } from "./local-file.ts";
import { Problem, Sign } from "./parts.tsx";
import { MIN_PASSPHRASE_LENGTH, passphraseProblem } from "./recovery-key.ts";
import type { PassphraseProblem } from "./recovery-key.ts";

/** The dialog at work. */
export function ExportKeysDialog({
  account,
  onClose,
}: {
  account: Pick<AccountRow, "accountId" | "userId">;
  onClose: () => void;
}) {
  const t = useText();
  const { accountId, userId } = account;
  const exportKeys = useCommand("encryption.exportKeys");
  const [made, setMade] = useState<{ keyFile: string; keyCount: number }>();
  const save = (keyFile: string) => saveTextFile(`${t("encryption.exportFileName")} ${userId}.txt`, keyFile);
  const run = async (passphrase: string) => {
    const result = await exportKeys.run({ accountId, passphrase });
    if (!result.ok) return;
    setMade(result.value);
    save(result.value.keyFile);
  };
  return (
    <ExportKeysView
      doneCount={made?.keyCount}
      isRunning={exportKeys.isRunning}
      problem={exportKeys.error && errorText(t, exportKeys.error)}
      onExport={(passphrase) => void run(passphrase)}
      onSaveAgain={() => {
        if (made) save(made.keyFile);
      }}
      onClose={onClose}
    />
  );
}

/** A step of the export. */
export function ExportKeysView(props: {
  /** There once the file is made. */
  doneCount: number | undefined;
  isRunning: boolean;
  problem: string | undefined;
  onExport: (passphrase: string) => void;
  onSaveAgain: () => void;
  onClose: () => void;
}) {
  const t = useText();
  const { doneCount, isRunning, onClose } = props;
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState<PassphraseProblem>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isRunning) return;
    const found = passphraseProblem(passphrase, again);
    setWrong(found);
    if (found === undefined) props.onExport(passphrase);
  };
  if (doneCount !== undefined) {
    return (
      <Dialog key="done" title={t("encryption.exportDoneTitle")} isOpen onClose={onClose}>
        <div className={styles["outcome"]} role="status">
          <Sign tone="positive" icon={<FileKey />} />
          <p className={styles["body"]}>{t("encryption.exportDone", { count: doneCount })}</p>
        </div>
        <DialogActions>
          <Button icon={<Download />} onPress={props.onSaveAgain}>
            {t("encryption.exportSave")}
          </Button>
          <Button autoFocus variant="primary" onPress={onClose}>
            {t("encryption.done")}
          </Button>
        </DialogActions>
      </Dialog>
    );
  }
  return (
    <Dialog key="ask" title={t("encryption.exportTitle")} isOpen onClose={onClose} isDismissable={!isRunning}>
      <form className={styles["step"]} onSubmit={submit} noValidate>
        <p className={styles["body"]}>{t("encryption.exportBody")}</p>
        <TextField
          autoFocus
          label={t("encryption.passphrase")}
          type="password"
          autoComplete="new-password"
          value={passphrase}
          onChange={(text) => {
            setPassphrase(text);
            setWrong(undefined);
          }}
          error={wrong === "short" ? t("encryption.passphraseShort", { count: MIN_PASSPHRASE_LENGTH }) : undefined}
        />
        <TextField
          label={t("encryption.passphraseAgain")}
          type="password"
          autoComplete="new-password"
          value={again}
          onChange={(text) => {
            setAgain(text);
            setWrong(undefined);
          }}
          error={wrong === "differs" ? t("encryption.passphraseDiffers") : undefined}
        />
        <p className={styles["hint"]} role="status">
          {isRunning ? t("encryption.exportRunning") : null}
        </p>
        {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
        <DialogActions>
          <Button onPress={onClose} isDisabled={isRunning}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" variant="primary" isPending={isRunning}>
            {t("encryption.exportSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
