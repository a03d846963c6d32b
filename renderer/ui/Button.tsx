/**
 * A button with words on it. Used everywhere; IconButton is the one without words.
 * Variants: `primary` (the one main action of a view), `plain` (bordered), `quiet` (text only), `danger` and
 * `positive` (filled, for ending and accepting).
 * Invariant: while pending it keeps its width and its name, and does not fire.
 */
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { ButtonProps as AriaButtonProps } from "react-aria-components/Button";
import { cx } from "./cx.ts";
import styles from "./Button.module.css";

export type ButtonVariant = "primary" | "plain" | "quiet" | "danger" | "positive";
export type ButtonSize = "small" | "medium" | "large";

export type ButtonProps = Omit<AriaButtonProps, "className" | "style" | "children"> & {
  variant?: ButtonVariant;
  size?: ButtonSize;
  icon?: ReactNode;
  isFullWidth?: boolean;
  className?: string | undefined;
  children: ReactNode;
};

/** A button with words, and an icon before them where it helps. */
export function Button({
  variant = "plain",
  size = "medium",
  icon,
  isFullWidth,
  className,
  children,
  ...rest
}: ButtonProps) {
  return (
    <AriaButton
      {...rest}
      className={cx(styles["button"], styles[variant], styles[size], isFullWidth && styles["fullWidth"], className)}
    >
      <span className={styles["content"]}>
        {icon}
        {children}
      </span>
      {rest.isPending ? <span className={styles["pending"]} aria-hidden="true" /> : null}
    </AriaButton>
  );
}
