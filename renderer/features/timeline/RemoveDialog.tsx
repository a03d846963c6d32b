/**
 * The question before a message is removed for everyone, which cannot be taken back. Used by TimelinePane.
 * Invariant: drawn from props only; the answer that changes nothing has the focus.
 */
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";

/** Asks. */
export function RemoveDialog({ onRemove, onClose }: { onRemove: () => void; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog role="alertdialog" title={t("timeline.removeTitle")} isOpen onClose={onClose}>
      <p>{t("timeline.removeBody")}</p>
      <DialogActions>
        <Button autoFocus onPress={onClose}>
          {t("timeline.removeCancel")}
        </Button>
        <Button variant="danger" onPress={onRemove}>
          {t("timeline.remove")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
