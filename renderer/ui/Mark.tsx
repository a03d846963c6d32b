/**
 * The Lattice mark: five joined points on a rounded square. Used on the rail, at sign-in and in empty views.
 * Invariant: decorative; the name of the product stands beside it or in the page title.
 */
import styles from "./Mark.module.css";

/** The mark, at the given edge length. */
export function Mark({ sizePx = 28, onBrand = false }: { sizePx?: number; onBrand?: boolean }) {
  return (
    <svg
      className={onBrand ? styles["onBrand"] : styles["mark"]}
      viewBox="0 0 32 32"
      aria-hidden="true"
      style={{ inlineSize: `${sizePx / 16}rem`, blockSize: `${sizePx / 16}rem` }}
    >
      <rect className={styles["ground"]} width="32" height="32" rx="9" />
      <path className={styles["links"]} d="M10 10 22 22M22 10 10 22" />
      <g className={styles["points"]}>
        <circle cx="10" cy="10" r="2.6" />
        <circle cx="22" cy="10" r="2.6" />
        <circle cx="16" cy="16" r="2.6" />
        <circle cx="10" cy="22" r="2.6" />
        <circle cx="22" cy="22" r="2.6" />
      </g>
    </svg>
  );
}
