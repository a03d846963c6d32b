/**
 * One row of the room list: avatar, name, one line of preview, time and badge; for invites, the two answers.
 * Used by RoomListView. Memoised: it draws again only when its own row changed.
 * Invariant: what colour says is also said in words to assistive technology.
 */
import { memo } from "react";
import { BellOff, Check, Video, X } from "lucide-react";
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { RoomRow } from "../../../preload/contract/views.ts";
import { formatActivity } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Badge } from "../../ui/Badge.tsx";
import { cx } from "../../ui/cx.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { previewLine } from "./preview-text.ts";
import { isUnread } from "./room-list-model.ts";
import styles from "./room-list.module.css";

export type RoomRowViewProps = {
  row: RoomRow;
  isOpen: boolean;
  isTabStop: boolean;
  /** An answer to the invite is on its way. */
  isBusy: boolean;
  nowMs: number;
  avatarSrc: string | undefined;
  onOpen: (roomId: RoomId) => void;
  onAnswerInvite: (roomId: RoomId, isAccepted: boolean) => void;
};

/** A room, or an invite. */
export const RoomRowView = memo(function RoomRowView(props: RoomRowViewProps) {
  const { row, isOpen, isTabStop, isBusy, nowMs, avatarSrc, onOpen, onAnswerInvite } = props;
  const t = useText();
  const isInvite = row.membership === "invite";
  const line = previewLine(t, row);
  // In the open room the composer shows it.
  const hasDraftMark = row.hasDraft && !isOpen && line.tone !== "typing";
  const isLoud = isUnread(row) && !row.isMuted;
  return (
    <div
      className={cx(styles["row"], isOpen && styles["open"], isLoud && styles["unread"], isInvite && styles["invite"])}
    >
      <button
        type="button"
        className={styles["rowButton"]}
        aria-current={isOpen ? "page" : undefined}
        tabIndex={isTabStop ? 0 : -1}
        data-entry={row.key}
        data-room-id={row.roomId}
        onClick={() => onOpen(row.roomId)}
      >
        <Avatar
          name={row.name}
          id={row.directUserId ?? row.roomId}
          src={avatarSrc}
          shape={row.isDirect ? "round" : "squircle"}
        />
        <span className={styles["words"]}>
          <span className={styles["name"]}>
            <span className={styles["nameText"]} dir="auto">
              {row.name}
            </span>
            {row.isMuted ? (
              <>
                <BellOff aria-hidden="true" />
                <VisuallyHidden>{t("roomList.muted")}</VisuallyHidden>
              </>
            ) : null}
          </span>
          {line.text === "" && !hasDraftMark ? null : (
            <span className={cx(styles["preview"], styles[line.tone])}>
              {hasDraftMark ? <span className={styles["draft"]}>{t("roomList.draft")}</span> : null}
              <bdi>{line.text}</bdi>
            </span>
          )}
        </span>
        {isInvite ? null : (
          <span className={styles["meta"]}>
            {row.activityTs === undefined ? null : (
              <span className={styles["time"]}>{formatActivity(row.activityTs, nowMs)}</span>
            )}
            <RowMark row={row} />
          </span>
        )}
      </button>
      {isInvite ? (
        <span className={styles["answers"]}>
          <IconButton
            size="small"
            icon={<X />}
            label={t("roomList.declineInvite", { name: row.name })}
            isDisabled={isBusy}
            onPress={() => onAnswerInvite(row.roomId, false)}
          />
          <IconButton
            size="small"
            variant="primary"
            icon={<Check />}
            label={t("roomList.acceptInvite", { name: row.name })}
            isDisabled={isBusy}
            onPress={() => onAnswerInvite(row.roomId, true)}
          />
        </span>
      ) : null}
    </div>
  );
});

function RowMark({ row }: { row: RoomRow }) {
  const t = useText();
  if (row.highlightCount > 0) {
    const count = Math.max(row.highlightCount, row.notificationCount);
    return <Badge count={count} tone="mention" label={t("roomList.mentions", { count: row.highlightCount })} />;
  }
  if (row.notificationCount > 0) {
    return (
      <Badge
        count={row.notificationCount}
        tone={row.isMuted ? "quiet" : "accent"}
        label={t("roomList.unread", { count: row.notificationCount })}
      />
    );
  }
  if (row.hasRunningCall) {
    return (
      <>
        <Video className={styles["runningCall"]} aria-hidden="true" />
        <VisuallyHidden>{t("roomList.runningCall")}</VisuallyHidden>
      </>
    );
  }
  return null;
}
