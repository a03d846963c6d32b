/**
 * "Was it you?": the alert about an own identity that was replaced from elsewhere. `IdentityChangedDialog` connects,
 * `IdentityChangedView` draws. Opened by the health page. spec: e2ee, "Cross-signing": a change "MUST alert".
 * Invariant: closing it without an answer leaves the alert as it is.
 */
import type { AccountId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import styles from "./dialogs.module.css";
import { Problem } from "./parts.tsx";

/** The alert at work. */
export function IdentityChangedDialog(props: { accountId: AccountId; onShowDevices: () => void; onClose: () => void }) {
  const t = useText();
  const acknowledge = useCommand("encryption.acknowledgeIdentityChange");
  const wasMe = async () => {
    const result = await acknowledge.run({ accountId: props.accountId });
    if (result.ok) props.onClose();
  };
  return (
    <IdentityChangedView
      isRunning={acknowledge.isRunning}
      problem={acknowledge.error && errorText(t, acknowledge.error)}
      onWasMe={() => void wasMe()}
      onShowDevices={props.onShowDevices}
      onClose={props.onClose}
    />
  );
}

/** The alert from props. */
export function IdentityChangedView(props: {
  isRunning: boolean;
  problem: string | undefined;
  onWasMe: () => void;
  onShowDevices: () => void;
  onClose: () => void;
}) {
  const t = useText();
  return (
    <Dialog title={t("encryption.identityTitle")} isOpen onClose={props.onClose} closeLabel={t("app.close")}>
      <p className={styles["body"]}>{t("encryption.identityBody")}</p>
      <p className={styles["body"]}>{t("encryption.identityNotMe")}</p>
      {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
      <DialogActions>
        <Button autoFocus onPress={props.onShowDevices}>
          {t("encryption.identityShowDevices")}
        </Button>
        <Button variant="primary" isPending={props.isRunning} onPress={props.onWasMe}>
          {t("encryption.identityMe")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
