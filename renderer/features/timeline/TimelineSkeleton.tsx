/**
 * Grey rows in the geometry of messages, while they load. Used by TimelineView and at the head of TimelineList.
 * Invariant: the same rows every time, so that nothing seems to change while it lasts.
 */
import { Skeleton } from "../../ui/Skeleton.tsx";
import styles from "./timeline.module.css";

/** Widths of name and lines, as parts of the column: what a few messages look like from afar. */
const SHAPES: readonly (readonly [string, string, string?])[] = [
  ["7rem", "72%"],
  ["5.5rem", "46%", "58%"],
  ["8rem", "64%"],
  ["6rem", "80%", "33%"],
  ["7rem", "52%"],
];

/** Draws this many messages to come. */
export function TimelineSkeleton({ rowCount }: { rowCount: number }) {
  return (
    <div className={styles["skeleton"]} aria-hidden="true">
      {Array.from({ length: rowCount }, (_, index) => {
        const [name, first, second] = SHAPES[index % SHAPES.length] ?? ["7rem", "60%"];
        return (
          <div key={index} className={styles["skeletonRow"]}>
            <Skeleton shape="round" />
            <div className={styles["skeletonLines"]}>
              <Skeleton width={name} />
              <Skeleton width={first} />
              {second === undefined ? null : <Skeleton width={second} />}
            </div>
          </div>
        );
      })}
    </div>
  );
}
