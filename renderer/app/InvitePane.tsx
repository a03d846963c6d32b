/**
 * An invite, opened: who invites, to what, and the two answers. `InvitePane` connects, `InviteView` draws.
 * Used by RoomPane and the gallery. Invariant: opening an invite tells nobody anything.
 */
import type { AccountId } from "../../preload/contract/ids.ts";
import type { RoomDetails } from "../../preload/contract/views.ts";
import { useAvatarUrl } from "../engine-client/media-url.ts";
import { useCommand } from "../engine-client/use-command.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import styles from "./app.module.css";
import { RoomHeader } from "./RoomHeader.tsx";

/** The invite at work. */
export function InvitePane({
  accountId,
  room,
  onBack,
}: {
  accountId: AccountId;
  room: RoomDetails;
  onBack: () => void;
}) {
  const t = useText();
  const avatarUrl = useAvatarUrl(accountId);
  const join = useCommand("rooms.join");
  const leave = useCommand("rooms.leave");
  const error = join.error ?? leave.error;
  const decline = async () => {
    const result = await leave.run({ accountId, roomId: room.roomId });
    if (result.ok) onBack();
  };
  return (
    <InviteView
      room={room}
      avatarSrc={avatarUrl(room.avatarMxc ?? room.inviter?.avatarMxc, 96)}
      isAccepting={join.isRunning}
      isDeclining={leave.isRunning}
      problem={error && errorText(t, error)}
      onAccept={() => void join.run({ accountId, room: room.roomId })}
      onDecline={() => void decline()}
      onBack={onBack}
    />
  );
}

export type InviteViewProps = {
  room: RoomDetails;
  avatarSrc: string | undefined;
  isAccepting: boolean;
  isDeclining: boolean;
  problem: string | undefined;
  onAccept: () => void;
  onDecline: () => void;
  onBack: () => void;
};

/** The invite from props. */
export function InviteView({
  room,
  avatarSrc,
  isAccepting,
  isDeclining,
  problem,
  onAccept,
  onDecline,
  onBack,
}: InviteViewProps) {
  const t = useText();
  const { inviter } = room;
  const title =
    inviter === undefined
      ? t("app.inviteTitleNobody", { room: room.name })
      : room.isDirect
        ? t("app.inviteTitleDirect", { name: inviter.displayName })
        : t("app.inviteTitleRoom", { name: inviter.displayName, room: room.name });
  return (
    <main className={styles["room"]}>
      <RoomHeader room={room} avatarSrc={avatarSrc} onBack={onBack} />
      <div className={styles["invite"]}>
        <Avatar
          name={room.name}
          id={room.directUserId ?? room.roomId}
          src={avatarSrc}
          shape={room.isDirect ? "round" : "squircle"}
          sizePx={96}
        />
        <h3 className={styles["inviteTitle"]}>{title}</h3>
        {inviter === undefined ? null : (
          <p className={styles["inviteFrom"]}>
            <bdi>{inviter.userId}</bdi>
          </p>
        )}
        {room.topic === "" ? null : <p className={styles["inviteTopic"]}>{room.topic}</p>}
        <p className={styles["inviteHint"]}>{t("app.inviteBody")}</p>
        {problem === undefined ? null : (
          <p className={styles["problem"]} role="alert">
            {problem}
          </p>
        )}
        <div className={styles["inviteAnswers"]}>
          <Button size="large" isPending={isDeclining} isDisabled={isAccepting} onPress={onDecline}>
            {t("app.inviteDecline")}
          </Button>
          <Button size="large" variant="primary" isPending={isAccepting} isDisabled={isDeclining} onPress={onAccept}>
            {t("app.inviteAccept")}
          </Button>
        </div>
      </div>
    </main>
  );
}
