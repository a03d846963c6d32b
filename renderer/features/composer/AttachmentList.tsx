/**
 * The files that wait above the field: what each is, how far it has come, and how to take it out again. Drawn by
 * ComposerView from props. Invariant: knows no engine; a file that failed says why and can be tried again.
 */
import { AudioLines, File, Image, RotateCcw, Video, X } from "lucide-react";
import { formatSize } from "../../text/format.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { cx } from "../../ui/cx.ts";
import type { Attachment } from "./attachment-tray.ts";
import styles from "./composer.module.css";

const ICONS: Readonly<Record<string, typeof File>> = { image: Image, video: Video, audio: AudioLines };

export type AttachmentListProps = {
  attachments: readonly Attachment[];
  onRemove: (key: Attachment["key"]) => void;
  onRetry: (key: Attachment["key"]) => void;
};

function AttachmentItem({ attachment, onRemove, onRetry }: { attachment: Attachment } & AttachmentActions) {
  const t = useText();
  const { state, sizeBytes, previewUrl, isLeaving } = attachment;
  const name = attachment.name === "" ? t("composer.attachedUnnamed") : attachment.name;
  const Icon = ICONS[attachment.contentType.split("/")[0] ?? ""] ?? File;
  const percent = state.is === "reading" && sizeBytes > 0 ? Math.floor((state.doneBytes * 100) / sizeBytes) : 0;
  const isFailed = state.is === "failed";
  const progress = isLeaving
    ? t("composer.attachedLeaving")
    : state.is === "waiting"
      ? t("composer.attachedWaiting")
      : state.is === "reading"
        ? t("composer.attachedReading", { percent })
        : "";
  return (
    <li className={cx(styles["attachment"], isFailed && styles["attachmentFailed"])}>
      <span className={styles["attachmentPicture"]}>
        {previewUrl === undefined ? <Icon aria-hidden="true" /> : <img src={previewUrl} alt="" />}
      </span>
      <span className={styles["attachmentWords"]}>
        <span dir="auto" title={name}>
          {name}
        </span>
        {isFailed ? (
          <small role="alert">{t("composer.attachedFailed", { reason: errorText(t, state.error) })}</small>
        ) : (
          <small>{[formatSize(sizeBytes), progress].filter((part) => part !== "").join(" · ")}</small>
        )}
      </span>
      <span className={styles["attachmentTools"]}>
        {isFailed ? (
          <IconButton
            size="small"
            icon={<RotateCcw />}
            label={t("composer.attachedRetry", { name })}
            tooltipPlacement="top"
            onPress={() => onRetry(attachment.key)}
          />
        ) : null}
        <IconButton
          size="small"
          icon={<X />}
          label={t("composer.attachedRemove", { name })}
          tooltipPlacement="top"
          onPress={() => onRemove(attachment.key)}
        />
      </span>
      {state.is === "reading" ? (
        <progress className={styles["attachmentProgress"]} max={100} value={percent} aria-label={name} />
      ) : null}
    </li>
  );
}

type AttachmentActions = Pick<AttachmentListProps, "onRemove" | "onRetry">;

/** Draws the tray; nothing where it is empty. */
export function AttachmentList({ attachments, onRemove, onRetry }: AttachmentListProps) {
  const t = useText();
  if (attachments.length === 0) return null;
  return (
    <ul className={styles["attachments"]} aria-label={t("composer.attached")}>
      {attachments.map((attachment) => (
        <AttachmentItem key={attachment.key} attachment={attachment} onRemove={onRemove} onRetry={onRetry} />
      ))}
    </ul>
  );
}
