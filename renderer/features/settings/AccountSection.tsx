/**
 * The account in the settings: its picture and name, its ids, and signing out. `AccountSection` connects,
 * `AccountView` draws from props. Shown by renderer/app as a section of the settings.
 * Invariant: a name that the server refuses stays in its field.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import { Check, Copy } from "lucide-react";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./settings.module.css";

const MAX_NAME_LENGTH = 255;

/** The section at work. */
export function AccountSection({
  account,
  avatarSrc,
  onSignOut,
}: {
  account: AccountRow;
  avatarSrc: string | undefined;
  onSignOut: () => void;
}) {
  const t = useText();
  const setDisplayName = useCommand("profile.setDisplayName");
  return (
    <AccountView
      account={account}
      avatarSrc={avatarSrc}
      isSaving={setDisplayName.isRunning}
      problem={setDisplayName.error && errorText(t, setDisplayName.error)}
      onSaveName={async (displayName) => (await setDisplayName.run({ accountId: account.accountId, displayName })).ok}
      onEdited={setDisplayName.clearError}
      onSignOut={onSignOut}
    />
  );
}

export type AccountViewProps = {
  account: AccountRow;
  avatarSrc: string | undefined;
  isSaving: boolean;
  problem: string | undefined;
  /** Resolves to whether it was saved. */
  onSaveName: (displayName: string) => Promise<boolean>;
  onEdited: () => void;
  onSignOut: () => void;
};

/** The section from props. */
export function AccountView({
  account,
  avatarSrc,
  isSaving,
  problem,
  onSaveName,
  onEdited,
  onSignOut,
}: AccountViewProps) {
  const t = useText();
  const [name, setName] = useState(account.displayName);
  const [isSaved, setIsSaved] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isSaving) setIsSaved(await onSaveName(name.trim()));
  };
  return (
    <div className={styles["account"]}>
      <form className={styles["profile"]} onSubmit={(event) => void submit(event)} noValidate>
        <Avatar name={account.displayName} id={account.userId} src={avatarSrc} sizePx={64} />
        <div className={styles["nameField"]}>
          <TextField
            label={t("settings.name")}
            value={name}
            onChange={(next) => {
              setName(next);
              setIsSaved(false);
              onEdited();
            }}
            maxLength={MAX_NAME_LENGTH}
            autoComplete="name"
            error={problem}
            description={isSaved ? t("settings.nameSaved") : undefined}
            descriptionTone="positive"
            reservesNote
          />
        </div>
        <Button
          type="submit"
          size="large"
          className={styles["nameSave"]}
          isPending={isSaving}
          isDisabled={name.trim() === account.displayName}
        >
          {t("settings.nameSave")}
        </Button>
      </form>
      <dl className={styles["facts"]}>
        <Fact label={t("settings.userId")} value={account.userId} canCopy />
        <Fact label={t("settings.server")} value={account.homeserverUrl} />
        <Fact label={t("settings.thisDevice")} value={account.deviceId} />
      </dl>
      <section className={styles["leave"]}>
        <p className={styles["leaveWords"]}>
          <span className={styles["leaveTitle"]}>{t("settings.signOut")}</span>
          <span className={styles["leaveHint"]}>{t("settings.signOutHint")}</span>
        </p>
        <Button onPress={onSignOut}>{t("settings.signOutAction")}</Button>
      </section>
    </div>
  );
}

function Fact({ label, value, canCopy = false }: { label: string; value: string; canCopy?: boolean }) {
  const t = useText();
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setIsCopied(true);
    } catch {
      setIsCopied(false);
    }
  };
  return (
    <div className={styles["fact"]}>
      <dt>{label}</dt>
      <dd>
        <bdi>{value}</bdi>
        {canCopy ? (
          <IconButton
            size="small"
            icon={isCopied ? <Check /> : <Copy />}
            label={t(isCopied ? "settings.copied" : "settings.copy")}
            onPress={() => void copy()}
          />
        ) : null}
      </dd>
    </div>
  );
}
