/**
 * What a view shows when it has nothing to show: one sentence and one action. Also the form of "could not be
 * loaded". Invariant: centred in whatever space it gets, and readable at 240 px.
 */
import type { ReactNode } from "react";
import styles from "./EmptyState.module.css";

export type EmptyStateProps = {
  icon?: ReactNode;
  title: string;
  body?: ReactNode;
  action?: ReactNode;
  /** Rank of the title in the page. */
  level?: 1 | 2 | 3;
};

/** One sentence and one action for an empty view. */
export function EmptyState({ icon, title, body, action, level = 2 }: EmptyStateProps) {
  const Title = `h${level}` as const;
  return (
    <div className={styles["empty"]}>
      {icon === undefined ? null : <div className={styles["icon"]}>{icon}</div>}
      <Title className={styles["title"]}>{title}</Title>
      {body === undefined ? null : <p className={styles["body"]}>{body}</p>}
      {action === undefined ? null : <div className={styles["action"]}>{action}</div>}
    </div>
  );
}
