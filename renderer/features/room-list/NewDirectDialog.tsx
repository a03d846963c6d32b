/**
 * Asks for a user id and opens the direct room with that user: the existing one, or a new one.
 * Opened by renderer/app, from the list's menu or from a link. Invariant: it closes only when the room is there.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import { Lock } from "lucide-react";
import type { AccountId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/TextField.tsx";
import { readUserId } from "./user-ids.ts";
import styles from "./room-list.module.css";

export type NewDirectDialogProps = {
  accountId: AccountId;
  ownUserId: UserId;
  /** Filled in beforehand, e.g. from a link. */
  initialUserId?: UserId | undefined;
  onClose: () => void;
  onCreated: (roomId: RoomId) => void;
};

/** The dialog "New direct room". */
export function NewDirectDialog({ accountId, ownUserId, initialUserId, onClose, onCreated }: NewDirectDialogProps) {
  const t = useText();
  const [text, setText] = useState<string>(initialUserId ?? "");
  const [problem, setProblem] = useState<string>();
  const createDirect = useCommand("rooms.createDirect");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (createDirect.isRunning) return;
    const read = readUserId(t, text, ownUserId);
    if ("error" in read) return setProblem(read.error);
    const result = await createDirect.run({ accountId, userId: read.userId });
    if (result.ok) onCreated(result.value.roomId);
  };
  return (
    <Dialog title={t("roomList.directTitle")} isOpen onClose={onClose}>
      <form className={styles["form"]} onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          autoFocus
          label={t("roomList.directUser")}
          placeholder={t("roomList.directUserPlaceholder")}
          description={t("roomList.directHint")}
          value={text}
          onChange={(next) => {
            setText(next);
            setProblem(undefined);
            createDirect.clearError();
          }}
          spellCheck="false"
          error={problem ?? (createDirect.error && errorText(t, createDirect.error))}
        />
        <p className={styles["promise"]}>
          <Lock aria-hidden="true" />
          {t("roomList.directEncrypted")}
        </p>
        <DialogActions>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={createDirect.isRunning}>
            {t("roomList.directSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
