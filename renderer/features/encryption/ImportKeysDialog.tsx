/**
 * Takes in a key file that this or another app has exported. `ImportKeysDialog` connects, `ImportKeysView` draws a
 * step. Opened by the health page. spec: e2ee, "Key exports".
 * Invariant: what is not a key file never reaches the engine; a passphrase that does not fit keeps file and text.
 */
import { useRef, useState } from "react";
import type { FormEvent } from "react";
import { FileKey, FolderOpen } from "lucide-react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./dialogs.module.css";
import { isKeyFile, MAX_KEY_FILE_BYTES } from "./local-file.ts";
import { Problem, Sign } from "./parts.tsx";

type ImportCounts = { importedCount: number; totalCount: number };

/** The dialog at work. */
export function ImportKeysDialog({ accountId, onClose }: { accountId: AccountId; onClose: () => void }) {
  const t = useText();
  const importKeys = useCommand("encryption.importKeys");
  const [counts, setCounts] = useState<ImportCounts>();
  const [fileProblem, setFileProblem] = useState<string>();
  const run = async (file: File, passphrase: string) => {
    if (file.size > MAX_KEY_FILE_BYTES) return setFileProblem(t("encryption.importTooLarge"));
    const keyFile = await file.text().catch(() => "");
    if (!isKeyFile(keyFile)) return setFileProblem(t("encryption.importNotKeys"));
    const result = await importKeys.run({ accountId, keyFile, passphrase });
    if (result.ok) setCounts(result.value);
  };
  return (
    <ImportKeysView
      counts={counts}
      isRunning={importKeys.isRunning}
      isPassphraseWrong={importKeys.error?.code === "wrong-recovery-key"}
      problem={
        fileProblem ??
        (importKeys.error && importKeys.error.code !== "wrong-recovery-key"
          ? errorText(t, importKeys.error)
          : undefined)
      }
      onImport={(file, passphrase) => void run(file, passphrase)}
      onEdited={() => {
        setFileProblem(undefined);
        importKeys.clearError();
      }}
      onClose={onClose}
    />
  );
}

/** A step of the import. */
export function ImportKeysView(props: {
  counts: ImportCounts | undefined;
  isRunning: boolean;
  isPassphraseWrong: boolean;
  problem: string | undefined;
  onImport: (file: File, passphrase: string) => void;
  onEdited: () => void;
  onClose: () => void;
}) {
  const t = useText();
  const { counts, isRunning, onClose, onEdited } = props;
  const [file, setFile] = useState<File>();
  const [passphrase, setPassphrase] = useState("");
  const [missing, setMissing] = useState<"file" | "passphrase">();
  const inputRef = useRef<HTMLInputElement>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isRunning) return;
    if (file === undefined) return setMissing("file");
    if (passphrase === "") return setMissing("passphrase");
    props.onImport(file, passphrase);
  };
  if (counts !== undefined) {
    return (
      <Dialog key="done" title={t("encryption.importDoneTitle")} isOpen onClose={onClose}>
        <div className={styles["outcome"]} role="status">
          <Sign tone="positive" icon={<FileKey />} />
          <p className={styles["body"]}>
            {t("encryption.importDone", { count: counts.importedCount, total: counts.totalCount })}
          </p>
        </div>
        <DialogActions>
          <Button autoFocus variant="primary" onPress={onClose}>
            {t("encryption.done")}
          </Button>
        </DialogActions>
      </Dialog>
    );
  }
  const fileProblem = missing === "file" ? t("encryption.importNeedsFile") : props.problem;
  return (
    <Dialog key="ask" title={t("encryption.importTitle")} isOpen onClose={onClose} isDismissable={!isRunning}>
      <form className={styles["step"]} onSubmit={submit} noValidate>
        <p className={styles["body"]}>{t("encryption.importBody")}</p>
        <div className={styles["fileLine"]}>
          <input
            ref={inputRef}
            type="file"
            hidden
            accept=".txt,text/plain"
            onChange={(event) => {
              const chosen = event.target.files?.[0];
              if (chosen === undefined) return;
              setFile(chosen);
              setMissing(undefined);
              onEdited();
            }}
          />
          <Button autoFocus icon={<FolderOpen />} isDisabled={isRunning} onPress={() => inputRef.current?.click()}>
            {t(file === undefined ? "encryption.importChoose" : "encryption.importChooseOther")}
          </Button>
          <span className={styles["fileName"]} dir="auto" role="status">
            {file?.name}
          </span>
        </div>
        <TextField
          label={t("encryption.importPassphrase")}
          type="password"
          value={passphrase}
          onChange={(text) => {
            setPassphrase(text);
            setMissing(undefined);
            if (props.isPassphraseWrong) onEdited();
          }}
          error={
            missing === "passphrase"
              ? t("encryption.importPassphraseNeeded")
              : props.isPassphraseWrong
                ? t("encryption.importPassphraseWrong")
                : undefined
          }
          reservesNote
        />
        <p className={styles["hint"]} role="status">
          {isRunning ? t("encryption.importRunning") : null}
        </p>
        {fileProblem === undefined ? null : <Problem>{fileProblem}</Problem>}
        <DialogActions>
          <Button onPress={onClose} isDisabled={isRunning}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" variant="primary" isPending={isRunning}>
            {t("encryption.importSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
