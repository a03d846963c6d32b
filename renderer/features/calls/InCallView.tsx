/**
 * A running call, over the whole window: top line, stage with pictures or avatars, round controls. Always dark.
 * Drawn by CallSurfaces and the gallery, from props alone; MiniCall is the same call made small.
 * Invariants: nothing in it moves when words or timers change; every control is at least 48 px high.
 */
import { useEffect, useRef, useState } from "react";
import {
  Expand,
  Lock,
  LockOpen,
  Mic,
  MicOff,
  PhoneOff,
  PictureInPicture2,
  Shrink,
  Signal,
  SignalLow,
  SignalMedium,
  Video,
  VideoOff,
} from "lucide-react";
import type { CallView, Person } from "../../../preload/contract/views.ts";
import { formatDuration } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { CallControl } from "./CallControl.tsx";
import type { CallMediaSnapshot } from "./call-media/call-media.ts";
import { problemWords, qualityWords, stateWords } from "./call-words.ts";
import { StreamPicture } from "./MediaElements.tsx";
import { OwnTile } from "./OwnTile.tsx";
import { useElapsed } from "./use-elapsed.ts";
import styles from "./in-call.module.css";

export type InCallProps = {
  peer: Person;
  peerAvatarSrc?: string | undefined;
  self: Person;
  selfAvatarSrc?: string | undefined;
  state: CallView["state"];
  isEncrypted: boolean;
  /** A call that is meant to have pictures: a camera that is off stands out. */
  isVideoCall: boolean;
  connectedAtMs?: number | undefined;
  media: CallMediaSnapshot;
  /** As shown to the user, e.g. "Ctrl". */
  modKey: string;
  onMicrophone: (isOn: boolean) => void;
  onCamera: (isOn: boolean) => void;
  onHangUp: () => void;
  onMinimise: () => void;
};

const QUALITY_SIGNS = { good: Signal, fair: SignalMedium, poor: SignalLow } as const;

/** A running call in full size. */
export function InCallView(props: InCallProps) {
  const { peer, peerAvatarSrc, self, selfAvatarSrc, state, isEncrypted, isVideoCall, connectedAtMs, media, modKey } =
    props;
  const text = useText();
  const view = useRef<HTMLElement>(null);
  const [isFull, setIsFull] = useState(false);
  const words = stateWords(state, media.connection);
  const encryption = text(isEncrypted ? "calls.encrypted" : "calls.notEncrypted");
  // The words stand in the middle of the stage then, and once is enough.
  const isPortraitWaiting = words !== undefined && !media.hasRemoteVideo;
  const isMuted = media.microphone !== "on";
  const isCameraOn = media.camera === "on";

  useEffect(() => {
    // The button that led here is gone; the focus comes to the call and goes back where it was before.
    const before = document.activeElement;
    view.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    const onChange = () => setIsFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", onChange);
    return () => document.removeEventListener("fullscreenchange", onChange);
  }, []);
  const toggleFull = () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : view.current?.requestFullscreen();
    // Refused by the host: the call stays in the window.
    void done?.catch(() => {});
  };

  return (
    <section
      ref={view}
      className={styles["call"]}
      data-theme="dark"
      aria-label={text("calls.callWith", { name: peer.displayName })}
      tabIndex={-1}
    >
      <header className={styles["top"]}>
        <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={24} />
        <div className={styles["title"]}>
          <h2 className={styles["peerName"]}>{peer.displayName}</h2>
          <p className={styles["facts"]}>
            {isEncrypted ? <Lock aria-hidden="true" /> : <LockOpen aria-hidden="true" />}
            {isPortraitWaiting ? encryption : <VisuallyHidden>{encryption}</VisuallyHidden>}
            {words === undefined ? <Timer sinceMs={connectedAtMs} /> : isPortraitWaiting ? null : text(words)}
            {words === undefined && media.quality ? (
              <QualityFact quality={media.quality} isRelayed={media.isRelayed} />
            ) : null}
          </p>
        </div>
        <div className={styles["topEnd"]}>
          <IconButton icon={<PictureInPicture2 />} label={text("calls.minimise")} onPress={props.onMinimise} />
        </div>
      </header>

      <div className={styles["stage"]} data-picture={media.hasRemoteVideo || undefined}>
        {media.hasRemoteVideo ? (
          <>
            <StreamPicture stream={media.remoteStream} label={peer.displayName} />
            <NameTag name={peer.displayName} isMuted={media.isRemoteMuted} />
          </>
        ) : (
          <div className={styles["portrait"]}>
            <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={128} />
            <p className={styles["portraitName"]}>
              {peer.displayName}
              {media.isRemoteMuted ? (
                <>
                  <MicOff aria-hidden="true" />
                  <VisuallyHidden>{text("calls.microphoneOff")}</VisuallyHidden>
                </>
              ) : null}
            </p>
            <p className={styles["portraitState"]}>{words === undefined ? "" : text(words)}</p>
          </div>
        )}
        {isCameraOn || media.hasRemoteVideo ? (
          <OwnTile label={text("calls.yourTile")}>
            {isCameraOn ? (
              <StreamPicture stream={media.localStream} label={text("calls.you")} isMirrored />
            ) : (
              <Avatar name={self.displayName} id={self.userId} src={selfAvatarSrc} sizePx={48} />
            )}
            <NameTag name={text("calls.you")} isMuted={isMuted} />
          </OwnTile>
        ) : null}
        {media.problem ? (
          <p className={styles["problem"]} role="status">
            {text(problemWords(media.problem.device, media.problem.problem))}
          </p>
        ) : null}
      </div>

      <div className={styles["controls"]} role="toolbar" aria-label={text("calls.controls")}>
        <CallControl
          icon={isMuted ? <MicOff /> : <Mic />}
          caption={text(isMuted ? "calls.unmute" : "calls.mute")}
          shortcut={`${modKey} D`}
          tone={isMuted ? "off" : "plain"}
          onPress={() => props.onMicrophone(isMuted)}
        />
        <CallControl
          icon={isCameraOn ? <Video /> : <VideoOff />}
          caption={text("calls.camera")}
          label={text(isCameraOn ? "calls.turnCameraOff" : "calls.turnCameraOn")}
          shortcut={`${modKey} E`}
          tone={isCameraOn || !isVideoCall ? "plain" : "off"}
          isPending={media.isCameraStarting}
          onPress={() => props.onCamera(!isCameraOn)}
        />
        <CallControl
          icon={isFull ? <Shrink /> : <Expand />}
          caption={text(isFull ? "calls.leaveFullScreenShort" : "calls.fullScreen")}
          label={text(isFull ? "calls.leaveFullScreen" : "calls.fullScreen")}
          onPress={toggleFull}
        />
        <CallControl icon={<PhoneOff />} caption={text("calls.hangUp")} tone="end" onPress={props.onHangUp} />
      </div>
    </section>
  );
}

/** Time since the call was connected, in figures that keep their place. */
export function Timer({ sinceMs }: { sinceMs: number | undefined }) {
  const elapsedMs = useElapsed(sinceMs);
  return (
    <span className={styles["timer"]} role="timer">
      {formatDuration(elapsedMs ?? 0)}
    </span>
  );
}

function QualityFact({
  quality,
  isRelayed,
}: {
  quality: NonNullable<CallMediaSnapshot["quality"]>;
  isRelayed: boolean;
}) {
  const text = useText();
  const Sign = QUALITY_SIGNS[quality];
  return (
    <>
      <span aria-hidden="true">·</span>
      <Sign aria-hidden="true" />
      {text(qualityWords(quality))}, {text(isRelayed ? "calls.relayed" : "calls.direct")}
    </>
  );
}

function NameTag({ name, isMuted }: { name: string; isMuted: boolean }) {
  const text = useText();
  return (
    <p className={styles["nameTag"]}>
      {isMuted ? <MicOff aria-hidden="true" /> : <Mic aria-hidden="true" />}
      <VisuallyHidden>{text(isMuted ? "calls.microphoneOff" : "calls.microphoneOn")}</VisuallyHidden>
      <span>{name}</span>
    </p>
  );
}
