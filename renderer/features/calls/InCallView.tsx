/**
 * A running call, over the whole window: top line, stage with pictures or avatars, round controls. Always dark.
 * Drawn by CallSurfaces and the gallery, from props alone; MiniCall is the same call made small.
 * Invariants: nothing in it moves when words or timers change; every control is at least 48 px high; what the other
 * side cannot take is not hidden, but says why; what it lies over cannot be reached by the keyboard.
 */
import { useEffect, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import {
  Ellipsis,
  Expand,
  Grid3x3,
  LayoutGrid,
  Lock,
  LockOpen,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Pause,
  PhoneOff,
  PictureInPicture,
  PictureInPicture2,
  Play,
  RectangleHorizontal,
  Settings,
  ShieldAlert,
  Shrink,
  Signal,
  SignalLow,
  SignalMedium,
  Video,
  VideoOff,
  Volume2,
} from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { CallView, Person } from "../../../preload/contract/views.ts";
import { formatDuration } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { IconButton } from "../../ui/IconButton.tsx";
import { Menu } from "../../ui/Menu.tsx";
import type { MenuEntry } from "../../ui/Menu.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import type { CallMediaSnapshot, ScreenShareOptions } from "./call-media/call-media.ts";
import { changeObstacle, holdWords, problemWords, qualityWords, stateWords } from "./call-words.ts";
import { CallControl } from "./CallControl.tsx";
import { CallDetailsList } from "./CallDetailsList.tsx";
import { CallPanel } from "./CallPanel.tsx";
import { DeviceChoices } from "./DeviceChoices.tsx";
import { DialPad } from "./DialPad.tsx";
import { StreamPicture } from "./MediaElements.tsx";
import { OwnTile } from "./OwnTile.tsx";
import { ShareForm } from "./ShareForm.tsx";
import { useElapsed } from "./use-elapsed.ts";
import styles from "./in-call.module.css";

/** Another call of this window, on hold. */
export type WaitingCall = { callId: string; peer: Person; avatarSrc?: string | undefined };

export type InCallProps = {
  peer: Person;
  peerAvatarSrc?: string | undefined;
  self: Person;
  selfAvatarSrc?: string | undefined;
  /** A call that is meant to have pictures: a camera that is off stands out. */
  isVideoCall: boolean;
  media: CallMediaSnapshot;
  /** As shown to the user, e.g. "Ctrl". */
  modKey: string;
  /** A question or a warning about this call. */
  notice?: ReactNode;
  waiting?: readonly WaitingCall[];
  /** What the gallery begins with. */
  startsWith?: { layout?: "grid"; panel?: "dial-pad" };
  onMicrophone: (isOn: boolean) => void;
  onCamera: (isOn: boolean) => void;
  onHold: (isOnHold: boolean) => void;
  onShare: (options: ScreenShareOptions) => void;
  onStopSharing: () => void;
  onTones: (tones: string) => void;
  onSwap: (callId: string) => void;
  onEndWaiting: (callId: string) => void;
  onHangUp: () => void;
  /** Absent where the call cannot be made small. */
  onMinimise?: (() => void) | undefined;
  onOpenRoom?: (() => void) | undefined;
  onSettings?: (() => void) | undefined;
} & Pick<
  CallView,
  "state" | "isEncrypted" | "connectedAtMs" | "isOnHold" | "canRenegotiate" | "canTakeTones" | "assertedName" | "shield"
>;

const QUALITY_SIGNS = { good: Signal, fair: SignalMedium, poor: SignalLow } as const;

/** A running call in full size. */
export function InCallView(props: InCallProps) {
  const { peer, peerAvatarSrc, media, modKey, waiting = [] } = props;
  const text = useText();
  const view = useRef<HTMLElement>(null);
  const mainPicture = useRef<HTMLVideoElement>(null);
  const [isFull, toggleFull] = useFullScreen();
  const [isPictureOut, togglePictureOut] = usePictureInPicture(mainPicture);
  const [isGrid, setIsGrid] = useState(props.startsWith?.layout === "grid");
  const [isDialing, setIsDialing] = useState(props.startsWith?.panel === "dial-pad");
  const isMuted = media.microphone !== "on";
  const isCameraOn = media.camera === "on";
  const isSharing = media.screen === "on";
  const obstacle = (change: "hold" | "camera" | "share"): string | undefined => {
    const words = changeObstacle(change, props);
    return words && text(words, { name: peer.displayName });
  };
  const hasPictures = media.hasRemoteVideo || media.remoteScreenStream !== undefined;

  useEffect(() => {
    // The button that led here is gone; the focus comes to the call and goes back where it was before.
    const before = document.activeElement;
    const uncover = coverSiblings(view.current);
    view.current?.focus({ preventScroll: true });
    return () => {
      uncover();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  const more: MenuEntry[] = [];
  if (hasPictures || isCameraOn || isSharing)
    more.push({
      id: "layout",
      label: text(
        isGrid ? (media.remoteScreenStream ? "calls.layoutScreen" : "calls.layoutSpeaker") : "calls.layoutGrid",
      ),
      icon: isGrid ? <RectangleHorizontal /> : <LayoutGrid />,
      onAction: () => setIsGrid(!isGrid),
    });
  if (hasPictures && document.pictureInPictureEnabled)
    more.push({
      id: "picture",
      label: text(isPictureOut ? "calls.leavePictureInPicture" : "calls.pictureInPicture"),
      icon: <PictureInPicture />,
      onAction: togglePictureOut,
    });
  if (props.canTakeTones)
    more.push({
      id: "dial-pad",
      label: text("calls.dialPad"),
      icon: <Grid3x3 />,
      onAction: () => setIsDialing(true),
    });
  more.push({
    id: "full",
    label: text(isFull ? "calls.leaveFullScreen" : "calls.fullScreen"),
    icon: isFull ? <Shrink /> : <Expand />,
    onAction: toggleFull,
  });
  if (props.onOpenRoom)
    more.push({ id: "room", label: text("calls.openRoom"), icon: <MessageSquare />, onAction: props.onOpenRoom });
  if (props.onSettings)
    more.push({ id: "settings", label: text("calls.callSettings"), icon: <Settings />, onAction: props.onSettings });

  return (
    <section
      ref={view}
      className={styles["call"]}
      data-theme="dark"
      data-over-app=""
      aria-label={text("calls.callWith", { name: peer.displayName })}
      tabIndex={-1}
    >
      <header className={styles["top"]}>
        <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={24} />
        <div className={styles["title"]}>
          <h2 className={styles["peerName"]}>{peer.displayName}</h2>
          <Facts {...props} />
        </div>
        <div className={styles["topEnd"]}>
          {props.onMinimise ? (
            <IconButton icon={<PictureInPicture2 />} label={text("calls.minimise")} onPress={props.onMinimise} />
          ) : null}
          <IconButton
            icon={isFull ? <Shrink /> : <Expand />}
            label={text(isFull ? "calls.leaveFullScreen" : "calls.fullScreen")}
            onPress={toggleFull}
          />
        </div>
      </header>

      <div className={styles["middle"]}>
        {waiting.map((call) => (
          <div key={call.callId} className={styles["waiting"]}>
            <Avatar name={call.peer.displayName} id={call.peer.userId} src={call.avatarSrc} sizePx={24} />
            <p className={styles["waitingName"]}>{text("calls.onHoldWith", { name: call.peer.displayName })}</p>
            <Button
              size="small"
              icon={<Play />}
              aria-label={text("calls.swapLabel", { name: call.peer.displayName })}
              onPress={() => props.onSwap(call.callId)}
            >
              {text("calls.swap")}
            </Button>
            <IconButton
              size="small"
              variant="danger"
              icon={<PhoneOff />}
              label={text("calls.endHeld", { name: call.peer.displayName })}
              onPress={() => props.onEndWaiting(call.callId)}
            />
          </div>
        ))}
        <Stage {...props} isGrid={isGrid} mainPicture={mainPicture}>
          <div className={styles["notices"]}>
            {props.notice}
            {isSharing ? <p className={styles["pill"]}>{text("calls.sharingNow")}</p> : null}
            {media.problem ? (
              <p className={styles["problem"]} role="status">
                {text(problemWords(media.problem.device, media.problem.problem))}
              </p>
            ) : null}
          </div>
          {isDialing && props.canTakeTones ? (
            <DialPad onTones={props.onTones} onClose={() => setIsDialing(false)} />
          ) : null}
        </Stage>
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
          tone={isCameraOn || !props.isVideoCall ? "plain" : "off"}
          isPending={media.isCameraStarting}
          unavailable={isCameraOn ? undefined : obstacle("camera")}
          onPress={() => props.onCamera(!isCameraOn)}
        />
        {isSharing ? (
          <CallControl
            icon={<MonitorX />}
            caption={text("calls.stopSharing")}
            label={text("calls.stopSharingLabel")}
            tone="active"
            onPress={props.onStopSharing}
          />
        ) : obstacle("share") !== undefined || media.screen === "starting" ? (
          <CallControl
            icon={<MonitorUp />}
            caption={text("calls.share")}
            label={text("calls.shareLabel")}
            isPending={media.screen === "starting"}
            unavailable={obstacle("share")}
          />
        ) : (
          <CallPanel
            title={text("calls.shareTitle")}
            trigger={
              <CallControl icon={<MonitorUp />} caption={text("calls.share")} label={text("calls.shareLabel")} />
            }
          >
            {(close) => (
              <ShareForm
                onShare={(options) => {
                  close();
                  props.onShare(options);
                }}
              />
            )}
          </CallPanel>
        )}
        <CallControl
          icon={props.isOnHold ? <Play /> : <Pause />}
          caption={text(props.isOnHold ? "calls.resume" : "calls.hold")}
          label={text(props.isOnHold ? "calls.resumeLabel" : "calls.holdLabel")}
          tone={props.isOnHold ? "off" : "plain"}
          unavailable={props.isOnHold ? undefined : obstacle("hold")}
          onPress={() => props.onHold(!props.isOnHold)}
        />
        <CallPanel
          title={text("calls.devicesTitle")}
          trigger={
            <CallControl icon={<Volume2 />} caption={text("calls.devices")} label={text("calls.devicesLabel")} />
          }
        >
          {() => <DeviceChoices stream={media.localStream} />}
        </CallPanel>
        <Menu
          label={text("calls.moreLabel")}
          placement="top end"
          isDark
          trigger={<CallControl icon={<Ellipsis />} caption={text("calls.more")} label={text("calls.moreLabel")} />}
          entries={more}
        />
        <CallControl icon={<PhoneOff />} caption={text("calls.hangUp")} tone="end" onPress={props.onHangUp} />
      </div>
    </section>
  );
}

/** The line under the name: how safe, how long, how well, and with whom as the other side says. */
function Facts(props: InCallProps) {
  const { media, isEncrypted, shield, assertedName } = props;
  const text = useText();
  const words = stateWords(props.state, media.connection);
  const hold = holdWords({ isOnHold: props.isOnHold, isHeldByPeer: media.isHeldByPeer });
  // The words stand in the middle of the stage then, and once is enough.
  const isPortraitWaiting = words !== undefined && !media.hasRemoteVideo;
  const encryption = text(isEncrypted ? "calls.encrypted" : "calls.notEncrypted");
  const path = text(media.isRelayed ? "calls.relayed" : "calls.direct");
  const Sign = QUALITY_SIGNS[media.quality ?? "good"];
  return (
    <div className={styles["facts"]}>
      {shield === undefined ? (
        <>
          {isEncrypted ? <Lock aria-hidden="true" /> : <LockOpen aria-hidden="true" />}
          {isPortraitWaiting || !isEncrypted ? (
            <span>{encryption}</span>
          ) : (
            <VisuallyHidden>{encryption}</VisuallyHidden>
          )}
        </>
      ) : (
        <span className={styles["warning"]}>
          <ShieldAlert aria-hidden="true" />
          {text(`calls.shield.${shield}`)}
        </span>
      )}
      {words === undefined ? (
        <Timer sinceMs={props.connectedAtMs} />
      ) : isPortraitWaiting ? null : (
        <span>{text(words)}</span>
      )}
      {words === undefined && hold === undefined && media.quality ? (
        <>
          <span aria-hidden="true">·</span>
          <CallPanel
            title={text("calls.details")}
            placement="bottom start"
            trigger={
              <AriaButton
                className={styles["quality"] ?? ""}
                aria-label={text("calls.detailsOpen", { quality: text(qualityWords(media.quality)), path })}
              >
                <Sign aria-hidden="true" />
                {text(qualityWords(media.quality))}, {path}
              </AriaButton>
            }
          >
            {() => <CallDetailsList details={media.details} isEncrypted={isEncrypted} shield={shield} />}
          </CallPanel>
        </>
      ) : null}
      {assertedName === undefined ? null : (
        <>
          <span aria-hidden="true">·</span>
          <bdi className={styles["asserted"]}>{text("calls.assertedAs", { name: assertedName })}</bdi>
        </>
      )}
    </div>
  );
}

/** Pictures where there are any, in the arrangement that was chosen; the other side's avatar otherwise. */
function Stage(
  props: InCallProps & { isGrid: boolean; mainPicture: RefObject<HTMLVideoElement | null>; children: ReactNode },
) {
  const { peer, peerAvatarSrc, self, selfAvatarSrc, media, isGrid, mainPicture } = props;
  const text = useText();
  const words = stateWords(props.state, media.connection);
  const hold = holdWords({ isOnHold: props.isOnHold, isHeldByPeer: media.isHeldByPeer });
  const isMuted = media.microphone !== "on";
  const isCameraOn = media.camera === "on" && !props.isOnHold;
  const screen = hold === undefined ? media.remoteScreenStream : undefined;
  const hasRemoteVideo = media.hasRemoteVideo && hold === undefined;
  const pictureNumber = usePictureNumber(hasRemoteVideo);
  // There before its first frame, so that this one need not wait for it.
  const isPictureDue = hold === undefined && (media.remoteStream?.getVideoTracks().length ?? 0) > 0;
  const screenName = text("calls.sharedBy", { name: peer.displayName });

  const peerFace = (ref?: RefObject<HTMLVideoElement | null>) => (
    <>
      {hasRemoteVideo ? (
        <StreamPicture stream={media.remoteStream} label={peer.displayName} pictureRef={ref} />
      ) : (
        <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={64} />
      )}
      <NameTag name={peer.displayName} isMuted={media.isRemoteMuted} />
    </>
  );
  const ownFace = (
    <>
      {isCameraOn ? (
        <StreamPicture stream={media.localStream} label={text("calls.you")} isMirrored />
      ) : (
        <Avatar name={self.displayName} id={self.userId} src={selfAvatarSrc} sizePx={48} />
      )}
      <NameTag name={text("calls.you")} isMuted={isMuted} />
    </>
  );

  if (hold === undefined && isGrid && (hasRemoteVideo || screen || isCameraOn || media.screenStream)) {
    return (
      <div className={styles["stage"]} data-layout="grid">
        <div className={styles["tiles"]}>
          {screen ? (
            <Tile>
              <StreamPicture stream={screen} label={screenName} isWhole pictureRef={mainPicture} />
              <NameTag name={screenName} />
            </Tile>
          ) : null}
          <Tile>{peerFace(screen ? undefined : mainPicture)}</Tile>
          <Tile>{ownFace}</Tile>
          {media.screenStream ? (
            <Tile>
              <StreamPicture stream={media.screenStream} label={text("calls.yourScreen")} isWhole />
              <NameTag name={text("calls.yourScreen")} />
            </Tile>
          ) : null}
        </div>
        {props.children}
      </div>
    );
  }
  if (screen) {
    return (
      <div className={styles["stage"]} data-layout="screen">
        <Tile>
          <StreamPicture stream={screen} label={screenName} isWhole pictureRef={mainPicture} />
          <NameTag name={screenName} />
        </Tile>
        <div className={styles["strip"]}>
          <Tile>{peerFace()}</Tile>
          <Tile>{ownFace}</Tile>
        </div>
        {props.children}
      </div>
    );
  }
  return (
    <div className={styles["stage"]} data-layout="speaker" data-picture={hasRemoteVideo || undefined}>
      {hasRemoteVideo || isPictureDue ? (
        <StreamPicture
          key={pictureNumber}
          stream={media.remoteStream}
          label={peer.displayName}
          pictureRef={mainPicture}
          isDue={!hasRemoteVideo}
        />
      ) : null}
      {hasRemoteVideo ? (
        <NameTag name={peer.displayName} isMuted={media.isRemoteMuted} />
      ) : (
        <div className={styles["portrait"]}>
          <span className={styles["portraitFace"]} data-held={hold !== undefined || undefined}>
            <Avatar name={peer.displayName} id={peer.userId} src={peerAvatarSrc} sizePx={128} />
            {hold === undefined ? null : <Pause aria-hidden="true" />}
          </span>
          <p className={styles["portraitName"]}>
            <span>{peer.displayName}</span>
            {media.isRemoteMuted ? (
              <>
                <MicOff aria-hidden="true" />
                <VisuallyHidden>{text("calls.microphoneOff")}</VisuallyHidden>
              </>
            ) : null}
          </p>
          <p className={styles["portraitState"]}>
            {words === undefined ? (hold === undefined ? "" : text(hold, { name: peer.displayName })) : text(words)}
          </p>
          {props.isOnHold ? (
            <Button variant="primary" icon={<Play />} onPress={() => props.onHold(false)}>
              {text("calls.resumeLabel")}
            </Button>
          ) : null}
        </div>
      )}
      {isCameraOn || hasRemoteVideo ? <OwnTile label={text("calls.yourTile")}>{ownFace}</OwnTile> : null}
      {props.children}
    </div>
  );
}

/** Another one after each picture that has ended: the next begins in an element that does not hold the last frame of it. */
function usePictureNumber(isShown: boolean): number {
  const [picture, setPicture] = useState({ isShown, number: 0 });
  if (picture.isShown !== isShown) setPicture({ isShown, number: picture.number + (isShown ? 0 : 1) });
  return picture.number;
}

function Tile({ children }: { children: ReactNode }) {
  return <div className={styles["tile"]}>{children}</div>;
}

/** What the call lies over is out of reach until it is gone; what floats over the call itself is not. */
function coverSiblings(view: HTMLElement | null): () => void {
  const covered = [...(view?.parentElement?.children ?? [])].filter(
    (element): element is HTMLElement =>
      element instanceof HTMLElement && element !== view && !element.inert && !element.matches("[data-over-call]"),
  );
  for (const element of covered) element.inert = true;
  return () => {
    for (const element of covered) element.inert = false;
  };
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

/** Whose picture it is; for a person also whether he can be heard. */
function NameTag({ name, isMuted }: { name: string; isMuted?: boolean }) {
  const text = useText();
  return (
    <p className={styles["nameTag"]}>
      {isMuted === undefined ? null : (
        <>
          {isMuted ? <MicOff aria-hidden="true" /> : <Mic aria-hidden="true" />}
          <VisuallyHidden>{text(isMuted ? "calls.microphoneOff" : "calls.microphoneOn")}</VisuallyHidden>
        </>
      )}
      <span>{name}</span>
    </p>
  );
}

/** The whole page goes full: what hangs on the controls stands beside the call in it, not within. */
function useFullScreen(): [isFull: boolean, toggle: () => void] {
  const [isFull, setIsFull] = useState(false);
  useEffect(() => {
    const onChange = () => setIsFull(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", onChange);
    return () => {
      document.removeEventListener("fullscreenchange", onChange);
      // The call is over, or small: the rooms are no reason to fill the screen.
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    };
  }, []);
  const toggle = () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    // Refused by the host: the call stays in the window.
    void done.catch(() => {});
  };
  return [isFull, toggle];
}

/** The main picture in a small window of its own above all others, made by the system. spec: W3C Picture-in-Picture. */
function usePictureInPicture(picture: RefObject<HTMLVideoElement | null>): [isOut: boolean, toggle: () => void] {
  const [isOut, setIsOut] = useState(false);
  const takeOut = async (shown: HTMLVideoElement) => {
    // Of the picture itself: when it leaves because it is gone, the document does not hear of it.
    shown.addEventListener("leavepictureinpicture", () => setIsOut(false), { once: true });
    await shown.requestPictureInPicture();
    setIsOut(true);
  };
  const toggle = () => {
    const shown = picture.current;
    const done = document.pictureInPictureElement ? document.exitPictureInPicture() : shown && takeOut(shown);
    // Without a picture yet, or refused by the host: it stays where it is.
    void Promise.resolve(done).catch(() => {});
  };
  return [isOut, toggle];
}
