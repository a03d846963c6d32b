/**
 * Encryption health at work: the topics, the commands, and the dialogs behind each fix. Shown by renderer/app as a
 * section of the settings; HealthView draws it. Invariant: one dialog at a time, and each fix opens exactly one.
 */
import { useState } from "react";
import type { UserId } from "../../../preload/contract/ids.ts";
import type { AccountRow, UndecryptableRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopic } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { ConfirmDeviceDialog } from "./ConfirmDeviceDialog.tsx";
import { ExportKeysDialog } from "./ExportKeysDialog.tsx";
import type { HealthFix } from "./health.ts";
import { HealthView } from "./HealthView.tsx";
import { IdentityChangedDialog } from "./IdentityChangedDialog.tsx";
import { ImportKeysDialog } from "./ImportKeysDialog.tsx";
import { PersonDialog } from "./PersonDialog.tsx";
import { RecoveryDialog } from "./RecoveryDialog.tsx";
import { ReplaceBackupDialog } from "./ReplaceBackupDialog.tsx";
import type { UndecryptableGroup } from "./undecryptable.ts";

type OpenDialog =
  | { kind: Exclude<HealthFix, "wait"> | "export" | "import" }
  | { kind: "person"; userId: UserId; name: string };

const noRows: readonly UndecryptableRow[] = [];

/** The health page. */
export function EncryptionSection({ account, onShowDevices }: { account: AccountRow; onShowDevices: () => void }) {
  const t = useText();
  const { accountId } = account;
  const topic = useTopic("encryption", { accountId });
  const undecryptable = useTopic("undecryptable", { accountId });
  const [dialog, setDialog] = useState<OpenDialog>();
  const askAgain = useCommand("encryption.retryDecryption");
  const restore = useCommand("encryption.restoreBackup");
  const setOnlyConfirmed = useCommand("encryption.setSendsToSignedDevicesOnly");
  const [hasAsked, setHasAsked] = useState(false);
  const view = topic.status === "ready" ? topic.items[0] : undefined;
  const close = () => setDialog(undefined);
  const ask = async () => {
    const result = await askAgain.run({ accountId });
    if (result.ok) setHasAsked(true);
  };
  const mend = (group: UndecryptableGroup) => {
    if (group.fix === "askAgain") void ask();
    else if (group.fix === "confirmDevice") setDialog({ kind: "confirm-device" });
    else if (group.fix === "importKeys") setDialog({ kind: "import" });
    else if (group.fix === "reviewPerson") {
      const { userId, displayName: name } = group.rows[0].sender;
      setDialog({ kind: "person", userId, name });
    }
  };
  const error = askAgain.error ?? restore.error ?? setOnlyConfirmed.error;
  return (
    <>
      <HealthView
        view={view}
        lostMessage={topic.status === "lost" ? errorText(t, topic.error) : undefined}
        notReadyMessage={view?.error && errorText(t, view.error)}
        backupMessage={view?.backup.error && errorText(t, view.backup.error)}
        rows={undecryptable.status === "ready" ? undecryptable.items : noRows}
        problem={error && errorText(t, error)}
        isAsking={askAgain.isRunning}
        hasAsked={hasAsked}
        isRestoreStarting={restore.isRunning}
        onFix={(fix) => {
          if (fix !== "wait") setDialog({ kind: fix });
        }}
        onMend={mend}
        onRestore={() => void restore.run({ accountId })}
        onOnlyConfirmed={(isOn) => void setOnlyConfirmed.run({ accountId, isOn })}
        onExport={() => setDialog({ kind: "export" })}
        onImport={() => setDialog({ kind: "import" })}
        onStartOver={() => setDialog({ kind: "start-over" })}
      />
      {renderDialog()}
    </>
  );

  function renderDialog() {
    switch (dialog?.kind) {
      case undefined:
        return null;
      case "look-at-identity":
        return (
          <IdentityChangedDialog
            accountId={accountId}
            onShowDevices={() => {
              close();
              onShowDevices();
            }}
            onClose={close}
          />
        );
      case "set-up":
        return <RecoveryDialog account={account} mode="recovery" onClose={close} />;
      case "start-over":
        return <RecoveryDialog account={account} mode="reset" onClose={close} />;
      case "confirm-device":
        return <ConfirmDeviceDialog account={account} onClose={close} />;
      case "enter-recovery":
        return <ConfirmDeviceDialog account={account} startAt="secret" onClose={close} />;
      case "replace-backup":
        return (
          <ReplaceBackupDialog
            accountId={accountId}
            isUntrusted={view?.backup.state === "untrusted"}
            hasRecovery={view?.hasRecovery ?? false}
            onClose={close}
          />
        );
      case "export":
        return <ExportKeysDialog account={account} onClose={close} />;
      case "import":
        return <ImportKeysDialog accountId={accountId} onClose={close} />;
      case "person":
        return <PersonDialog accountId={accountId} userId={dialog.userId} name={dialog.name} onClose={close} />;
    }
  }
}
