/**
 * The file of a message: a picture in its place, sound and film with their controls once they were asked for, and a
 * card for everything else and for what could not be shown. Used by SaidRow.
 * Invariants: drawn from props only; the box of a picture stands before the picture does; what cannot be shown says
 * why, and can still be saved.
 */
import { Download } from "lucide-react";
import { useState } from "react";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { FileView } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { cx } from "../../ui/cx.ts";
import { FileCard } from "./FileCard.tsx";
import { PictureViewer } from "./PictureViewer.tsx";
import { describeUpload, shortName } from "./describe-file.ts";
import { describeError } from "./describe.ts";
import { isShownAtOnce, kindOfFile } from "./file-kind.ts";
import type { MessageItem } from "./group-items.ts";
import { pictureBox } from "./picture-box.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";
import { UploadProgressBar } from "./UploadProgressBar.tsx";
import { type FetchedFile, useFetchedFile } from "./use-fetched-file.ts";

export type FileBodyProps = {
  item: MessageItem;
  file: FileView;
  isRoomEncrypted: boolean;
  isActive: boolean;
  actions: TimelineActions;
};

/** Draws the file. */
export function FileBody({ item, file, isRoomEncrypted, isActive, actions }: FileBodyProps) {
  const fetched = useFetchedFile(item, actions.onFetchFile);
  const [isOpen, setIsOpen] = useState(false);
  const [problem, setProblem] = useState<EngineErrorData | "not-showable">();
  const { txnId, send } = item;
  const kind = kindOfFile(file);
  const canBeHad = fetched.fetch !== undefined && actions.fileUrl(item, "file") !== undefined;
  const onCancelSend = send?.state === "sending" && txnId !== undefined ? () => actions.onDiscard(txnId) : undefined;
  const notShowable = () => {
    setIsOpen(false);
    setProblem("not-showable");
  };
  if (canBeHad && problem === undefined && (isOpen ? kind === "picture" : isShownAtOnce(item))) {
    return (
      <Picture
        item={item}
        file={file}
        isActive={isActive}
        fetched={fetched}
        fileUrl={actions.fileUrl}
        onCancelSend={onCancelSend}
        onNotShowable={notShowable}
      />
    );
  }
  const open = async () => {
    setProblem(undefined);
    if ((await fetched.fetch?.("open")) === "here") setIsOpen(true);
  };
  return (
    <>
      {isOpen && (kind === "audio" || kind === "video") ? (
        <Player item={item} file={file} kind={kind} fileUrl={actions.fileUrl} onNotShowable={notShowable} />
      ) : null}
      <FileCard
        item={item}
        file={file}
        isRoomEncrypted={isRoomEncrypted}
        isActive={isActive}
        fetched={fetched}
        problem={problem}
        onOpen={canBeHad && kind !== "other" && !isOpen ? () => void open() : undefined}
        onCancelSend={onCancelSend}
      />
    </>
  );
}

type PictureProps = Pick<FileBodyProps, "item" | "file" | "isActive"> & {
  fetched: FetchedFile;
  fileUrl: TimelineActions["fileUrl"];
  onCancelSend: (() => void) | undefined;
  onNotShowable: () => void;
};

function Picture({ item, file, isActive, fetched, fileUrl, onCancelSend, onNotShowable }: PictureProps) {
  const t = useText();
  const [isLarge, setIsLarge] = useState(false);
  // What is on the screen stays there when the address changes because the message was sent.
  const [part, setPart] = useState<"thumbnail" | "file">(file.hasThumbnail ? "thumbnail" : "file");
  const [shown, setShown] = useState(() => fileUrl(item, part));
  const [isBroken, setIsBroken] = useState(false);
  const { fetch, running, error } = fetched;
  const isUnderWay = item.send?.state === "sending" || item.send?.state === "wedged";
  const upload = item.send?.state === "sending" ? item.send.upload : undefined;
  const name = shortName(file.name) || t("timeline.fileUnnamed");
  const { widthPx, heightPx } = pictureBox(file);
  const show = (next: "thumbnail" | "file") => {
    setPart(next);
    setShown(fileUrl(item, next));
    setIsBroken(false);
  };
  const failed = async () => {
    // Sent meanwhile: what was its upload has another address now.
    if (shown !== fileUrl(item, part)) return show(part);
    if (part === "thumbnail") return show("file");
    setIsBroken(true);
    // An element does not say why it shows nothing; the engine does.
    if ((await fetch?.("open")) === "here") onNotShowable();
  };
  const retry = async () => {
    if ((await fetch?.("open")) === "here") show(part);
  };
  return (
    <div className={styles["picture"]}>
      {isBroken ? (
        <div
          className={styles["pictureBroken"]}
          style={{ aspectRatio: `${widthPx} / ${heightPx}`, inlineSize: widthPx }}
        >
          {running === undefined ? (
            <>
              {error === undefined ? null : (
                <p role="alert">{t("timeline.fileFailed", { reason: describeError(error, t) })}</p>
              )}
              <Button size="small" excludeFromTabOrder={!isActive} onPress={() => void retry()}>
                {t("timeline.tryAgain")}
              </Button>
            </>
          ) : (
            <span className={styles["spinner"]} role="status" aria-label={t("timeline.fileFetching", { name })} />
          )}
        </div>
      ) : (
        <button
          type="button"
          className={styles["pictureButton"]}
          tabIndex={isActive ? 0 : -1}
          aria-label={t("timeline.fileOpenOf", { name })}
          onClick={() => setIsLarge(true)}
        >
          <img
            src={shown}
            alt={name}
            width={widthPx}
            height={heightPx}
            // Set, the ratio holds also where the picture is another than its sender said.
            style={{ aspectRatio: `${widthPx} / ${heightPx}` }}
            decoding="async"
            draggable={false}
            onError={() => void failed()}
          />
        </button>
      )}
      {upload === undefined ? null : (
        <>
          <span className={styles["pictureUpload"]}>{describeUpload(upload, t)}</span>
          <UploadProgressBar name={name} upload={upload} />
        </>
      )}
      <span className={cx(styles["pictureTools"], onCancelSend !== undefined && styles["pictureToolsShown"])}>
        {onCancelSend !== undefined ? (
          <Button
            size="small"
            excludeFromTabOrder={!isActive}
            aria-label={t("timeline.fileCancelSendOf", { name })}
            onPress={onCancelSend}
          >
            {t("timeline.fileCancel")}
          </Button>
        ) : isUnderWay ? null : (
          <IconButton
            size="small"
            icon={<Download />}
            label={t("timeline.fileSaveOf", { name })}
            tooltipPlacement="top"
            isDisabled={running !== undefined}
            excludeFromTabOrder={!isActive}
            onPress={() => void fetch?.("save")}
          />
        )}
      </span>
      {error === undefined || isBroken ? null : (
        <small className={styles["fileError"]} role="alert">
          {t("timeline.fileFailed", { reason: describeError(error, t) })}
        </small>
      )}
      {isLarge ? (
        <PictureViewer
          name={name}
          src={fileUrl(item, "file") ?? shown}
          preview={shown}
          box={{ widthPx: file.widthPx ?? widthPx, heightPx: file.heightPx ?? heightPx }}
          onSave={isUnderWay ? undefined : () => void fetch?.("save")}
          onClose={() => setIsLarge(false)}
        />
      ) : null}
    </div>
  );
}

type PlayerProps = Pick<FileBodyProps, "item" | "file"> & {
  kind: "audio" | "video";
  fileUrl: TimelineActions["fileUrl"];
  onNotShowable: () => void;
};

function Player({ item, file, kind, fileUrl, onNotShowable }: PlayerProps) {
  const [src] = useState(() => fileUrl(item, "file"));
  const name = shortName(file.name);
  if (kind === "audio")
    return <audio className={styles["audio"]} src={src} aria-label={name} controls autoPlay onError={onNotShowable} />;
  const { widthPx, heightPx } = pictureBox(file);
  return (
    <video
      className={styles["video"]}
      src={src}
      aria-label={name}
      width={widthPx}
      height={heightPx}
      style={{ aspectRatio: `${widthPx} / ${heightPx}` }}
      controls
      autoPlay
      onError={onNotShowable}
    />
  );
}
