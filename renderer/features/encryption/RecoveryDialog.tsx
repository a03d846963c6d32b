/**
 * Sets recovery up: makes a recovery key, has the user keep it, stores what it locks. The same steps serve an
 * account without an identity (`create`), one without recovery (`recovery`), and starting over (`reset`).
 * `RecoveryDialog` connects, `RecoveryDialogView` draws a step from props (gallery). Opened by the app and by the
 * health page.
 * Invariants: nothing is stored before the user has ticked that the key is safe; the key lives in this component
 * alone and is gone when it closes; a failure keeps the key, so that what was saved stays the right one.
 */
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { Download, KeyRound, Printer, ShieldCheck, TriangleAlert } from "lucide-react";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { formatFull } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { Switch } from "../../ui/Switch.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./dialogs.module.css";
import { KeySheet } from "./KeySheet.tsx";
import { saveTextFile } from "./local-file.ts";
import { CopyButton, Problem, Sign, Tick } from "./parts.tsx";
import { PasswordStep } from "./PasswordStep.tsx";
import { groupsOf, MIN_PASSPHRASE_LENGTH, passphraseProblem } from "./recovery-key.ts";
import type { PassphraseProblem } from "./recovery-key.ts";
import { usePasswordCommand } from "./use-password-command.ts";

export type RecoveryMode = "create" | "recovery" | "reset";

export type RecoveryStep =
  /** Only when starting over: what it costs. */
  | { at: "warn" }
  | { at: "explain" }
  | { at: "keep"; recoveryKey: string; hasPassphrase: boolean }
  | { at: "password"; isWrong: boolean }
  | { at: "done" };

type RecoveryAccount = Pick<AccountRow, "accountId" | "userId">;

/** The dialog at work. */
export function RecoveryDialog({
  account,
  mode,
  onClose,
}: {
  account: RecoveryAccount;
  mode: RecoveryMode;
  onClose: () => void;
}) {
  const t = useText();
  const { accountId, userId } = account;
  const [step, setStep] = useState<RecoveryStep>(mode === "reset" ? { at: "warn" } : { at: "explain" });
  const make = useCommand("encryption.makeRecoveryKey");
  const setUp = usePasswordCommand("encryption.setUpRecovery");
  const reset = usePasswordCommand("encryption.resetIdentity");
  const store = mode === "reset" ? reset : setUp;

  const makeKey = async (passphrase: string | undefined) => {
    const result = await make.run(passphrase === undefined ? { accountId } : { accountId, passphrase });
    if (result.ok) {
      setStep({ at: "keep", recoveryKey: result.value.recoveryKey, hasPassphrase: passphrase !== undefined });
    }
  };
  const finish = async (stored: Promise<boolean>) => {
    if (await stored) setStep({ at: "done" });
  };
  const saveKey = (recoveryKey: string) =>
    saveTextFile(
      `${t("encryption.keyFileName")} ${userId}.txt`,
      t("encryption.keyFileText", {
        userId,
        recoveryKey: groupsOf(recoveryKey).join(" "),
        date: formatFull(Date.now()),
      }),
    );
  const error = step.at === "explain" ? make.error : store.error;
  return (
    <RecoveryDialogView
      mode={mode}
      step={store.needsPassword && step.at === "keep" ? { at: "password", isWrong: store.isPasswordWrong } : step}
      userId={userId}
      isRunning={make.isRunning || store.isRunning}
      problem={error && errorText(t, error)}
      onAcceptLoss={() => setStep({ at: "explain" })}
      onMakeKey={(passphrase) => void makeKey(passphrase)}
      onSaveKey={saveKey}
      onKept={(recoveryKey) => void finish(store.start({ accountId, recoveryKey }))}
      onPassword={(password) => void finish(store.submitPassword(password))}
      onBackFromPassword={store.giveUp}
      onClose={onClose}
    />
  );
}

export type RecoveryDialogViewProps = {
  mode: RecoveryMode;
  step: RecoveryStep;
  userId: string;
  isRunning: boolean;
  problem: string | undefined;
  onAcceptLoss: () => void;
  onMakeKey: (passphrase: string | undefined) => void;
  onSaveKey: (recoveryKey: string) => void;
  onKept: (recoveryKey: string) => void;
  onPassword: (password: string) => void;
  onBackFromPassword: () => void;
  onClose: () => void;
};

/** One step of the dialog. */
export function RecoveryDialogView(props: RecoveryDialogViewProps) {
  const t = useText();
  const { mode, step, isRunning, onClose } = props;
  const titles = {
    warn: t("encryption.resetTitle"),
    explain: t("encryption.setUpTitle"),
    keep: t("encryption.keepTitle"),
    password: t("encryption.passwordTitle"),
    done: t(mode === "reset" ? "encryption.resetDoneTitle" : "encryption.setUpDoneTitle"),
  };
  return (
    <Dialog title={titles[step.at]} isOpen onClose={onClose} isDismissable={!isRunning && step.at !== "keep"}>
      {/* A new step is a new form: its fields start empty, and its first control gets the focus. */}
      <div key={step.at} className={styles["step"]}>
        {renderStep(props)}
      </div>
    </Dialog>
  );
}

function renderStep(props: RecoveryDialogViewProps): ReactNode {
  const { step } = props;
  switch (step.at) {
    case "warn":
      return <WarnStep onAccept={props.onAcceptLoss} onClose={props.onClose} />;
    case "explain":
      return <ExplainStep {...props} />;
    case "keep":
      return <KeepStep {...props} recoveryKey={step.recoveryKey} hasPassphrase={step.hasPassphrase} />;
    case "password":
      return (
        <PasswordStep
          userId={props.userId}
          isWrong={step.isWrong}
          isRunning={props.isRunning}
          problem={props.problem}
          onSubmit={props.onPassword}
          onBack={props.onBackFromPassword}
        />
      );
    case "done":
      return <DoneStep mode={props.mode} onClose={props.onClose} />;
  }
}

function WarnStep({ onAccept, onClose }: { onAccept: () => void; onClose: () => void }) {
  const t = useText();
  const [isUnderstood, setIsUnderstood] = useState(false);
  const [isMissing, setIsMissing] = useState(false);
  return (
    <>
      <p className={styles["body"]}>{t("encryption.resetBody")}</p>
      <ul className={styles["losses"]}>
        {[t("encryption.resetLoss"), t("encryption.resetPeople"), t("encryption.resetDevices")].map((loss) => (
          <li key={loss}>
            <TriangleAlert />
            {loss}
          </li>
        ))}
      </ul>
      <Tick
        label={t("encryption.resetTick")}
        isOn={isUnderstood}
        onChange={(isOn) => {
          setIsUnderstood(isOn);
          setIsMissing(false);
        }}
        error={isMissing ? t("encryption.resetTickNeeded") : undefined}
      />
      <DialogActions>
        <Button autoFocus onPress={onClose}>
          {t("app.cancel")}
        </Button>
        <Button variant="danger" onPress={() => (isUnderstood ? onAccept() : setIsMissing(true))}>
          {t("encryption.resetAction")}
        </Button>
      </DialogActions>
    </>
  );
}

function ExplainStep({ mode, isRunning, problem, onMakeKey, onClose }: RecoveryDialogViewProps) {
  const t = useText();
  const [usesPassphrase, setUsesPassphrase] = useState(false);
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState<PassphraseProblem>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isRunning) return;
    if (!usesPassphrase) return onMakeKey(undefined);
    const found = passphraseProblem(passphrase, again);
    setWrong(found);
    if (found === undefined) onMakeKey(passphrase);
  };
  return (
    <form className={styles["step"]} onSubmit={submit} noValidate>
      <p className={styles["body"]}>{t("encryption.setUpBody")}</p>
      <p className={styles["body"]}>{t("encryption.setUpBodyMore")}</p>
      <div className={styles["well"]}>
        <Switch
          label={t("encryption.setUpUsePassphrase")}
          description={t("encryption.setUpPassphraseHint")}
          isSelected={usesPassphrase}
          onChange={setUsesPassphrase}
        />
        {usesPassphrase ? (
          <>
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
          </>
        ) : null}
      </div>
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <DialogActions>
        <Button onPress={onClose} isDisabled={isRunning}>
          {t(mode === "reset" ? "app.cancel" : "encryption.later")}
        </Button>
        <Button type="submit" variant="primary" autoFocus isPending={isRunning}>
          {t("encryption.setUpMake")}
        </Button>
      </DialogActions>
    </form>
  );
}

function KeepStep({
  recoveryKey,
  hasPassphrase,
  userId,
  isRunning,
  problem,
  onSaveKey,
  onKept,
  onClose,
}: RecoveryDialogViewProps & { recoveryKey: string; hasPassphrase: boolean }) {
  const t = useText();
  const [isKept, setIsKept] = useState(false);
  const [isMissing, setIsMissing] = useState(false);
  const groups = groupsOf(recoveryKey);
  return (
    <>
      <p className={styles["body"]}>{t(hasPassphrase ? "encryption.keepBodyPassphrase" : "encryption.keepBody")}</p>
      <p className={styles["key"]} dir="ltr" role="group" aria-label={t("encryption.recoveryKey")}>
        {groups.map((group, index) => (
          // Groups may repeat, and their order never changes.
          // oxlint-disable-next-line react/no-array-index-key
          <span key={index}>{group} </span>
        ))}
      </p>
      <div className={styles["keyTools"]}>
        <CopyButton text={groups.join(" ")} autoFocus />
        <Button icon={<Download />} isFullWidth onPress={() => onSaveKey(recoveryKey)}>
          {t("encryption.save")}
        </Button>
        <Button icon={<Printer />} isFullWidth onPress={() => window.print()}>
          {t("encryption.print")}
        </Button>
      </div>
      <KeySheet userId={userId} groups={groups} />
      <Tick
        label={t("encryption.keepTick")}
        isOn={isKept}
        onChange={(isOn) => {
          setIsKept(isOn);
          setIsMissing(false);
        }}
        error={isMissing ? t("encryption.keepTickNeeded") : undefined}
      />
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <DialogActions>
        <Button onPress={onClose} isDisabled={isRunning}>
          {t("app.cancel")}
        </Button>
        <Button
          variant="primary"
          isPending={isRunning}
          onPress={() => (isKept ? onKept(recoveryKey) : setIsMissing(true))}
        >
          {t("encryption.next")}
        </Button>
      </DialogActions>
    </>
  );
}

function DoneStep({ mode, onClose }: { mode: RecoveryMode; onClose: () => void }) {
  const t = useText();
  return (
    <>
      <div className={styles["outcome"]} role="status">
        <Sign tone="positive" icon={mode === "reset" ? <KeyRound /> : <ShieldCheck />} />
        <p className={styles["body"]}>
          {t(mode === "reset" ? "encryption.resetDoneBody" : "encryption.setUpDoneBody")}
        </p>
      </div>
      <DialogActions>
        <Button autoFocus variant="primary" onPress={onClose}>
          {t("encryption.done")}
        </Button>
      </DialogActions>
    </>
  );
}
