/**
 * The help sheet of the keyboard, straight from the keyboard map. Opened by AppShell.
 * Invariant: what it lists is what works.
 */
import { useId } from "react";
import { useText } from "../text/text.ts";
import { Dialog } from "../ui/Dialog.tsx";
import styles from "./app.module.css";
import { callKeyboardMap, keyboardMap, shortcutLabel } from "./keyboard.ts";

/** The dialog "Keyboard shortcuts". */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const callsId = useId();
  return (
    <Dialog title={t("app.shortcuts")} size="small" isOpen onClose={onClose} closeLabel={t("app.close")}>
      <dl className={styles["shortcuts"]}>
        {keyboardMap.map(({ id }) => (
          <Shortcut key={id} id={id} />
        ))}
      </dl>
      <h3 id={callsId} className={styles["shortcutsTitle"]}>
        {t("app.shortcutsInCall")}
      </h3>
      <dl className={styles["shortcuts"]} aria-labelledby={callsId}>
        {callKeyboardMap.map(({ id }) => (
          <Shortcut key={id} id={id} />
        ))}
      </dl>
    </Dialog>
  );
}

function Shortcut({ id }: { id: Parameters<typeof shortcutLabel>[0] }) {
  const t = useText();
  return (
    <div className={styles["shortcut"]}>
      <dt>{t(`app.shortcut.${id}`)}</dt>
      <dd>
        <kbd>{shortcutLabel(id)}</kbd>
      </dd>
    </div>
  );
}
