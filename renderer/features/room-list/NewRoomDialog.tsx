/**
 * Asks for name, topic, visibility, encryption and first members, and creates the room. Opened by renderer/app.
 * Invariant: it closes only when the room is there, and keeps what was typed when the server refuses. A private
 * room is encrypted unless the user says otherwise; a public one never is.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import type { AccountId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog, DialogActions } from "../../ui/Dialog.tsx";
import { Switch } from "../../ui/Switch.tsx";
import { TextField } from "../../ui/TextField.tsx";
import { readUserIds } from "./user-ids.ts";
import styles from "./room-list.module.css";

export type NewRoomDialogProps = {
  accountId: AccountId;
  ownUserId: UserId;
  onClose: () => void;
  onCreated: (roomId: RoomId) => void;
};

const MAX_NAME_LENGTH = 255;
const MAX_TOPIC_LENGTH = 1_000;

/** The dialog "New room". */
export function NewRoomDialog({ accountId, ownUserId, onClose, onCreated }: NewRoomDialogProps) {
  const t = useText();
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [invite, setInvite] = useState("");
  const [isPublic, setIsPublic] = useState(false);
  const [wantsEncryption, setWantsEncryption] = useState(true);
  const [problems, setProblems] = useState<{ name?: string; invite?: string }>({});
  const create = useCommand("rooms.create");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (create.isRunning) return;
    const read = readUserIds(t, invite, ownUserId);
    const trimmedName = name.trim();
    if (trimmedName === "" || "error" in read) {
      return setProblems({
        ...(trimmedName === "" ? { name: t("roomList.roomNameNeeded") } : {}),
        ...("error" in read ? { invite: read.error } : {}),
      });
    }
    const trimmedTopic = topic.trim();
    const result = await create.run({
      accountId,
      name: trimmedName,
      ...(trimmedTopic === "" ? {} : { topic: trimmedTopic }),
      isPublic,
      isEncrypted: !isPublic && wantsEncryption,
      invite: read.userIds,
    });
    if (result.ok) onCreated(result.value.roomId);
  };
  const changed =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
      setProblems({});
      create.clearError();
    };
  return (
    <Dialog title={t("roomList.roomTitle")} isOpen onClose={onClose}>
      <form className={styles["form"]} onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          autoFocus
          label={t("roomList.roomName")}
          value={name}
          onChange={changed(setName)}
          maxLength={MAX_NAME_LENGTH}
          error={problems.name}
        />
        <TextField
          label={t("roomList.roomTopic")}
          value={topic}
          onChange={changed(setTopic)}
          maxLength={MAX_TOPIC_LENGTH}
        />
        <TextField
          label={t("roomList.roomInvite")}
          description={t("roomList.roomInviteHint")}
          value={invite}
          onChange={changed(setInvite)}
          isMultiline
          spellCheck="false"
          error={problems.invite}
        />
        <Switch
          label={t("roomList.roomPublic")}
          description={t("roomList.roomPublicHint")}
          isSelected={isPublic}
          onChange={setIsPublic}
        />
        <Switch
          label={t("roomList.roomEncrypted")}
          description={t(
            isPublic
              ? "roomList.roomPublicInClearHint"
              : wantsEncryption
                ? "roomList.roomEncryptedHint"
                : "roomList.roomInClearHint",
          )}
          isSelected={!isPublic && wantsEncryption}
          isDisabled={isPublic}
          onChange={setWantsEncryption}
        />
        {create.error === undefined ? null : (
          <p className={styles["problem"]} role="alert">
            {errorText(t, create.error)}
          </p>
        )}
        <DialogActions>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={create.isRunning}>
            {t("roomList.roomSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
