/**
 * Grey shapes in the geometry of what is loading. Used instead of spinners.
 * Invariant: invisible for the first 200 ms (by animation delay, so that fast loads never flash), takes its
 * space from the start, and is hidden from assistive technology; the container says that it is busy.
 */
import { cx } from "./cx.ts";
import styles from "./Skeleton.module.css";

export type SkeletonProps = {
  shape?: "line" | "round" | "squircle" | "block";
  /** Any CSS length; lines default to the full width. */
  width?: string;
  height?: string;
  className?: string | undefined;
};

/** One placeholder shape. */
export function Skeleton({ shape = "line", width, height, className }: SkeletonProps) {
  return (
    <span
      aria-hidden="true"
      className={cx(styles["skeleton"], styles[shape], className)}
      style={{ inlineSize: width, blockSize: height }}
    />
  );
}
