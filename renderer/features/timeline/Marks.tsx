/**
 * The small marks at the right edge of a message: how far our own has come, and who has read up to it.
 * Used by SaidRow. Invariant: their space is reserved in the row, so that they come and go without moving text.
 */
import { Check, Clock3 } from "lucide-react";
import type { Person, SendStatus } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { isolate } from "./describe.ts";
import type { MediaUrl } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

const MAX_READERS = 3;
const MAX_NAMED_READERS = 20;

export type MarksProps = {
  send: SendStatus | undefined;
  readBy: readonly Person[];
  mediaUrl: MediaUrl;
};

/** Readers, or else the state of sending. */
export function Marks({ send, readBy, mediaUrl }: MarksProps) {
  const t = useText();
  if (readBy.length > 0) {
    const names = readBy.slice(0, MAX_NAMED_READERS).map((reader) => isolate(reader.displayName));
    const label = t("timeline.readBy", { names: names.join(", ") });
    return (
      <div className={styles["marks"]} title={label}>
        <VisuallyHidden>{label}</VisuallyHidden>
        {readBy.length > MAX_READERS ? (
          <span className={styles["moreReaders"]} aria-hidden="true">
            {t("timeline.moreReaders", { count: readBy.length - MAX_READERS })}
          </span>
        ) : null}
        {readBy.slice(0, MAX_READERS).map((reader) => (
          <Avatar
            key={reader.userId}
            id={reader.userId}
            name={reader.displayName}
            src={mediaUrl(reader.avatarMxc, 16)}
            sizePx={16}
          />
        ))}
      </div>
    );
  }
  if (send?.state === "sending") {
    return (
      <div className={styles["marks"]} title={t("timeline.sending")}>
        <Clock3 className={styles["sending"]} aria-hidden="true" />
        <VisuallyHidden>{t("timeline.sending")}</VisuallyHidden>
      </div>
    );
  }
  if (send?.state === "sent") {
    return (
      <div className={styles["marks"]} title={t("timeline.sent")}>
        <Check aria-hidden="true" />
        <VisuallyHidden>{t("timeline.sent")}</VisuallyHidden>
      </div>
    );
  }
  return null;
}
