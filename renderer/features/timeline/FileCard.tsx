/**
 * The card of a file: what it is, how large, and what can be done with it. Used by FileBody.
 * Invariant: drawn from props only; nothing is fetched before the user asks for it.
 */
import { AudioLines, Download, ExternalLink, File, Image, Play, Video } from "lucide-react";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { FileView } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { cx } from "../../ui/cx.ts";
import { describeFile, describeUpload, shortName } from "./describe-file.ts";
import { describeError } from "./describe.ts";
import { kindOfFile } from "./file-kind.ts";
import type { MessageItem } from "./group-items.ts";
import styles from "./timeline.module.css";
import { UploadProgressBar } from "./UploadProgressBar.tsx";
import type { FetchedFile } from "./use-fetched-file.ts";

const ICONS: Partial<Record<MessageItem["msgtype"], typeof File>> = { image: Image, video: Video, audio: AudioLines };

export type FileCardProps = {
  item: MessageItem;
  file: FileView;
  isRoomEncrypted: boolean;
  isActive: boolean;
  fetched: FetchedFile;
  /** What kept it from being shown. */
  problem?: EngineErrorData | "not-showable" | undefined;
  /** Shows or plays it here; without it, that is not offered. */
  onOpen?: (() => void) | undefined;
  /** Takes the sending back; given while there is something to take back. */
  onCancelSend?: (() => void) | undefined;
};

/** Draws the card. */
export function FileCard(props: FileCardProps) {
  const { item, file, isRoomEncrypted, isActive, fetched, problem, onOpen, onCancelSend } = props;
  const t = useText();
  const { fetch, running } = fetched;
  const error = fetched.error ?? problem;
  const Icon = ICONS[item.msgtype] ?? File;
  const name = shortName(file.name) || t("timeline.fileUnnamed");
  const isPlayable = kindOfFile(file) !== "picture";
  const isUnderWay = item.send?.state === "sending" || item.send?.state === "wedged";
  const upload = item.send?.state === "sending" ? item.send.upload : undefined;
  const excludeFromTabOrder = !isActive;
  return (
    <div className={styles["file"]}>
      <Icon aria-hidden="true" />
      <div className={styles["tileText"]}>
        <span className={styles["fileName"]} dir="auto" title={file.name}>
          {name}
        </span>
        <small>
          {upload === undefined ? describeFile(file, item.msgtype, isRoomEncrypted, t) : describeUpload(upload, t)}
        </small>
        {error === undefined ? null : (
          <small className={styles["fileError"]} role="alert">
            {error === "not-showable"
              ? t("timeline.fileNotShowable")
              : t("timeline.fileFailed", { reason: describeError(error, t) })}
          </small>
        )}
      </div>
      {onCancelSend !== undefined ? (
        <span className={cx(styles["fileActions"], styles["sending"])}>
          <Button
            size="small"
            excludeFromTabOrder={excludeFromTabOrder}
            aria-label={t("timeline.fileCancelSendOf", { name })}
            onPress={onCancelSend}
          >
            {t("timeline.fileCancel")}
          </Button>
        </span>
      ) : fetch === undefined || isUnderWay ? null : (
        <span className={styles["fileActions"]}>
          {running === "open" ? (
            <CancelButton name={name} isActive={isActive} fetched={fetched} />
          ) : onOpen === undefined ? null : (
            <Button
              size="small"
              icon={isPlayable ? <Play /> : <ExternalLink />}
              isDisabled={running !== undefined}
              excludeFromTabOrder={excludeFromTabOrder}
              aria-label={t(isPlayable ? "timeline.filePlayOf" : "timeline.fileOpenOf", { name })}
              onPress={onOpen}
            >
              {t(isPlayable ? "timeline.filePlay" : "timeline.fileOpen")}
            </Button>
          )}
          {running === "save" ? (
            <CancelButton name={name} isActive={isActive} fetched={fetched} />
          ) : (
            <Button
              size="small"
              icon={<Download />}
              isDisabled={running !== undefined}
              excludeFromTabOrder={excludeFromTabOrder}
              aria-label={t("timeline.fileSaveOf", { name })}
              onPress={() => void fetch("save")}
            >
              {t("timeline.fileSave")}
            </Button>
          )}
        </span>
      )}
      {upload === undefined ? null : <UploadProgressBar name={name} upload={upload} />}
    </div>
  );
}

/** Stands in the place of the button that was pressed, for as long as the file is on its way. */
function CancelButton({ name, isActive, fetched }: { name: string; isActive: boolean; fetched: FetchedFile }) {
  const t = useText();
  return (
    <Button
      size="small"
      icon={<span className={styles["spinner"]} aria-hidden="true" />}
      excludeFromTabOrder={!isActive}
      aria-label={t("timeline.fileCancelOf", { name })}
      onPress={fetched.cancel}
    >
      {t("timeline.fileCancel")}
    </Button>
  );
}
