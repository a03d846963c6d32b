/**
 * The avatar of the account at the foot of the rail, with what can be done about it. Mounted by renderer/app,
 * which opens the dialogs. Invariant: shows whose menu it is, by name and user id.
 */
import { Keyboard, LogOut, Pencil, Settings } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Menu } from "../../ui/Menu.tsx";
import styles from "./settings.module.css";

export type AccountMenuProps = {
  account: AccountRow;
  avatarSrc: string | undefined;
  shortcutsKey: string;
  settingsKey: string;
  onEditName: () => void;
  onSettings: () => void;
  onShortcuts: () => void;
  onSignOut: () => void;
};

/** The account's menu. */
export function AccountMenu({
  account,
  avatarSrc,
  shortcutsKey,
  settingsKey,
  onEditName,
  onSettings,
  onShortcuts,
  onSignOut,
}: AccountMenuProps) {
  const t = useText();
  const avatar = (sizePx: number) => (
    <Avatar name={account.displayName} id={account.userId} src={avatarSrc} sizePx={sizePx} />
  );
  return (
    <Menu
      label={t("app.accountMenu")}
      placement="end bottom"
      trigger={
        <AriaButton className={styles["trigger"] ?? ""} aria-label={t("app.account", { name: account.displayName })}>
          {avatar(36)}
        </AriaButton>
      }
      header={
        <div className={styles["who"]}>
          {avatar(36)}
          <div className={styles["whoWords"]}>
            <p className={styles["whoName"]} dir="auto">
              {account.displayName}
            </p>
            <p className={styles["whoId"]}>
              <bdi>{account.userId}</bdi>
            </p>
          </div>
        </div>
      }
      entries={[
        { id: "name", label: t("app.editName"), icon: <Pencil />, onAction: onEditName },
        {
          id: "settings",
          label: t("settings.open"),
          icon: <Settings />,
          shortcut: settingsKey,
          onAction: onSettings,
        },
        {
          id: "shortcuts",
          label: t("app.shortcuts"),
          icon: <Keyboard />,
          shortcut: shortcutsKey,
          onAction: onShortcuts,
        },
        { kind: "separator", id: "line" },
        { id: "sign-out", label: t("app.signOut"), icon: <LogOut />, isDanger: true, onAction: onSignOut },
      ]}
    />
  );
}
