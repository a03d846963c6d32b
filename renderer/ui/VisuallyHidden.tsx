/**
 * Text for assistive technology only. Used where the eye has a sign (a colour, a badge, a picture) and the ear
 * needs words. Invariant: takes no space and is never focusable.
 */
import type { ReactNode } from "react";
import styles from "./VisuallyHidden.module.css";

/** Text that is read but not seen. */
export function VisuallyHidden({ children }: { children: ReactNode }) {
  return <span className={styles["hidden"]}>{children}</span>;
}
