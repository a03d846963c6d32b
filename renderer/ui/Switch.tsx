/**
 * An on/off setting with its words. Used in forms and settings.
 * Invariant: the whole line is the target, and the state is told by position, not by colour alone.
 */
import type { ReactNode } from "react";
import { Switch as AriaSwitch } from "react-aria-components/Switch";
import styles from "./Switch.module.css";

export type SwitchProps = {
  label: string;
  description?: ReactNode;
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
  isDisabled?: boolean;
};

/** A labelled switch. */
export function Switch({ label, description, isSelected, onChange, isDisabled = false }: SwitchProps) {
  return (
    <AriaSwitch className={styles["switch"] ?? ""} isSelected={isSelected} onChange={onChange} isDisabled={isDisabled}>
      <span className={styles["words"]}>
        <span className={styles["label"]}>{label}</span>
        {description === undefined ? null : <span className={styles["description"]}>{description}</span>}
      </span>
      <span className={styles["track"]} aria-hidden="true">
        <span className={styles["thumb"]} />
      </span>
    </AriaSwitch>
  );
}
