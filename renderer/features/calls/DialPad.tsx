/**
 * The keys of a telephone, for menus at the other end. Floats over the stage of InCallView; offered only where the
 * other side takes tones. Invariants: a key sends at once, by press or by keyboard; what was sent stays to be read
 * until it closes; Escape closes it.
 */
import { useEffect, useRef, useState } from "react";
import { X } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import styles from "./in-call.module.css";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;
const MAX_SHOWN = 24;

/** A dial pad. */
export function DialPad({ onTones, onClose }: { onTones: (tones: string) => void; onClose: () => void }) {
  const text = useText();
  const pad = useRef<HTMLDivElement>(null);
  const [sent, setSent] = useState("");
  const send = (key: string) => {
    setSent((before) => `${before}${key}`.slice(-MAX_SHOWN));
    onTones(key);
  };
  useEffect(() => {
    const before = document.activeElement;
    pad.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const nameOf = (key: string) =>
    text("calls.dialKey", { key: key === "*" ? text("calls.dialStar") : key === "#" ? text("calls.dialHash") : key });
  return (
    // The pad takes keys as a whole; the rule does not know this role.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={pad}
      className={styles["dialPad"]}
      role="group"
      aria-label={text("calls.dialPad")}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Escape") onClose();
        else if ((KEYS as readonly string[]).includes(event.key)) send(event.key);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div className={styles["dialHead"]}>
        <output className={styles["dialSent"]} aria-label={text("calls.dialPadTyped")} dir="ltr">
          {sent}
        </output>
        <IconButton size="small" icon={<X />} label={text("calls.dismiss")} shortcut="Esc" onPress={onClose} />
      </div>
      <div className={styles["dialKeys"]} dir="ltr">
        {KEYS.map((key) => (
          <AriaButton key={key} className={styles["dialKey"] ?? ""} aria-label={nameOf(key)} onPress={() => send(key)}>
            {key}
          </AriaButton>
        ))}
      </div>
    </div>
  );
}
