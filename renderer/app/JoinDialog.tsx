/**
 * Asks before joining a room that a link names by its alias. Opened by AppShell for `matrix:` links.
 * Invariant: a link alone never joins; the user says so.
 */
import type { AccountId, RoomAlias, RoomId } from "../../preload/contract/ids.ts";
import { useCommand } from "../engine-client/use-command.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog, DialogActions } from "../ui/Dialog.tsx";
import styles from "./app.module.css";

export type JoinDialogProps = {
  accountId: AccountId;
  alias: RoomAlias;
  via: readonly string[];
  onClose: () => void;
  onJoined: (roomId: RoomId) => void;
};

const MAX_VIA = 5;

/** The question before joining by alias. */
export function JoinDialog({ accountId, alias, via, onClose, onJoined }: JoinDialogProps) {
  const t = useText();
  const join = useCommand("rooms.join");
  const confirm = async () => {
    const result = await join.run({
      accountId,
      room: alias,
      ...(via.length > 0 ? { via: via.slice(0, MAX_VIA) } : {}),
    });
    if (result.ok) onJoined(result.value.roomId);
  };
  return (
    <Dialog title={t("app.joinTitle", { alias })} size="small" isOpen onClose={onClose}>
      <p className={styles["dialogBody"]}>{t("app.joinBody")}</p>
      {join.error === undefined ? null : (
        <p className={styles["problem"]} role="alert">
          {errorText(t, join.error)}
        </p>
      )}
      <DialogActions>
        <Button onPress={onClose}>{t("app.cancel")}</Button>
        <Button variant="primary" isPending={join.isRunning} onPress={() => void confirm()}>
          {t("app.joinSubmit")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
