/**
 * The reactions to a message, as chips that add and take back one's own. Used by SaidRow.
 * Invariant: drawn from props only; whose a reaction is, and that ours was refused, is told in words as well.
 */
import { useText } from "../../text/text.ts";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { cx } from "../../ui/cx.ts";
import { isolate } from "./describe.ts";
import type { MessageItem } from "./group-items.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

export type ReactionsProps = { item: MessageItem; isActive: boolean; onReact: TimelineActions["onReact"] };

/** Draws the chips; nothing where there are none. */
export function Reactions({ item, isActive, onReact }: ReactionsProps) {
  const t = useText();
  if (item.reactions === undefined) return null;
  return (
    <ul className={styles["reactions"]} aria-label={t("timeline.reactions")}>
      {item.reactions.map(({ key, count, isOwn, isFailed, names }) => {
        const who = names.map(isolate).join(", ");
        const rest = count - names.length;
        const words =
          rest > 0
            ? t("timeline.reactionAndMore", { names: who, count: rest })
            : t("timeline.reactionBy", { names: who });
        const label = isFailed ? `${words}. ${t("timeline.reactionFailed")}` : words;
        return (
          <li key={key}>
            <button
              type="button"
              className={cx(styles["reaction"], isOwn && styles["reactionOwn"], isFailed && styles["reactionFailed"])}
              aria-pressed={isOwn}
              title={label}
              disabled={onReact === undefined}
              tabIndex={isActive ? 0 : -1}
              onClick={() => onReact?.(item, key, !isOwn)}
            >
              <bdi className={styles["reactionKey"]}>{key}</bdi>
              <span>{count}</span>
              <VisuallyHidden>{label}</VisuallyHidden>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
