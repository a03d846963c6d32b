/**
 * Asks before other devices of the account are signed out, then for the password where the server wants it.
 * `SignOutDevicesDialog` connects, `SignOutDevicesView` draws. Opened by DevicesSection.
 * Invariant: nothing is signed out without a press on the red button, which does not have the focus.
 */
import type { AccountRow, DeviceRow } from "../../../preload/contract/views.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { deviceName } from "./DeviceItem.tsx";
import styles from "./dialogs.module.css";
import { Problem } from "./parts.tsx";
import { PasswordStep } from "./PasswordStep.tsx";
import { usePasswordCommand } from "./use-password-command.ts";

/** The question at work. */
export function SignOutDevicesDialog({
  account,
  devices,
  onClose,
}: {
  account: Pick<AccountRow, "accountId" | "userId">;
  devices: readonly DeviceRow[];
  onClose: () => void;
}) {
  const t = useText();
  const signOut = usePasswordCommand("devices.signOut");
  const finish = async (done: Promise<boolean>) => {
    if (await done) onClose();
  };
  return (
    <SignOutDevicesView
      userId={account.userId}
      devices={devices}
      needsPassword={signOut.needsPassword}
      isPasswordWrong={signOut.isPasswordWrong}
      isRunning={signOut.isRunning}
      problem={signOut.error && errorText(t, signOut.error)}
      onSignOut={() =>
        void finish(signOut.start({ accountId: account.accountId, deviceIds: devices.map(({ deviceId }) => deviceId) }))
      }
      onPassword={(password) => void finish(signOut.submitPassword(password))}
      onBack={signOut.giveUp}
      onClose={onClose}
    />
  );
}

export type SignOutDevicesViewProps = {
  userId: string;
  devices: readonly DeviceRow[];
  needsPassword: boolean;
  isPasswordWrong: boolean;
  isRunning: boolean;
  problem: string | undefined;
  onSignOut: () => void;
  onPassword: (password: string) => void;
  onBack: () => void;
  onClose: () => void;
};

/** The question from props. */
export function SignOutDevicesView(props: SignOutDevicesViewProps) {
  const t = useText();
  const { devices, isRunning, problem, onClose } = props;
  const [first] = devices;
  if (props.needsPassword) {
    return (
      <Dialog key="password" title={t("encryption.passwordTitle")} size="small" isOpen onClose={onClose}>
        <PasswordStep
          userId={props.userId}
          isWrong={props.isPasswordWrong}
          isRunning={isRunning}
          problem={problem}
          onSubmit={props.onPassword}
          onBack={props.onBack}
        />
      </Dialog>
    );
  }
  return (
    <Dialog
      key="question"
      role="alertdialog"
      size="small"
      title={
        devices.length === 1 && first
          ? t("encryption.signOutTitleOne", { name: deviceName(t, first) })
          : t("encryption.signOutTitleMany", { count: devices.length })
      }
      isOpen
      onClose={onClose}
    >
      <p className={styles["body"]}>
        {t(devices.length === 1 ? "encryption.signOutBody" : "encryption.signOutBodyMany")}
      </p>
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <DialogActions>
        <Button autoFocus onPress={onClose}>
          {t("app.cancel")}
        </Button>
        <Button variant="danger" isPending={isRunning} onPress={props.onSignOut}>
          {t("encryption.deviceSignOut")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
