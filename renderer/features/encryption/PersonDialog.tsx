/**
 * A person's trust in a dialog of its own: from the health page, and from a list of members. Exported for
 * renderer/app. Invariant: it shows the one panel there is about a person's trust.
 */
import type { AccountId, UserId } from "../../../preload/contract/ids.ts";
import { useText } from "../../text/text.ts";
import { Dialog } from "../../ui/Dialog.tsx";
import styles from "./dialogs.module.css";
import { UserTrustPanel } from "./UserTrustPanel.tsx";

/** The dialog about a person. */
export function PersonDialog(props: { accountId: AccountId; userId: UserId; name: string; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog
      title={t("encryption.personTitle", { name: props.name })}
      size="small"
      isOpen
      onClose={props.onClose}
      closeLabel={t("app.close")}
    >
      <p className={styles["hint"]}>
        <bdi>{props.userId}</bdi>
      </p>
      <UserTrustPanel accountId={props.accountId} userId={props.userId} />
    </Dialog>
  );
}
