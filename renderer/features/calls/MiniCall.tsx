/**
 * A running call made small, so that other things can be done meanwhile: the other side's picture or avatar, the
 * timer, mute, hang up, and the way back. Drawn by CallSurfaces instead of InCallView.
 * Invariant: over the rooms it floats under the room header and never covers the composer; the window of calls it fills.
 */
import { Expand, Mic, MicOff, PhoneOff } from "lucide-react";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { holdWords, stateWords } from "./call-words.ts";
import type { InCallProps } from "./InCallView.tsx";
import { Timer } from "./InCallView.tsx";
import { StreamPicture } from "./MediaElements.tsx";
import styles from "./in-call.module.css";

export type MiniCallProps = Pick<
  InCallProps,
  "peer" | "peerAvatarSrc" | "state" | "connectedAtMs" | "isOnHold" | "media" | "modKey" | "onMicrophone" | "onHangUp"
> & {
  /** In the window of calls, which is small itself then. */
  isWholeWindow?: boolean;
  onRestore: () => void;
};

/** A running call in a corner. */
export function MiniCall({
  peer,
  peerAvatarSrc,
  state,
  connectedAtMs,
  isOnHold,
  media,
  modKey,
  onMicrophone,
  onHangUp,
  isWholeWindow = false,
  onRestore,
}: MiniCallProps) {
  const text = useText();
  const words = stateWords(state, media.connection) ?? holdWords({ isOnHold, isHeldByPeer: media.isHeldByPeer });
  const picture = media.remoteScreenStream ?? (media.hasRemoteVideo ? media.remoteStream : undefined);
  const isMuted = media.microphone !== "on";
  return (
    <section
      className={styles["mini"]}
      data-theme="dark"
      data-whole={isWholeWindow || undefined}
      aria-label={text("calls.callWith", { name: peer.displayName })}
    >
      {picture && !isOnHold && !media.isHeldByPeer ? (
        <div className={styles["miniStage"]}>
          <StreamPicture stream={picture} label={peer.displayName} isWhole={picture === media.remoteScreenStream} />
        </div>
      ) : isWholeWindow ? (
        <div className={styles["miniStage"]}>
          <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={64} />
        </div>
      ) : null}
      <div className={styles["miniBar"]}>
        <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={28} />
        <div className={styles["title"]}>
          <p className={styles["miniName"]}>{peer.displayName}</p>
          <p className={styles["facts"]}>
            {words === undefined ? (
              <Timer sinceMs={connectedAtMs} />
            ) : (
              <span className={styles["miniWords"]}>{text(words, { name: peer.displayName })}</span>
            )}
          </p>
        </div>
        <IconButton
          icon={isMuted ? <MicOff /> : <Mic />}
          label={text(isMuted ? "calls.unmute" : "calls.mute")}
          shortcut={`${modKey} D`}
          onPress={() => onMicrophone(isMuted)}
        />
        <IconButton icon={<Expand />} label={text("calls.restore")} onPress={onRestore} />
        <IconButton icon={<PhoneOff />} label={text("calls.hangUp")} variant="danger" onPress={onHangUp} />
      </div>
    </section>
  );
}
