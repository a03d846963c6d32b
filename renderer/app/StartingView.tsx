/**
 * The first moment: the window in its final geometry, empty. Shown by App until the engine has spoken.
 * Invariant: nothing flashes on a fast start; the shapes appear after 200 ms.
 */
import { useText } from "../text/text.ts";
import { Mark } from "../ui/Mark.tsx";
import { Skeleton } from "../ui/Skeleton.tsx";
import styles from "./app.module.css";

/** The window before anything is known. */
export function StartingView() {
  const t = useText();
  return (
    <div className={styles["shell"]} role="status" aria-label={t("app.starting")}>
      <div className={styles["rail"]}>
        <Mark />
      </div>
      <div className={styles["listPane"]}>
        <div className={styles["startingList"]}>
          <Skeleton height="2rem" className={styles["startingSearch"]} />
          {Array.from({ length: 8 }, (_, index) => (
            <div key={index} className={styles["startingRow"]}>
              <Skeleton shape="round" />
              <Skeleton width={`${40 + ((index * 19) % 35)}%`} />
            </div>
          ))}
        </div>
      </div>
      <div className={styles["roomPane"]} />
    </div>
  );
}
