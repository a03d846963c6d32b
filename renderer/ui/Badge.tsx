/**
 * A small count. Used in rows and on the rail.
 * Tones: `accent` (news), `mention` (addressed to the user), `quiet` (muted).
 * Invariant: never wider than "999+", so that a busy room does not push its neighbours; the meaning of the
 * number is told by `label` to assistive technology.
 */
import { cx } from "./cx.ts";
import { VisuallyHidden } from "./VisuallyHidden.tsx";
import styles from "./Badge.module.css";

export type BadgeProps = {
  count: number;
  tone?: "accent" | "mention" | "quiet";
  /** What is counted, in words, e.g. "3 unread". */
  label: string;
};

const MAX_SHOWN = 999;

/** A pill with a count. */
export function Badge({ count, tone = "accent", label }: BadgeProps) {
  return (
    <span className={cx(styles["badge"], styles[tone])}>
      <span aria-hidden="true">{count > MAX_SHOWN ? `${MAX_SHOWN}+` : count}</span>
      <VisuallyHidden>{label}</VisuallyHidden>
    </span>
  );
}
