/**
 * The open room: header, timeline, composer and info panel; or the invite; or the hint to choose a room, or how to
 * come by the first one.
 * Mounted by AppShell; composes the features timeline, composer and calls.
 * Invariant: a failure in one part leaves the others at work, and another room tries again.
 */
import { useRef } from "react";
import { MessagesSquare, UserRoundX } from "lucide-react";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import type { RoomDetails } from "../../preload/contract/views.ts";
import { useAvatarUrl } from "../engine-client/media-url.ts";
import { useTopic, useTopicItem } from "../engine-client/use-topic.ts";
import { CallButtons } from "../features/calls/index.ts";
import { ComposerPane } from "../features/composer/index.ts";
import type { ComposerHandle } from "../features/composer/index.ts";
import { TimelinePane } from "../features/timeline/index.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { ErrorBoundary } from "../ui/ErrorBoundary.tsx";
import { Skeleton } from "../ui/Skeleton.tsx";
import styles from "./app.module.css";
import { InvitePane } from "./InvitePane.tsx";
import { shortcutLabel } from "./keyboard.ts";
import { RoomHeader } from "./RoomHeader.tsx";
import { useAim } from "./use-aim.ts";
import { RoomInfoPane } from "./RoomInfoPane.tsx";
import { useFetchFile } from "./use-fetch-file.ts";
import { useLooksAt } from "./use-looks-at.ts";

export type RoomPaneProps = {
  accountId: AccountId;
  roomId: RoomId | undefined;
  isInfoOpen: boolean;
  onToggleInfo: () => void;
  onBack: () => void;
  /** Begins to confirm this device. Without it, that is not offered. */
  onVerifyDevice?: (() => void) | undefined;
};

/** What stands beside the room list. */
export function RoomPane({ roomId, ...props }: RoomPaneProps) {
  if (roomId === undefined) return <NoRoom accountId={props.accountId} />;
  return <OpenRoom key={roomId} roomId={roomId} {...props} />;
}

function NoRoom({ accountId }: { accountId: AccountId }) {
  const t = useText();
  const list = useTopic("roomList", { accountId });
  const hasSynced = useTopicItem("syncState", { accountId })?.hasSynced === true;
  const words = {
    unknown: undefined,
    "make-one": {
      title: t("app.welcomeTitle"),
      body: t("app.welcomeBody", { direct: shortcutLabel("newDirect"), room: shortcutLabel("newRoom") }),
    },
    choose: { title: t("app.noRoomTitle"), body: t("app.noRoomBody", { shortcut: shortcutLabel("search") }) },
  }[noRoomHint(list, hasSynced)];
  return <main className={styles["room"]}>{words ? <EmptyState icon={<MessagesSquare />} {...words} /> : null}</main>;
}

/** What is said where no room is open. Nothing while it is unknown whether there are any. */
export function noRoomHint(
  list: { status: "ready"; items: readonly unknown[] } | { status: "loading" | "lost" },
  hasSynced: boolean,
): "unknown" | "make-one" | "choose" {
  if (list.status === "lost") return "choose";
  if (list.status === "ready" && list.items.length > 0) return "choose";
  // An empty list before the first sync is not yet an empty account.
  return list.status === "ready" && hasSynced ? "make-one" : "unknown";
}

function OpenRoom(props: RoomPaneProps & { roomId: RoomId }) {
  const { accountId, roomId, isInfoOpen, onToggleInfo, onBack } = props;
  const t = useText();
  const snapshot = useTopic("room", { accountId, roomId });
  const avatarUrl = useAvatarUrl(accountId);
  const room = snapshot.status === "ready" ? snapshot.items[0] : undefined;
  const isJoined = room?.membership === "join";
  useLooksAt(accountId, isJoined ? roomId : undefined);

  const back = <Button onPress={onBack}>{t("app.back")}</Button>;
  if (snapshot.status === "lost" || (snapshot.status === "ready" && room === undefined)) {
    return (
      <main className={styles["room"]}>
        <EmptyState
          title={t("app.roomLost")}
          body={snapshot.status === "lost" ? errorText(t, snapshot.error) : undefined}
          action={back}
        />
      </main>
    );
  }
  if (room === undefined) return <RoomSkeleton label={t("app.roomLoading")} />;
  if (room.membership === "invite") return <InvitePane accountId={accountId} room={room} onBack={onBack} />;
  if (!isJoined) {
    return (
      <main className={styles["room"]}>
        <RoomHeader room={room} avatarSrc={avatarUrl(room.avatarMxc)} onBack={onBack} />
        <EmptyState icon={<UserRoundX />} title={t("app.leftTitle")} body={t("app.leftBody")} action={back} />
      </main>
    );
  }
  return (
    <div className={styles["roomWithPanel"]}>
      <main className={styles["room"]} aria-label={room.name}>
        <RoomHeader
          room={room}
          avatarSrc={avatarUrl(room.avatarMxc)}
          callButtons={<CallButtons accountId={accountId} roomId={roomId} canCall={room.canCall} />}
          isInfoOpen={isInfoOpen}
          onToggleInfo={onToggleInfo}
          onBack={onBack}
        />
        <JoinedRoom accountId={accountId} room={room} onVerifyDevice={props.onVerifyDevice} />
      </main>
      {isInfoOpen ? (
        <ErrorBoundary resetKey={roomId} renderFallback={(retry) => <PartFailed onRetry={retry} />}>
          <RoomInfoPane
            accountId={accountId}
            room={room}
            avatarSrc={avatarUrl(room.avatarMxc, 96)}
            onClose={onToggleInfo}
            onLeft={onBack}
          />
        </ErrorBoundary>
      ) : null}
    </div>
  );
}

type JoinedRoomProps = Pick<RoomPaneProps, "accountId" | "onVerifyDevice"> & {
  room: RoomDetails;
};

function JoinedRoom({ accountId, room, onVerifyDevice }: JoinedRoomProps) {
  const fetchFile = useFetchFile(accountId, room.roomId);
  const composer = useRef<ComposerHandle>(null);
  const { aim, setAim, reply, edit, editLast } = useAim(accountId, room.roomId);
  return (
    <>
      <ErrorBoundary resetKey={room.roomId} renderFallback={(retry) => <PartFailed onRetry={retry} />}>
        <TimelinePane
          accountId={accountId}
          roomId={room.roomId}
          onLeave={() => composer.current?.focus()}
          onVerify={onVerifyDevice}
          onFetchFile={fetchFile}
          onReply={reply}
          onEdit={edit}
        />
      </ErrorBoundary>
      <ErrorBoundary resetKey={room.roomId} renderFallback={(retry) => <PartFailed onRetry={retry} />}>
        {/* Opening a room means wanting to write. */}
        <ComposerPane
          accountId={accountId}
          roomId={room.roomId}
          autoFocus
          aim={aim}
          onAimDone={() => setAim(undefined)}
          onEditLast={editLast}
          ref={composer}
        />
      </ErrorBoundary>
    </>
  );
}

function PartFailed({ onRetry }: { onRetry: () => void }) {
  const t = useText();
  return (
    <EmptyState
      title={t("app.failedTitle")}
      body={t("app.failedBody")}
      action={<Button onPress={onRetry}>{t("app.tryAgain")}</Button>}
    />
  );
}

function RoomSkeleton({ label }: { label: string }) {
  return (
    <main className={styles["room"]} aria-label={label} aria-busy="true">
      <div className={styles["header"]}>
        <Skeleton shape="round" />
        <div className={styles["headerWords"]}>
          <Skeleton width="9rem" />
        </div>
      </div>
    </main>
  );
}
