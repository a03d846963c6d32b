/**
 * A call that the window of calls holds, as the rooms' window tells of it: with whom, how long, the way there, and the
 * end. Drawn by CallSurfaces where MiniCall stands for a call that is held here.
 * Invariant: it floats under the room header and never covers the composer.
 */
import { AppWindow, PhoneOff } from "lucide-react";
import type { CallView } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { holdWords, stateWords } from "./call-words.ts";
import { Timer } from "./InCallView.tsx";
import styles from "./in-call.module.css";

export type CallElsewhereProps = Pick<CallView, "peer" | "state" | "connectedAtMs" | "isOnHold"> & {
  peerAvatarSrc?: string | undefined;
  onShow: () => void;
  onHangUp: () => void;
};

/** A call in another window. */
export function CallElsewhere({
  peer,
  peerAvatarSrc,
  state,
  connectedAtMs,
  isOnHold,
  onShow,
  onHangUp,
}: CallElsewhereProps) {
  const text = useText();
  const words = stateWords(state, "connected") ?? holdWords({ isOnHold, isHeldByPeer: false });
  return (
    <section
      className={styles["mini"]}
      data-theme="dark"
      aria-label={text("calls.callWith", { name: peer.displayName })}
    >
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
        <IconButton icon={<AppWindow />} label={text("calls.showWindow")} onPress={onShow} />
        <IconButton icon={<PhoneOff />} label={text("calls.hangUp")} variant="danger" onPress={onHangUp} />
      </div>
    </section>
  );
}
