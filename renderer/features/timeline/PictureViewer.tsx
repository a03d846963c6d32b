/**
 * One picture over the whole window, as large as it fits. Opened by FileBody.
 * Invariant: Escape, the cross and a press beside the picture close it, and the focus goes back to where it was.
 */
import { Download, X } from "lucide-react";
import { Dialog } from "react-aria-components/Dialog";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import type { Box } from "./picture-box.ts";
import styles from "./picture-viewer.module.css";

export type PictureViewerProps = {
  name: string;
  src: string | undefined;
  /** Is there already, and stands in the place of the picture until that comes. */
  preview: string | undefined;
  box: Box;
  onSave: (() => void) | undefined;
  onClose: () => void;
};

/** Draws the picture and the two things to do with it. */
export function PictureViewer({ name, src, preview, box, onSave, onClose }: PictureViewerProps) {
  const t = useText();
  return (
    <ModalOverlay
      className={styles["overlay"] ?? ""}
      isOpen
      isDismissable
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal className={styles["modal"] ?? ""}>
        <Dialog className={styles["dialog"] ?? ""} aria-label={name}>
          <div className={styles["bar"]}>
            <span className={styles["name"]} dir="auto">
              {name}
            </span>
            {onSave === undefined ? null : (
              <IconButton icon={<Download />} label={t("timeline.fileSaveOf", { name })} onPress={onSave} />
            )}
            <IconButton icon={<X />} label={t("timeline.pictureClose")} onPress={onClose} />
          </div>
          {/* A press beside the picture is meant for what is behind it; the keyboard has Escape and the cross. */}
          {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
          <div
            className={styles["stage"]}
            onClick={(event) => {
              if (event.target === event.currentTarget) onClose();
            }}
          >
            <img
              src={src}
              alt={name}
              width={box.widthPx}
              height={box.heightPx}
              draggable={false}
              style={preview === undefined ? {} : { backgroundImage: `url("${preview}")` }}
            />
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
