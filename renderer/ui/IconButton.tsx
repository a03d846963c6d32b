/**
 * A button that shows only an icon. Used in headers, rows and bars.
 * Invariant: it always has a name (`label`), shown as tooltip together with its shortcut, and is 36 px wide
 * (28 px in dense bars).
 */
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { ButtonProps as AriaButtonProps } from "react-aria-components/Button";
import { cx } from "./cx.ts";
import { Tooltip } from "./Tooltip.tsx";
import type { TooltipProps } from "./Tooltip.tsx";
import styles from "./IconButton.module.css";

export type IconButtonProps = Omit<AriaButtonProps, "className" | "style" | "children" | "aria-label"> & {
  icon: ReactNode;
  /** The accessible name, and the tooltip. */
  label: string;
  /** As shown to the user, e.g. "Ctrl K". */
  shortcut?: string | undefined;
  variant?: "quiet" | "primary" | "danger" | "positive";
  size?: "small" | "medium";
  /** For buttons that stay on: sets aria-pressed too. */
  isSelected?: boolean | undefined;
  tooltipPlacement?: NonNullable<TooltipProps["placement"]>;
  className?: string | undefined;
};

/** A square button with an icon, a name and a tooltip. */
export function IconButton({
  icon,
  label,
  shortcut,
  variant = "quiet",
  size = "medium",
  isSelected,
  tooltipPlacement = "bottom",
  className,
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip label={label} shortcut={shortcut} placement={tooltipPlacement}>
      <AriaButton
        {...rest}
        aria-label={label}
        {...(isSelected === undefined ? {} : { "aria-pressed": isSelected })}
        className={cx(
          styles["button"],
          styles[variant],
          styles[size],
          isSelected === true && styles["selected"],
          className,
        )}
      >
        {icon}
      </AriaButton>
    </Tooltip>
  );
}
