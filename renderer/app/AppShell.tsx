/**
 * The frame of a signed-in account: rail, room list, room, dialogs, calls, keyboard map and title.
 * Rendered by App, one for the account in use. Composes features, which know nothing of each other.
 * Invariant: every dialog of the app is opened here, so that at most one is open.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import type { CSSProperties } from "react";
import { House, LockKeyhole, MonitorSmartphone, Phone, Settings, UserRound } from "lucide-react";
import * as v from "valibot";
import type { RoomAlias, RoomId, UserId } from "../../preload/contract/ids.ts";
import { routeSchema } from "../../preload/contract/shell-contract.ts";
import type { LatticeHost } from "../../preload/contract/shell-contract.ts";
import type { AccountRow } from "../../preload/contract/views.ts";
import { useAvatarUrl } from "../engine-client/media-url.ts";
import { useTopicItem } from "../engine-client/use-topic.ts";
import { CallLogPane } from "../features/call-log/index.ts";
import { CallsSection, CallSurfaces, ScreenSourcePicker, useBeginCall } from "../features/calls/index.ts";
import {
  DevicesSection,
  EncryptionBanner,
  EncryptionSection,
  SetUpDialog,
  useSetUpPrompt,
  VerificationHost,
} from "../features/encryption/index.ts";
import { NewDirectDialog, NewRoomDialog, RoomListPane } from "../features/room-list/index.ts";
import type { RoomListHandle } from "../features/room-list/index.ts";
import {
  AccountMenu,
  AccountSection,
  EditNameDialog,
  SettingsDialog,
  SignInAgainDialog,
  SignOutDialog,
} from "../features/settings/index.ts";
import { useText } from "../text/text.ts";
import { IconButton } from "../ui/IconButton.tsx";
import { Mark } from "../ui/Mark.tsx";
import styles from "./app.module.css";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import { JoinDialog } from "./JoinDialog.tsx";
import { shortcutLabel, useShortcuts } from "./keyboard.ts";
import { ListResizer, useListWidth } from "./ListResizer.tsx";
import { RoomPane } from "./RoomPane.tsx";
import { ShortcutsDialog } from "./ShortcutsDialog.tsx";
import { useTitle } from "./use-title.ts";

type SettingsSectionId = "account" | "devices" | "encryption" | "calls";
const MAX_RAIL_COUNT = 99;
type OpenDialog =
  | { kind: "direct"; userId?: UserId }
  | { kind: "room" }
  | { kind: "join"; alias: RoomAlias; via: readonly string[] }
  | { kind: "settings"; section: SettingsSectionId }
  | { kind: "name" | "set-up" | "sign-out" | "sign-in-again" | "shortcuts" };

export type AppShellProps = {
  account: AccountRow;
  host: Pick<LatticeHost, "onRoute" | "onScreenSources" | "chooseScreenSource">;
  openRoomId: RoomId | undefined;
  /** Asks for another room, or for none. */
  onOpenRoom: (roomId: RoomId | undefined) => void;
};

/** The window of an account. */
export function AppShell({ account, host, openRoomId, onOpenRoom: openRoom }: AppShellProps) {
  const t = useText();
  const { accountId } = account;
  const beginCall = useBeginCall();
  const [dialog, setDialog] = useState<OpenDialog>();
  const [isInfoOpen, setIsInfoOpen] = useState(false);
  const [isCallLog, setIsCallLog] = useState(false);
  const missedCallCount = useTopicItem("badge", {})?.missedCallCount ?? 0;
  const [listWidthPx, setListWidthPx] = useListWidth();
  const listHandle = useRef<RoomListHandle>(null);
  const avatarUrl = useAvatarUrl(accountId);
  const closeDialog = () => setDialog(undefined);
  // The same function for as long as the window lives: rows of the timeline are drawn anew when it changes.
  const confirmDevice = useCallback(() => setDialog({ kind: "set-up" }), []);
  const openSettings = (section: SettingsSectionId = "account") => setDialog({ kind: "settings", section });
  useTitle(accountId, openRoomId);
  useSetUpPrompt(account, dialog !== undefined, () => setDialog({ kind: "set-up" }));

  useEffect(
    () =>
      host.onRoute((data: unknown) => {
        const parsed = v.safeParse(routeSchema, data);
        if (!parsed.success) return;
        const route = parsed.output;
        if (route.to === "room") openRoom(route.roomId);
        else if (route.to === "user") setDialog({ kind: "direct", userId: route.userId });
        else if (route.to === "alias") setDialog({ kind: "join", alias: route.alias, via: route.via ?? [] });
        else setDialog(route.to === "new-room" ? { kind: "room" } : { kind: "settings", section: "account" });
      }),
    [host, openRoom],
  );

  const goToNeighbour = (step: 1 | -1, onlyUnread = false) => {
    const roomId = listHandle.current?.neighbour(step, { onlyUnread });
    if (roomId !== undefined) openRoom(roomId);
  };
  const focusSearch = () => listHandle.current?.focusSearch();
  useShortcuts({
    search: () => {
      // In the narrow window the list is hidden behind the room.
      if (!isListShown()) openRoom(undefined);
      setIsCallLog(false);
      requestAnimationFrame(focusSearch);
    },
    newDirect: () => setDialog({ kind: "direct" }),
    newRoom: () => setDialog({ kind: "room" }),
    previousRoom: () => goToNeighbour(-1),
    nextRoom: () => goToNeighbour(1),
    previousUnread: () => goToNeighbour(-1, true),
    nextUnread: () => goToNeighbour(1, true),
    roomInfo: () => setIsInfoOpen((isOpen) => !isOpen),
    ...(openRoomId === undefined || isListShown() ? {} : { backToList: () => openRoom(undefined) }),
    settings: () => openSettings(),
    shortcuts: () => setDialog({ kind: "shortcuts" }),
  });

  const created = (roomId: RoomId) => {
    closeDialog();
    openRoom(roomId);
  };
  return (
    <div
      className={styles["shell"]}
      data-pane={openRoomId === undefined ? "list" : "room"}
      style={listWidthStyle(listWidthPx)}
    >
      <nav className={styles["rail"]} aria-label={t("app.rail")}>
        <Mark />
        <span className={styles["railLine"]} />
        <span className={styles["railItem"]} data-on={!isCallLog}>
          <IconButton
            className={styles["railButton"]}
            icon={<House />}
            label={t("app.home")}
            isSelected={!isCallLog}
            tooltipPlacement="end"
            onPress={() => {
              setIsCallLog(false);
              openRoom(undefined);
            }}
          />
        </span>
        <span className={styles["railItem"]} data-on={isCallLog}>
          <IconButton
            className={styles["railButton"]}
            icon={<Phone />}
            label={missedCallCount === 0 ? t("callLog.open") : t("callLog.openWithMissed", { count: missedCallCount })}
            isSelected={isCallLog}
            tooltipPlacement="end"
            onPress={() => {
              setIsCallLog(true);
              // In the narrow window the list is hidden behind the room.
              if (!isListShown()) openRoom(undefined);
            }}
          />
          {missedCallCount === 0 ? null : (
            <span className={styles["railCount"]} aria-hidden="true">
              {missedCallCount > MAX_RAIL_COUNT ? `${MAX_RAIL_COUNT}+` : missedCallCount}
            </span>
          )}
        </span>
        <span className={styles["railGap"]} />
        <span className={styles["railItem"]}>
          <IconButton
            className={styles["railButton"]}
            icon={<Settings />}
            label={t("settings.open")}
            shortcut={shortcutLabel("settings")}
            tooltipPlacement="end"
            onPress={() => openSettings()}
          />
        </span>
        <AccountMenu
          account={account}
          avatarSrc={avatarUrl(account.avatarMxc)}
          shortcutsKey={shortcutLabel("shortcuts")}
          settingsKey={shortcutLabel("settings")}
          onEditName={() => setDialog({ kind: "name" })}
          onSettings={() => openSettings()}
          onShortcuts={() => setDialog({ kind: "shortcuts" })}
          onSignOut={() => setDialog({ kind: "sign-out" })}
        />
      </nav>
      <div className={styles["banner"]}>
        <ConnectionBanner
          account={account}
          onSignInAgain={() => setDialog({ kind: "sign-in-again" })}
          onRemoveAccount={() => setDialog({ kind: "sign-out" })}
        />
        <EncryptionBanner
          account={account}
          onSetUp={() => setDialog({ kind: "set-up" })}
          onShowHealth={() => openSettings("encryption")}
        />
      </div>
      <section
        className={styles["listPane"]}
        id="room-list-pane"
        aria-label={t(isCallLog ? "callLog.title" : "roomList.label")}
      >
        {isCallLog ? (
          <CallLogPane
            accountId={accountId}
            onOpenRoom={openRoom}
            onCall={(roomId, media) => void beginCall({ ask: "place", accountId, roomId, media })}
            onLeave={() => setIsCallLog(false)}
          />
        ) : (
          <RoomListPane
            accountId={accountId}
            openRoomId={openRoomId}
            searchShortcut={shortcutLabel("search")}
            handleRef={listHandle}
            onOpenRoom={openRoom}
            onNewDirect={() => setDialog({ kind: "direct" })}
            onNewRoom={() => setDialog({ kind: "room" })}
          />
        )}
        <ListResizer widthPx={listWidthPx} onResize={setListWidthPx} />
      </section>
      <div className={styles["roomPane"]}>
        <RoomPane
          accountId={accountId}
          roomId={openRoomId}
          isInfoOpen={isInfoOpen}
          onToggleInfo={() => setIsInfoOpen((isOpen) => !isOpen)}
          onBack={() => openRoom(undefined)}
          onVerifyDevice={confirmDevice}
        />
      </div>
      <VerificationHost accountId={accountId} />
      <CallSurfaces
        accountId={accountId}
        onReply={openRoom}
        onOpenRoom={openRoom}
        onSettings={() => openSettings("calls")}
      />
      <ScreenSourcePicker host={host} />
      {dialog?.kind === "direct" ? (
        <NewDirectDialog
          accountId={accountId}
          ownUserId={account.userId}
          initialUserId={dialog.userId}
          onClose={closeDialog}
          onCreated={created}
        />
      ) : null}
      {dialog?.kind === "room" ? (
        <NewRoomDialog accountId={accountId} ownUserId={account.userId} onClose={closeDialog} onCreated={created} />
      ) : null}
      {dialog?.kind === "join" ? (
        <JoinDialog
          accountId={accountId}
          alias={dialog.alias}
          via={dialog.via}
          onClose={closeDialog}
          onJoined={created}
        />
      ) : null}
      {dialog?.kind === "name" ? <EditNameDialog account={account} onClose={closeDialog} /> : null}
      {dialog?.kind === "set-up" ? <SetUpDialog account={account} onClose={closeDialog} /> : null}
      {dialog?.kind === "settings" ? (
        <SettingsDialog<SettingsSectionId>
          selected={dialog.section}
          onSelect={openSettings}
          onClose={closeDialog}
          sections={[
            {
              id: "account",
              label: t("settings.account"),
              icon: <UserRound />,
              render: () => (
                <AccountSection
                  account={account}
                  avatarSrc={avatarUrl(account.avatarMxc, 64)}
                  onSignOut={() => setDialog({ kind: "sign-out" })}
                />
              ),
            },
            {
              id: "devices",
              label: t("settings.devices"),
              icon: <MonitorSmartphone />,
              render: () => <DevicesSection account={account} />,
            },
            {
              id: "encryption",
              label: t("settings.encryption"),
              icon: <LockKeyhole />,
              render: () => <EncryptionSection account={account} onShowDevices={() => openSettings("devices")} />,
            },
            {
              id: "calls",
              label: t("settings.calls"),
              icon: <Phone />,
              render: () => <CallsSection accountId={accountId} />,
            },
          ]}
        />
      ) : null}
      {dialog?.kind === "sign-out" ? (
        <SignOutDialog account={account} onSetUpRecovery={() => setDialog({ kind: "set-up" })} onClose={closeDialog} />
      ) : null}
      {dialog?.kind === "sign-in-again" ? <SignInAgainDialog account={account} onClose={closeDialog} /> : null}
      {dialog?.kind === "shortcuts" ? <ShortcutsDialog onClose={closeDialog} /> : null}
    </div>
  );
}

function isListShown(): boolean {
  const pane = document.getElementById("room-list-pane");
  return pane !== null && pane.checkVisibility();
}

/** A custom property, which React's types do not know. */
const listWidthStyle = (widthPx: number): CSSProperties => ({ ["--list-width" as "width"]: `${widthPx / 16}rem` });
