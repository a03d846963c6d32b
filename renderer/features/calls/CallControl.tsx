/**
 * One round control of a running call: 48 px, an icon and a word under it. Used by InCallView, also as the button
 * of a panel. Invariants: its name says what a press does, not what is, and begins with the word under it or holds
 * it; a control that cannot be used can still be reached, and says why.
 */
import { useId } from "react";
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Focusable } from "react-aria-components/Focusable";
import { Tooltip } from "../../ui/Tooltip.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import styles from "./in-call.module.css";

export type CallControlProps = {
  icon: ReactNode;
  caption: string;
  /** The accessible name; the caption where absent. */
  label?: string | undefined;
  shortcut?: string | undefined;
  /** `off`: a device is switched off; `active`: something of ours goes out or is held; `end`: ends the call. */
  tone?: "plain" | "off" | "active" | "end";
  isPending?: boolean;
  /** Why it cannot be used now. */
  unavailable?: string | undefined;
  onPress?: () => void;
};

/** A round button with a word under it. */
export function CallControl({
  icon,
  caption,
  label = caption,
  shortcut,
  tone = "plain",
  isPending = false,
  unavailable,
  onPress,
}: CallControlProps) {
  const reasonId = useId();
  const face = (
    <>
      <span className={styles["disc"]}>{icon}</span>
      <span className={styles["caption"]}>{caption}</span>
    </>
  );
  if (unavailable !== undefined) {
    return (
      <>
        <Tooltip label={unavailable} placement="top">
          <Focusable>
            <button
              type="button"
              className={styles["control"]}
              data-tone="unavailable"
              aria-disabled="true"
              aria-label={label}
              aria-describedby={reasonId}
            >
              {face}
            </button>
          </Focusable>
        </Tooltip>
        <VisuallyHidden>
          <span id={reasonId}>{unavailable}</span>
        </VisuallyHidden>
      </>
    );
  }
  return (
    <Tooltip label={label} shortcut={shortcut} placement="top">
      <AriaButton
        className={styles["control"] ?? ""}
        data-tone={tone}
        aria-label={label}
        isPending={isPending}
        {...(onPress ? { onPress } : {})}
      >
        {face}
      </AriaButton>
    </Tooltip>
  );
}
