/**
 * The 56 px above a room: who or what it is, one line of facts, and what can be done. Used by RoomPane and the
 * gallery. The call buttons come as a slot, so that this file knows no feature.
 * Invariant: one line each, whatever the length of name and topic. What the sign beside the name means is among
 * the facts, in words; a warning is the first of them, so that nothing cuts it off.
 */
import { Fragment } from "react";
import type { ReactNode } from "react";
import { ArrowLeft, Info, Lock, ShieldAlert, ShieldCheck } from "lucide-react";
import type { RoomDetails } from "../../preload/contract/views.ts";
import { useText } from "../text/text.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { IconButton } from "../ui/IconButton.tsx";
import styles from "./app.module.css";
import { shortcutLabel } from "./keyboard.ts";

export type RoomHeaderProps = {
  room: RoomDetails;
  avatarSrc: string | undefined;
  callButtons?: ReactNode;
  isInfoOpen?: boolean;
  /** Without it there is no info button. */
  onToggleInfo?: () => void;
  onBack: () => void;
};

const SIGNS = {
  normal: { icon: Lock, fact: "app.encrypted", hint: "app.encryptedHint" },
  verified: { icon: ShieldCheck, fact: "app.verified", hint: "app.verifiedHint" },
  warning: { icon: ShieldAlert, fact: "app.identityChanged", hint: "app.identityChangedHint" },
} as const;

/** The header of a room. */
export function RoomHeader({
  room,
  avatarSrc,
  callButtons,
  isInfoOpen = false,
  onToggleInfo,
  onBack,
}: RoomHeaderProps) {
  const t = useText();
  const isWaitingForPeer = room.isDirect && room.joinedCount <= 1 && room.invitedCount > 0;
  const sign = room.isEncrypted ? SIGNS[room.trust] : undefined;
  const signFact = sign !== undefined && t(sign.fact);
  const warning = room.trust === "warning" && signFact;
  const calm = room.trust !== "warning" && signFact;
  const facts = room.isDirect
    ? [warning, room.directUserId, isWaitingForPeer && t("app.waitingForPeer"), calm]
    : [warning, room.joinedCount > 0 && t("app.members", { count: room.joinedCount }), calm, room.topic];
  return (
    <header className={styles["header"]}>
      <span className={styles["back"]}>
        <IconButton
          icon={<ArrowLeft className={styles["backIcon"]} />}
          label={t("app.back")}
          shortcut={shortcutLabel("backToList")}
          onPress={onBack}
        />
      </span>
      <Avatar
        name={room.name}
        id={room.directUserId ?? room.roomId}
        src={avatarSrc}
        shape={room.isDirect ? "round" : "squircle"}
      />
      <div className={styles["headerWords"]}>
        <h2 className={styles["headerName"]}>
          <span className={styles["headerNameText"]} dir="auto">
            {room.name}
          </span>
          {sign === undefined ? null : (
            <span className={styles["headerSign"]} data-trust={room.trust} title={t(sign.hint)}>
              <sign.icon aria-hidden="true" />
            </span>
          )}
        </h2>
        <p className={styles["headerFacts"]}>
          {facts.filter(isText).map((fact, index) => (
            <Fragment key={fact}>
              {index === 0 ? null : " · "}
              <bdi>{fact}</bdi>
            </Fragment>
          ))}
        </p>
      </div>
      <div className={styles["headerTools"]} role="group" aria-label={t("app.roomActions")}>
        {callButtons}
        {onToggleInfo === undefined ? null : (
          <IconButton
            icon={<Info />}
            label={t("app.info")}
            shortcut={shortcutLabel("roomInfo")}
            isSelected={isInfoOpen}
            onPress={onToggleInfo}
          />
        )}
      </div>
    </header>
  );
}

const isText = (fact: string | false | undefined): fact is string => typeof fact === "string" && fact !== "";
