/**
 * Small parts that the dialogs and pages of this folder share: a tick with its words, a line about what went
 * wrong, a progress bar, the round sign above an outcome, a line that can be copied.
 * Invariant: each tells by words what it tells by sign or colour.
 */
import { useState } from "react";
import type { ReactNode } from "react";
import { Check, CircleAlert, Copy } from "lucide-react";
import { Checkbox } from "react-aria-components/Checkbox";
import { ProgressBar } from "react-aria-components/ProgressBar";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { cx } from "../../ui/cx.ts";
import styles from "./parts.module.css";

/** A box to tick, with what is wrong when it is needed and missing. */
export function Tick({
  label,
  isOn,
  onChange,
  error,
}: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  error?: string | undefined;
}) {
  return (
    <div className={styles["tickLine"]}>
      <Checkbox
        className={styles["tick"] ?? ""}
        isSelected={isOn}
        onChange={onChange}
        isInvalid={error !== undefined}
        validationBehavior="aria"
      >
        <span className={styles["box"]} aria-hidden="true">
          <Check />
        </span>
        {label}
      </Checkbox>
      <p className={styles["tickError"]} role="alert">
        {error}
      </p>
    </div>
  );
}

/** What went wrong, in words. */
export function Problem({ children }: { children: ReactNode }) {
  return (
    <p className={styles["problem"]} role="alert">
      <CircleAlert />
      <span>{children}</span>
    </p>
  );
}

/** How far something has come. */
export function Progress({ label, words, done, total }: { label: string; words: string; done: number; total: number }) {
  return (
    <ProgressBar
      className={styles["progress"] ?? ""}
      aria-label={label}
      value={done}
      maxValue={Math.max(total, 1)}
      valueLabel={words}
    >
      {({ percentage }) => (
        <>
          <span className={styles["track"]}>
            <span className={styles["fill"]} style={{ inlineSize: `${percentage ?? 0}%` }} />
          </span>
          <span className={styles["progressWords"]}>{words}</span>
        </>
      )}
    </ProgressBar>
  );
}

export type SignTone = "neutral" | "positive" | "caution" | "critical";

/** The round sign above an outcome. */
export function Sign({ tone = "neutral", icon }: { tone?: SignTone; icon: ReactNode }) {
  return (
    <span className={cx(styles["sign"], styles[tone])} aria-hidden="true">
      {icon}
    </span>
  );
}

/** A button that copies a text and says so in place. */
export function CopyButton({ text, autoFocus = false }: { text: string; autoFocus?: boolean }) {
  const t = useText();
  const [state, setState] = useState<"copied" | "failed">();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("failed");
    }
  };
  return (
    <>
      <Button
        autoFocus={autoFocus}
        icon={state === "copied" ? <Check /> : <Copy />}
        isFullWidth
        onPress={() => void copy()}
      >
        {t(state === "copied" ? "encryption.copied" : state === "failed" ? "encryption.copyFailed" : "encryption.copy")}
      </Button>
    </>
  );
}
