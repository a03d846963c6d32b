/**
 * Draws the sign-in screen from props: the brand at the start, one short form at the end.
 * Used by SignInPane and the gallery. Invariant: the line under the address keeps its place, so that the
 * server's answer never moves the form.
 */
import { useRef, useEffect } from "react";
import type { FormEvent } from "react";
import { Check, CircleAlert, LoaderCircle } from "lucide-react";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import type { Text } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Mark } from "../../ui/Mark.tsx";
import { TextField } from "../../ui/TextField.tsx";
import { LatticeDrawing } from "./LatticeDrawing.tsx";
import styles from "./sign-in.module.css";
import type { Discovery } from "./use-discovery.ts";

export type SignInFields = { address: string; user: string; password: string };
export type SignInProblems = { address?: string; user?: string; password?: string; form?: string };

export type SignInViewProps = {
  fields: SignInFields;
  discovery: Discovery;
  /** True where the address names only a server. */
  needsUser: boolean;
  problems: SignInProblems;
  isSubmitting: boolean;
  onChange: (changed: Partial<SignInFields>) => void;
  onSubmit: () => void;
};

/** The sign-in screen. */
export function SignInView({
  fields,
  discovery,
  needsUser,
  problems,
  isSubmitting,
  onChange,
  onSubmit,
}: SignInViewProps) {
  const t = useText();
  const addressRef = useRef<HTMLInputElement>(null);
  const passwordRef = useRef<HTMLInputElement>(null);
  useEffect(() => addressRef.current?.focus(), []);
  useEffect(() => {
    if (problems.form !== undefined) passwordRef.current?.focus();
  }, [problems.form]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isSubmitting) onSubmit();
  };
  const addressError = problems.address ?? (discovery.state === "failed" ? errorText(t, discovery.error) : undefined);
  const hasNoPassword = discovery.state === "found" && !discovery.answer.canUsePassword;
  return (
    <div className={styles["screen"]}>
      <section className={styles["brand"]} aria-label={t("app.name")}>
        <LatticeDrawing className={styles["drawing"]} />
        <div className={styles["logo"]}>
          <Mark onBrand />
          {t("app.name")}
        </div>
        <div className={styles["promise"]}>
          <p className={styles["promiseTitle"]}>{t("signIn.brandTitle")}</p>
          <p className={styles["promiseBody"]}>{t("signIn.brandBody")}</p>
        </div>
      </section>
      <main className={styles["side"]}>
        <form className={styles["form"]} onSubmit={submit} noValidate>
          <div className={styles["head"]}>
            <h1 className={styles["title"]}>{t("signIn.title")}</h1>
            <p className={styles["hint"]}>{t("signIn.hint")}</p>
          </div>
          <TextField
            label={t("signIn.address")}
            placeholder={t("signIn.addressPlaceholder")}
            inputRef={addressRef}
            value={fields.address}
            onChange={(address) => onChange({ address })}
            autoComplete="username"
            autoCorrect="off"
            spellCheck="false"
            inputMode="email"
            error={addressError}
            description={discoveryNote(t, discovery)}
            descriptionTone={discovery.state === "found" ? (hasNoPassword ? "caution" : "positive") : "neutral"}
            reservesNote
          />
          {needsUser ? (
            <TextField
              label={t("signIn.user")}
              value={fields.user}
              onChange={(user) => onChange({ user })}
              autoComplete="username"
              autoCorrect="off"
              spellCheck="false"
              error={problems.user}
            />
          ) : null}
          <TextField
            label={t("signIn.password")}
            type="password"
            inputRef={passwordRef}
            value={fields.password}
            onChange={(password) => onChange({ password })}
            autoComplete="current-password"
            error={problems.password}
          />
          {problems.form === undefined ? null : (
            <p className={styles["problem"]} role="alert">
              <CircleAlert />
              {problems.form}
            </p>
          )}
          <Button
            type="submit"
            variant="primary"
            size="large"
            isFullWidth
            isPending={isSubmitting}
            isDisabled={hasNoPassword}
          >
            {isSubmitting ? t("signIn.submitting") : t("signIn.submit")}
          </Button>
        </form>
      </main>
    </div>
  );
}

function discoveryNote(t: Text, discovery: Discovery) {
  switch (discovery.state) {
    case "checking":
      return (
        <>
          <LoaderCircle className={styles["turning"]} />
          {t("signIn.checking", { server: discovery.server })}
        </>
      );
    case "found": {
      const { serverName: server, canUsePassword, canUseSingleSignOn } = discovery.answer;
      if (!canUsePassword) {
        return (
          <>
            <CircleAlert />
            {t("signIn.answersNoPassword", { server })}
          </>
        );
      }
      return (
        <>
          <Check />
          {t(canUseSingleSignOn ? "signIn.answersPasswordAndSingleSignOn" : "signIn.answersPassword", { server })}
        </>
      );
    }
    default:
      return undefined;
  }
}
