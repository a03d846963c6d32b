/**
 * One round control of a running call: 48 px, an icon and a word under it. Used by InCallView.
 * Invariant: its name says what a press does, not what is; the word under it is part of that name.
 */
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Tooltip } from "../../ui/Tooltip.tsx";
import styles from "./in-call.module.css";

export type CallControlProps = {
  icon: ReactNode;
  caption: string;
  /** The accessible name; the caption where absent. */
  label?: string | undefined;
  shortcut?: string | undefined;
  /** `off`: a device is switched off; `end`: ends the call. */
  tone?: "plain" | "off" | "end";
  isPending?: boolean;
  onPress: () => void;
};

/** A round button with a word under it. */
export function CallControl({
  icon,
  caption,
  label = caption,
  shortcut,
  tone = "plain",
  isPending = false,
  onPress,
}: CallControlProps) {
  return (
    <Tooltip label={label} shortcut={shortcut} placement="top">
      <AriaButton
        className={styles["control"] ?? ""}
        data-tone={tone}
        aria-label={label}
        isPending={isPending}
        onPress={onPress}
      >
        <span className={styles["disc"]}>{icon}</span>
        <span className={styles["caption"]}>{caption}</span>
      </AriaButton>
    </Tooltip>
  );
}
