/**
 * A small card that tells how a call ended, or why none came about, for a few seconds. Drawn by CallSurfaces
 * where the ringing card stands. Invariant: it needs no answer, takes no focus, and is announced politely.
 */
import { Phone, PhoneMissed, PhoneOff, Video, X } from "lucide-react";
import type { Person } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import styles from "./cards.module.css";

export type CallNoticeProps = {
  /** Who the call was with; without it the notice stands for itself. */
  peer?: Person | undefined;
  avatarSrc?: string | undefined;
  message: string;
  detail?: string | undefined;
  isMissed?: boolean;
  /** Offers to call again in the same way. */
  again?: { media: "voice" | "video"; onPress: () => void } | undefined;
  onDismiss: () => void;
};

/** What became of a call. */
export function CallNotice({ peer, avatarSrc, message, detail, isMissed = false, again, onDismiss }: CallNoticeProps) {
  const text = useText();
  return (
    <div className={styles["notice"]} role="status">
      {peer ? (
        <Avatar name={peer.displayName} id={peer.userId} src={avatarSrc} />
      ) : (
        <span className={styles["sign"]}>
          {isMissed ? <PhoneMissed aria-hidden="true" /> : <PhoneOff aria-hidden="true" />}
        </span>
      )}
      <div className={styles["lines"]}>
        <p className={styles["message"]} data-tone={isMissed ? "missed" : undefined}>
          {message}
        </p>
        {detail === undefined ? null : <p className={styles["detail"]}>{detail}</p>}
      </div>
      {again ? (
        <IconButton
          icon={again.media === "video" ? <Video /> : <Phone />}
          label={text("calls.callBack")}
          onPress={again.onPress}
        />
      ) : null}
      <IconButton icon={<X />} label={text("calls.dismiss")} onPress={onDismiss} />
    </div>
  );
}
