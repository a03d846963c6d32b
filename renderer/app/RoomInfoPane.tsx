/**
 * The side panel about a room: picture, topic, members, inviting and leaving. `RoomInfoPane` connects,
 * `RoomInfoView` draws. Used by RoomPane and the gallery; slides over the timeline in narrow windows.
 * Invariant: the member list is virtual, so that a room of ten thousand opens like one of ten.
 */
import { useRef, useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { LogOut, UserPlus, X } from "lucide-react";
import * as v from "valibot";
import { userIdSchema } from "../../preload/contract/ids.ts";
import type { AccountId, MxcUri } from "../../preload/contract/ids.ts";
import type { MemberRow, RoomDetails } from "../../preload/contract/views.ts";
import { useAvatarUrl } from "../engine-client/media-url.ts";
import { PersonDialog, UserTrustPanel } from "../features/encryption/index.ts";
import { useCommand } from "../engine-client/use-command.ts";
import { useTopic } from "../engine-client/use-topic.ts";
import { errorText } from "../text/error-text.ts";
import { useText } from "../text/text.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog, DialogActions } from "../ui/Dialog.tsx";
import { IconButton } from "../ui/IconButton.tsx";
import { TextField } from "../ui/TextField.tsx";
import styles from "./app.module.css";

const MEMBER_PX = 44;

export type RoomInfoPaneProps = {
  accountId: AccountId;
  room: RoomDetails;
  avatarSrc: string | undefined;
  onClose: () => void;
  onLeft: () => void;
};

/** The panel at work. */
export function RoomInfoPane({ accountId, room, avatarSrc, onClose, onLeft }: RoomInfoPaneProps) {
  const t = useText();
  const { roomId } = room;
  const members = useTopic("members", { accountId, roomId });
  const avatarUrl = useAvatarUrl(accountId);
  const leave = useCommand("rooms.leave");
  const [open, setOpen] = useState<"invite" | "leave" | MemberRow>();
  const confirmLeave = async () => {
    const result = await leave.run({ accountId, roomId });
    if (result.ok) onLeft();
  };
  return (
    <>
      <RoomInfoView
        room={room}
        avatarSrc={avatarSrc}
        members={members.status === "ready" ? members.items : []}
        avatarUrl={avatarUrl}
        onInvite={() => setOpen("invite")}
        onLeave={() => setOpen("leave")}
        onMember={setOpen}
        onClose={onClose}
        trust={room.directUserId && <UserTrustPanel accountId={accountId} userId={room.directUserId} />}
      />
      {typeof open === "object" ? (
        <PersonDialog
          accountId={accountId}
          userId={open.userId}
          name={open.displayName}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
      {open === "invite" ? <InviteDialog accountId={accountId} room={room} onClose={() => setOpen(undefined)} /> : null}
      {open === "leave" ? (
        <Dialog
          role="alertdialog"
          title={t("app.infoLeaveTitle", { name: room.name })}
          size="small"
          isOpen
          onClose={() => setOpen(undefined)}
        >
          <p className={styles["dialogBody"]}>{t("app.infoLeaveBody")}</p>
          {leave.error === undefined ? null : (
            <p className={styles["problem"]} role="alert">
              {errorText(t, leave.error)}
            </p>
          )}
          <DialogActions>
            <Button autoFocus onPress={() => setOpen(undefined)}>
              {t("app.cancel")}
            </Button>
            <Button variant="danger" isPending={leave.isRunning} onPress={() => void confirmLeave()}>
              {t("app.infoLeaveSubmit")}
            </Button>
          </DialogActions>
        </Dialog>
      ) : null}
    </>
  );
}

function InviteDialog({ accountId, room, onClose }: { accountId: AccountId; room: RoomDetails; onClose: () => void }) {
  const t = useText();
  const [text, setText] = useState("");
  const [isInvalid, setIsInvalid] = useState(false);
  const invite = useCommand("rooms.invite");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (invite.isRunning) return;
    const parsed = v.safeParse(userIdSchema, text.trim());
    if (!parsed.success) return setIsInvalid(true);
    const result = await invite.run({ accountId, roomId: room.roomId, userId: parsed.output });
    if (result.ok) onClose();
  };
  return (
    <Dialog title={t("app.infoInvite")} size="small" isOpen onClose={onClose}>
      <form className={styles["dialogForm"]} onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          autoFocus
          label={t("roomList.directUser")}
          placeholder={t("roomList.directUserPlaceholder")}
          value={text}
          onChange={(next) => {
            setText(next);
            setIsInvalid(false);
            invite.clearError();
          }}
          spellCheck="false"
          error={isInvalid ? t("roomList.userIdInvalid") : invite.error && errorText(t, invite.error)}
        />
        <DialogActions>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={invite.isRunning}>
            {t("app.infoInviteSubmit")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

export type RoomInfoViewProps = {
  room: RoomDetails;
  avatarSrc: string | undefined;
  members: readonly MemberRow[];
  avatarUrl: (mxc: MxcUri | undefined) => string | undefined;
  onInvite: () => void;
  onLeave: () => void;
  onMember: (member: MemberRow) => void;
  onClose: () => void;
  /** Whether the other of a direct room is who he seems to be. */
  trust?: ReactNode;
};

/** The panel from props. */
export function RoomInfoView(props: RoomInfoViewProps) {
  const { room, avatarSrc, members, avatarUrl, onInvite, onLeave, onMember, onClose, trust } = props;
  const t = useText();
  const scrollerRef = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: members.length,
    getScrollElement: () => scrollerRef.current,
    estimateSize: () => MEMBER_PX,
    getItemKey: (index) => members[index]?.key ?? index,
    overscan: 8,
  });
  return (
    <aside className={styles["info"]} aria-label={t("app.infoTitle", { name: room.name })}>
      <header className={styles["infoHead"]}>
        <h2 className={styles["infoTitle"]} dir="auto">
          {t("app.infoTitle", { name: room.name })}
        </h2>
        <IconButton icon={<X />} label={t("app.infoClose")} onPress={onClose} />
      </header>
      <div className={styles["hero"]}>
        <Avatar
          name={room.name}
          id={room.directUserId ?? room.roomId}
          src={avatarSrc}
          shape={room.isDirect ? "round" : "squircle"}
          sizePx={96}
        />
        <h3 className={styles["heroName"]} dir="auto">
          {room.name}
        </h3>
        <p className={styles["heroFacts"]}>
          <bdi>{room.isDirect ? room.directUserId : t("app.members", { count: room.joinedCount })}</bdi>
        </p>
        {room.topic === "" ? null : <p className={styles["heroTopic"]}>{room.topic}</p>}
      </div>
      {trust === undefined ? null : <div className={styles["infoTrust"]}>{trust}</div>}
      <div className={styles["infoActions"]}>
        {room.canInvite ? (
          <Button icon={<UserPlus />} isFullWidth onPress={onInvite}>
            {t("app.infoInvite")}
          </Button>
        ) : null}
        <Button icon={<LogOut />} isFullWidth onPress={onLeave}>
          {t("app.infoLeave")}
        </Button>
      </div>
      <h3 className={styles["membersTitle"]}>{t("app.infoMembers")}</h3>
      <div className={styles["members"]} ref={scrollerRef} role="group" aria-label={t("app.infoMembers")}>
        <ul style={{ blockSize: virtualizer.getTotalSize(), position: "relative" }}>
          {virtualizer.getVirtualItems().map((item) => {
            const member = members[item.index];
            if (!member) return null;
            return (
              <li
                key={member.key}
                aria-setsize={members.length}
                aria-posinset={item.index + 1}
                className={styles["memberRow"]}
                style={{ transform: `translateY(${item.start}px)`, blockSize: item.size }}
              >
                <button type="button" className={styles["member"]} onClick={() => onMember(member)}>
                  <Avatar name={member.displayName} id={member.userId} src={avatarUrl(member.avatarMxc)} sizePx={32} />
                  <span className={styles["memberWords"]}>
                    <span className={styles["memberName"]} dir="auto">
                      {member.displayName}
                    </span>
                    <span className={styles["memberId"]}>
                      <bdi>{member.userId}</bdi>
                    </span>
                  </span>
                  {member.membership === "invite" ? (
                    <span className={styles["memberTag"]}>{t("app.infoInvitedTag")}</span>
                  ) : null}
                </button>
              </li>
            );
          })}
        </ul>
      </div>
    </aside>
  );
}
