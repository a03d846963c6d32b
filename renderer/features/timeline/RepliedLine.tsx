/**
 * The message that is answered, as one line above the answer; a press goes there. Used by SaidRow.
 * Invariant: drawn from props only; it never grows beyond one line, whatever was said.
 */
import { Reply } from "lucide-react";
import type { Replied } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { hueOf } from "../../ui/hue.ts";
import { describeReplied } from "./describe.ts";
import styles from "./timeline.module.css";

export type RepliedLineProps = { replied: Replied; isActive: boolean; onShow: () => void };

/** Draws the line. */
export function RepliedLine({ replied, isActive, onShow }: RepliedLineProps) {
  const t = useText();
  const { sender } = replied;
  return (
    <button
      type="button"
      className={styles["replied"]}
      data-hue={sender === undefined ? undefined : hueOf(sender.userId)}
      tabIndex={isActive ? 0 : -1}
      onClick={onShow}
    >
      <Reply aria-label={t("timeline.inReplyTo")} />
      {sender === undefined ? null : <bdi className={styles["repliedName"]}>{sender.displayName}</bdi>}
      <bdi className={styles["repliedText"]}>{describeReplied(replied, t)}</bdi>
    </button>
  );
}
