/**
 * The help sheet of the keyboard, straight from the keyboard map. Opened by AppShell.
 * Invariant: what it lists is what works.
 */
import { useText } from "../text/text.ts";
import { Dialog } from "../ui/Dialog.tsx";
import styles from "./app.module.css";
import { keyboardMap, shortcutLabel } from "./keyboard.ts";

/** The dialog "Keyboard shortcuts". */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t("app.shortcuts")} size="small" isOpen onClose={onClose} closeLabel={t("app.close")}>
      <dl className={styles["shortcuts"]}>
        {keyboardMap.map(({ id }) => (
          <div key={id} className={styles["shortcut"]}>
            <dt>{t(`app.shortcut.${id}`)}</dt>
            <dd>
              <kbd>{shortcutLabel(id)}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
