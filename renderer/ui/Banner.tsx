/**
 * One quiet line at the top of what it concerns: a state of things and, where there is one, the way out.
 * Used for the connection and for news about a room. Invariant: it is one line of text plus actions, announced
 * politely, and never steals the focus.
 */
import type { ReactNode } from "react";
import { cx } from "./cx.ts";
import styles from "./Banner.module.css";

export type BannerProps = {
  tone?: "neutral" | "caution" | "critical" | "positive";
  icon?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
};

/** A one-line notice with optional actions. */
export function Banner({ tone = "neutral", icon, actions, children }: BannerProps) {
  return (
    <div className={cx(styles["banner"], styles[tone])} role="status">
      {icon}
      <p className={styles["text"]}>{children}</p>
      {actions === undefined ? null : <div className={styles["actions"]}>{actions}</div>}
    </div>
  );
}
