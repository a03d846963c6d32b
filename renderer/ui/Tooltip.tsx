/**
 * The name of a control, and its shortcut, shown on hover and on keyboard focus.
 * Used by IconButton and by anything else whose meaning is not written on it. The trigger is one pressable
 * child. Invariant: it only repeats the accessible name; nothing is told by a tooltip alone.
 */
import type { ReactElement } from "react";
import { Tooltip as AriaTooltip, TooltipTrigger } from "react-aria-components/Tooltip";
import styles from "./Tooltip.module.css";

export type TooltipProps = {
  label: string;
  /** As shown to the user, e.g. "Ctrl K". */
  shortcut?: string | undefined;
  placement?: "top" | "bottom" | "start" | "end";
  children: ReactElement;
};

/** Wraps one control and names it on hover and focus. */
export function Tooltip({ label, shortcut, placement = "bottom", children }: TooltipProps) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      {children}
      <AriaTooltip className={styles["tooltip"] ?? ""} placement={placement} offset={6}>
        {label}
        {shortcut === undefined ? null : <kbd className={styles["shortcut"]}>{shortcut}</kbd>}
      </AriaTooltip>
    </TooltipTrigger>
  );
}
