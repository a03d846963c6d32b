/**
 * The small sign beside the time of a message that deserves a second look, with the reason as its tooltip and for
 * assistive technology. Used by SaidRow. Red is for what may be somebody's trick; grey is for what merely cannot
 * be proved. Invariant: the reason is in words, and the two colours have two shapes.
 */
import { LockOpen, ShieldAlert, ShieldQuestionMark } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { Shield as ShieldState } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { cx } from "../../ui/cx.ts";
import styles from "./timeline.module.css";

const SIGNS: Record<ShieldState, { icon: LucideIcon; isGrave: boolean }> = {
  "authenticity-not-guaranteed": { icon: ShieldQuestionMark, isGrave: false },
  "unknown-device": { icon: ShieldQuestionMark, isGrave: false },
  "unsigned-device": { icon: ShieldQuestionMark, isGrave: false },
  "unverified-identity": { icon: ShieldQuestionMark, isGrave: false },
  "verification-violation": { icon: ShieldAlert, isGrave: true },
  "mismatched-sender": { icon: ShieldAlert, isGrave: true },
  "sent-in-clear": { icon: LockOpen, isGrave: true },
};

/** Draws the sign; where it stands for a whole group, later lines only say it. */
export function Shield({ shield, isSilent = false }: { shield: ShieldState; isSilent?: boolean }) {
  const t = useText();
  const { icon: Icon, isGrave } = SIGNS[shield];
  const words = t(`timeline.shield.${shield}`);
  if (isSilent) return <VisuallyHidden>{words}</VisuallyHidden>;
  return (
    <span className={cx(styles["shield"], isGrave && styles["grave"])} title={words} data-shield={shield}>
      <Icon aria-hidden="true" />
      <VisuallyHidden>{words}</VisuallyHidden>
    </span>
  );
}
