/**
 * A modal card over the whole window, and the row of its actions. Used for everything that needs an answer
 * before the work goes on. The caller decides when it is open.
 * Invariant: focus goes in, stays in and comes back; Escape and a press beside it close it unless
 * `isDismissable` is false.
 */
import type { ReactNode } from "react";
import { X } from "lucide-react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { cx } from "./cx.ts";
import { IconButton } from "./IconButton.tsx";
import styles from "./Dialog.module.css";

export type DialogProps = {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** `alertdialog` for questions about something that cannot be undone. */
  role?: "dialog" | "alertdialog";
  isDismissable?: boolean;
  /** Name of the close button in the corner; without it there is none. */
  closeLabel?: string;
  size?: "small" | "medium";
  children: ReactNode;
};

/** A modal dialog with a title. */
export function Dialog({
  title,
  isOpen,
  onClose,
  role = "dialog",
  isDismissable = true,
  closeLabel,
  size = "medium",
  children,
}: DialogProps) {
  return (
    <ModalOverlay
      className={styles["overlay"] ?? ""}
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      isDismissable={isDismissable && role === "dialog"}
      isKeyboardDismissDisabled={!isDismissable}
    >
      <Modal className={cx(styles["modal"], styles[size])}>
        <AriaDialog className={styles["dialog"] ?? ""} role={role}>
          <header className={styles["head"]}>
            <Heading slot="title" level={2} className={styles["title"] ?? ""}>
              {title}
            </Heading>
            {closeLabel === undefined ? null : (
              <IconButton size="small" icon={<X />} label={closeLabel} onPress={onClose} />
            )}
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The row of buttons that ends a dialog; the main action comes last. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <footer className={styles["actions"]}>{children}</footer>;
}
