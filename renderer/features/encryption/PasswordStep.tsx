/**
 * Asks for the account's password inside another dialog, because the server asked. Used by RecoveryDialog and
 * SignOutDevicesDialog. Invariant: the password leaves only through `onSubmit`, and a refused one is cleared.
 */
import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { DialogActions } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./dialogs.module.css";
import { Problem } from "./parts.tsx";

export type PasswordStepProps = {
  userId: string;
  isWrong: boolean;
  isRunning: boolean;
  problem: string | undefined;
  onSubmit: (password: string) => void;
  onBack: () => void;
};

/** The question for the password. */
export function PasswordStep({ userId, isWrong, isRunning, problem, onSubmit, onBack }: PasswordStepProps) {
  const t = useText();
  const [password, setPassword] = useState("");
  const [isMissing, setIsMissing] = useState(false);
  const [isRefusalSeen, setIsRefusalSeen] = useState(false);
  const inputRef = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isRunning || !isWrong) return;
    setPassword("");
    setIsRefusalSeen(false);
    inputRef.current?.focus();
  }, [isRunning, isWrong]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isRunning) return;
    if (password === "") return setIsMissing(true);
    onSubmit(password);
  };
  const error = isMissing
    ? t("encryption.passwordNeeded")
    : isWrong && !isRunning && !isRefusalSeen
      ? t("encryption.passwordWrong")
      : undefined;
  return (
    <form className={styles["step"]} onSubmit={submit} noValidate>
      <p className={styles["body"]}>{t("encryption.passwordBody")}</p>
      {/* For password managers, which want to know whose password it is. */}
      <input type="text" hidden readOnly autoComplete="username" value={userId} />
      <TextField
        autoFocus
        inputRef={inputRef}
        label={t("encryption.password")}
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={(text) => {
          setPassword(text);
          setIsMissing(false);
          if (text !== "") setIsRefusalSeen(true);
        }}
        error={error}
        reservesNote
      />
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <DialogActions>
        <Button onPress={onBack} isDisabled={isRunning}>
          {t("encryption.backStep")}
        </Button>
        <Button type="submit" variant="primary" isPending={isRunning}>
          {t("encryption.next")}
        </Button>
      </DialogActions>
    </form>
  );
}
