/**
 * "Is this you?": the ways to confirm this device, in the order of what is easiest: another device, the recovery
 * key, later; last and explained, starting over. `ConfirmDeviceDialog` connects, `ConfirmDeviceView` draws a step.
 * Opened by the app after sign-in and from the banner, and by the health page.
 * Invariants: a secret that does not fit stays in its field; asking another device closes this dialog, since the
 * verification has its own; starting over is never one press away.
 */
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { ChevronRight, Clock, KeyRound, MonitorSmartphone, ShieldCheck } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { AccountRow, EncryptionView } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { cx } from "../../ui/cx.ts";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import styles from "./dialogs.module.css";
import { counted, progressOf } from "./health.ts";
import { Problem, Progress, Sign } from "./parts.tsx";
import { RecoveryDialog } from "./RecoveryDialog.tsx";
import { focusSecretField, SecretField } from "./SecretField.tsx";

export type ConfirmStep = "choose" | "secret" | "done";

/** The dialog at work. `startAt: "secret"` is for where only the recovery key helps. */
export function ConfirmDeviceDialog({
  account,
  startAt = "choose",
  onClose,
}: {
  account: Pick<AccountRow, "accountId" | "userId">;
  startAt?: "choose" | "secret";
  onClose: () => void;
}) {
  const t = useText();
  const { accountId, userId } = account;
  const view = useTopicItem("encryption", { accountId });
  const [step, setStep] = useState<ConfirmStep | "reset">(startAt);
  const request = useCommand("verifications.request");
  const recover = useCommand("encryption.recover");

  if (step === "reset") return <RecoveryDialog account={account} mode="reset" onClose={onClose} />;

  const askOtherDevice = async () => {
    const result = await request.run({ accountId, userId });
    if (result.ok) onClose();
  };
  const trySecret = async (secret: string) => {
    const result = await recover.run({ accountId, secret });
    if (result.ok) setStep("done");
  };
  const isWrong = recover.error?.code === "wrong-recovery-key";
  const error = step === "choose" ? request.error : isWrong ? undefined : recover.error;
  return (
    <ConfirmDeviceView
      step={step}
      canVerifyWithDevice={view?.canVerifyWithDevice ?? false}
      hasRecovery={view?.hasRecovery ?? false}
      hasPassphrase={view?.hasPassphrase ?? false}
      restoring={view?.backup.restoring}
      isRunning={request.isRunning || recover.isRunning}
      isSecretWrong={isWrong}
      problem={error && errorText(t, error)}
      onOtherDevice={() => void askOtherDevice()}
      onEnterSecret={() => setStep("secret")}
      onSecret={(secret) => void trySecret(secret)}
      onSecretEdited={recover.clearError}
      onBack={startAt === "secret" ? onClose : () => setStep("choose")}
      onLost={() => setStep("reset")}
      onClose={onClose}
    />
  );
}

export type ConfirmDeviceViewProps = {
  step: ConfirmStep;
  canVerifyWithDevice: boolean;
  hasRecovery: boolean;
  hasPassphrase: boolean;
  restoring: EncryptionView["backup"]["restoring"];
  isRunning: boolean;
  isSecretWrong: boolean;
  problem: string | undefined;
  onOtherDevice: () => void;
  onEnterSecret: () => void;
  onSecret: (secret: string) => void;
  onSecretEdited: () => void;
  onBack: () => void;
  onLost: () => void;
  onClose: () => void;
};

/** One step of the dialog. */
export function ConfirmDeviceView(props: ConfirmDeviceViewProps) {
  const t = useText();
  const { step, hasPassphrase, isRunning, onClose } = props;
  const titles = {
    choose: t("encryption.confirmTitle"),
    secret: t(hasPassphrase ? "encryption.secretTitlePassphrase" : "encryption.secretTitle"),
    done: t("encryption.confirmDoneTitle"),
  };
  return (
    <Dialog title={titles[step]} isOpen onClose={onClose} isDismissable={!isRunning}>
      <div key={step} className={styles["step"]}>
        {step === "choose" ? (
          <ChooseStep {...props} />
        ) : step === "secret" ? (
          <SecretStep {...props} />
        ) : (
          <DoneStep {...props} />
        )}
      </div>
    </Dialog>
  );
}

function Way(props: {
  icon: ReactNode;
  title: string;
  hint: string;
  isQuiet?: boolean;
  isPending?: boolean;
  autoFocus?: boolean;
  onPress: () => void;
}) {
  return (
    <AriaButton
      className={cx(styles["way"], props.isQuiet === true && styles["quietWay"])}
      autoFocus={props.autoFocus ?? false}
      isPending={props.isPending ?? false}
      onPress={props.onPress}
    >
      {props.icon}
      <span className={styles["wayWords"]}>
        <span className={styles["wayTitle"]}>{props.title}</span>
        <span className={styles["wayHint"]}>{props.hint}</span>
      </span>
      <ChevronRight className={styles["wayArrow"]} />
    </AriaButton>
  );
}

function ChooseStep(props: ConfirmDeviceViewProps) {
  const t = useText();
  const { canVerifyWithDevice, hasRecovery, hasPassphrase, isRunning } = props;
  return (
    <>
      <p className={styles["body"]}>{t("encryption.confirmBody")}</p>
      <div className={styles["ways"]}>
        {canVerifyWithDevice ? (
          <Way
            autoFocus
            icon={<MonitorSmartphone />}
            title={t("encryption.confirmWithDevice")}
            hint={t("encryption.confirmWithDeviceHint")}
            isPending={isRunning}
            onPress={props.onOtherDevice}
          />
        ) : null}
        {hasRecovery ? (
          <Way
            autoFocus={!canVerifyWithDevice}
            icon={<KeyRound />}
            title={t(hasPassphrase ? "encryption.confirmWithKeyOrPassphrase" : "encryption.confirmWithKey")}
            hint={t("encryption.confirmWithKeyHint")}
            onPress={props.onEnterSecret}
          />
        ) : null}
        <Way
          isQuiet
          autoFocus={!canVerifyWithDevice && !hasRecovery}
          icon={<Clock />}
          title={t("encryption.confirmSkip")}
          hint={t("encryption.confirmSkipHint")}
          onPress={props.onClose}
        />
      </div>
      {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
      <Button variant="quiet" size="small" className={styles["lastResort"]} onPress={props.onLost}>
        {t("encryption.confirmLost")}
      </Button>
    </>
  );
}

function SecretStep(props: ConfirmDeviceViewProps) {
  const t = useText();
  const { hasPassphrase, isRunning, isSecretWrong, problem } = props;
  const [secret, setSecret] = useState("");
  const [isMissing, setIsMissing] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isRunning) return;
    if (secret.trim() === "") {
      setIsMissing(true);
      return focusSecretField(event.currentTarget);
    }
    // A passphrase may begin or end with a space; a recovery key does not mind.
    props.onSecret(secret);
  };
  return (
    <form className={styles["step"]} onSubmit={submit} noValidate>
      <SecretField
        takesPassphrase={hasPassphrase}
        value={secret}
        onChange={(text) => {
          setSecret(text);
          setIsMissing(false);
          if (isSecretWrong) props.onSecretEdited();
        }}
        description={hasPassphrase ? undefined : t("encryption.secretBody")}
        error={isMissing ? t("encryption.secretNeeded") : isSecretWrong ? t("encryption.secretWrong") : undefined}
      />
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <DialogActions>
        <Button onPress={props.onBack} isDisabled={isRunning}>
          {t("encryption.backStep")}
        </Button>
        <Button type="submit" variant="primary" isPending={isRunning}>
          {t("encryption.secretSubmit")}
        </Button>
      </DialogActions>
    </form>
  );
}

function DoneStep({ restoring, onClose }: ConfirmDeviceViewProps) {
  const t = useText();
  const progress = restoring && progressOf(restoring.doneCount, restoring.totalCount);
  return (
    <>
      <div className={styles["outcome"]} role="status">
        <Sign tone="positive" icon={<ShieldCheck />} />
        <p className={styles["body"]}>{t("encryption.confirmDoneBody")}</p>
      </div>
      {progress === undefined ? null : (
        <Progress
          label={t("encryption.backupRestoreLabel")}
          words={t("encryption.backupRestoring", counted(progress))}
          done={progress.done}
          total={progress.total}
        />
      )}
      <DialogActions>
        <Button autoFocus variant="primary" onPress={onClose}>
          {t("encryption.done")}
        </Button>
      </DialogActions>
    </>
  );
}
