/**
 * The recovery key on paper: a sheet that only a printer sees. Used by the set-up while the key is shown.
 * Invariant: while it is there, the page prints the sheet and nothing else.
 */
import { createPortal } from "react-dom";
import { useText } from "../../text/text.ts";
import styles from "./key-sheet.module.css";

/** The sheet; print it with `window.print()`. */
export function KeySheet({ userId, groups }: { userId: string; groups: readonly string[] }) {
  const t = useText();
  return createPortal(
    <section className={styles["sheet"]} data-print-sheet="" aria-hidden="true">
      <p className={styles["title"]}>{t("encryption.keyFileName")}</p>
      <p>{userId}</p>
      <p className={styles["key"]}>{groups.join(" ")}</p>
    </section>,
    document.body,
  );
}
