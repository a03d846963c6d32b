/**
 * The surfaces of calls in each of their states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine and no device is needed; pictures are drawn on a canvas.
 */
import type { ReactNode } from "react";
import { Fragment, useEffect, useState } from "react";
import type { CallEndReason, Person } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { NO_MEDIA } from "./call-media/call-media.ts";
import type { CallMediaSnapshot } from "./call-media/call-media.ts";
import { endWords, isWorthTryingAgain } from "./call-words.ts";
import { CallNotice } from "./CallNotice.tsx";
import { InCallView } from "./InCallView.tsx";
import type { InCallProps } from "./InCallView.tsx";
import { IncomingCallCard } from "./IncomingCallCard.tsx";
import type { IncomingCallCardProps } from "./IncomingCallCard.tsx";
import { CallElsewhere } from "./CallElsewhere.tsx";
import { CallDetailsList } from "./CallDetailsList.tsx";
import { CallSettingsView } from "./CallsSection.tsx";
import { DeviceCheckView } from "./DeviceCheck.tsx";
import { DeviceChoicesView } from "./DeviceChoices.tsx";
import { MiniCall } from "./MiniCall.tsx";
import { RelayMissing, StunQuestion } from "./RelayNotices.tsx";
import { ShareForm } from "./ShareForm.tsx";
import { shareGallery } from "./share-gallery.tsx";
import styles from "./gallery.module.css";

const person = (userId: string, displayName: string) => ({ userId, displayName }) as Person;
const bob = person("@bob:example.org", "Bob Marsh");
const jonas = person("@jonas:example.org", "Jonas Lindqvist");
const longName = person(
  "@wolf:example.org",
  "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine the Elder of Philadelphia",
);
const alice = person("@alice:example.org", "Alice Reyes");
const CONNECTED_BEFORE_MS = 760_000;

const nothing = () => {};
const card: IncomingCallCardProps = {
  peer: jonas,
  media: "video",
  isEncrypted: true,
  isSilenced: false,
  endsCurrentCall: false,
  onAnswer: nothing,
  onDecline: nothing,
  onSilence: nothing,
  onHide: nothing,
};
const live: CallMediaSnapshot = {
  ...NO_MEDIA,
  microphone: "on",
  camera: "off",
  connection: "connected",
  quality: "good",
};
const inCall: InCallProps = {
  peer: bob,
  self: alice,
  state: "connected",
  isEncrypted: true,
  isVideoCall: false,
  media: live,
  modKey: "Ctrl",
  isOnHold: false,
  canRenegotiate: true,
  canTakeTones: false,
  onMicrophone: nothing,
  onCamera: nothing,
  onHold: nothing,
  onShare: nothing,
  onStopSharing: nothing,
  onTones: nothing,
  onSwap: nothing,
  onEndWaiting: nothing,
  onHangUp: nothing,
  onMinimise: nothing,
};

/** A still picture as a stream, in place of a camera. */
function paintedStream(from: string, to: string): MediaStream | undefined {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext("2d");
  if (!pen) return undefined;
  const ground = pen.createLinearGradient(0, 0, 640, 360);
  ground.addColorStop(0, from);
  ground.addColorStop(1, to);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 640, 360);
  pen.fillStyle = "oklch(0.50 0.10 200)";
  pen.beginPath();
  pen.ellipse(320, 320, 95, 140, 0, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "oklch(0.83 0.06 60)";
  pen.beginPath();
  pen.arc(320, 140, 52, 0, 2 * Math.PI);
  pen.fill();
  return canvas.captureStream(1);
}

/** A still page of text as a stream, in place of a screen. */
function paintedScreen(): MediaStream | undefined {
  const canvas = document.createElement("canvas");
  canvas.width = 1_280;
  canvas.height = 720;
  const pen = canvas.getContext("2d");
  if (!pen) return undefined;
  pen.fillStyle = "oklch(0.97 0.005 250)";
  pen.fillRect(0, 0, 1_280, 720);
  pen.fillStyle = "oklch(0.6 0.02 250)";
  for (let line = 0; line < 14; line++) pen.fillRect(120, 90 + line * 40, 500 + ((line * 137) % 460), 14);
  return canvas.captureStream(1);
}

type Pictures = Partial<Record<"remote" | "local" | "screen", MediaStream | undefined>>;

function WithPictures({ children }: { children: (pictures: Pictures) => ReactNode }) {
  const [pictures, setPictures] = useState<Pictures>({});
  useEffect(() => {
    setPictures({
      remote: paintedStream("oklch(0.42 0.05 40)", "oklch(0.24 0.04 260)"),
      local: paintedStream("oklch(0.45 0.06 200)", "oklch(0.28 0.05 260)"),
      screen: paintedScreen(),
    });
  }, []);
  return children(pictures);
}

function EndNotice({ reason }: { reason: CallEndReason }) {
  const text = useText();
  return (
    <CallNotice
      peer={bob}
      message={text(endWords(reason), { name: bob.displayName })}
      detail={reason === "remote-hangup" ? text("calls.endedAfter", { duration: "12:40" }) : undefined}
      isMissed={reason === "missed"}
      again={isWorthTryingAgain(reason) ? { media: "video", onPress: nothing } : undefined}
      onDismiss={nothing}
    />
  );
}

const inFrame = (child: ReactNode) => <div className={styles["frame"]}>{child}</div>;
const inPage = (child: ReactNode) => <div className={styles["page"]}>{child}</div>;
const inSlot = (child: ReactNode) => <div className={styles["slot"]}>{child}</div>;
const video = (
  props: Partial<InCallProps>,
  media: Partial<CallMediaSnapshot> = {},
  shares: { hasRemoteScreen?: boolean; hasOwnScreen?: boolean } = {},
) =>
  inFrame(
    <WithPictures>
      {({ remote, local, screen }) => (
        <InCallView
          {...inCall}
          isVideoCall
          connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
          {...props}
          media={{
            ...live,
            camera: "on",
            hasRemoteVideo: true,
            ...(remote ? { remoteStream: remote } : {}),
            ...(local ? { localStream: local } : {}),
            ...(screen && shares.hasRemoteScreen ? { remoteScreenStream: screen } : {}),
            ...(screen && shares.hasOwnScreen ? { screenStream: screen, screen: "on" as const } : {}),
            ...media,
          }}
        />
      )}
    </WithPictures>,
  );
const voice = (props: Partial<InCallProps>, media: Partial<CallMediaSnapshot> = {}) =>
  inFrame(
    <InCallView
      {...inCall}
      connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
      {...props}
      media={{ ...live, ...media }}
    />,
  );

const inPanel = (child: ReactNode) => (
  <div className={styles["panel"]} data-theme="dark">
    {child}
  </div>
);
const microphone = (deviceId: string, label: string) => ({ deviceId, label });
const devices = (lost: boolean) => (
  <DeviceChoicesView
    devices={{
      microphones: [microphone("m1", "Headset (USB)"), microphone("m2", "Built-in microphone array, four capsules")],
      cameras: [microphone("c1", "")],
      speakers: [microphone("s1", "Headset (USB)"), microphone("s2", "Monitor")],
    }}
    choices={{
      microphoneId: lost ? "gone" : "m1",
      speakerId: "s1",
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: !lost,
    }}
    level={0.55}
    hasToneFailed={lost}
    onChange={nothing}
    onTone={nothing}
    onRing={nothing}
  />
);
const check = (more: Partial<Parameters<typeof DeviceCheckView>[0]>) => (
  <DeviceCheckView
    check={{ state: "off" }}
    relay="reachable"
    level={0.6}
    isHeard={false}
    onStart={nothing}
    onStop={nothing}
    {...more}
  />
);
const settings = (patch: Partial<Parameters<typeof CallSettingsView>[0]["settings"] & object>, problem?: string) => (
  <CallSettingsView
    settings={{ key: "callSettings", isRelayOnly: false, publicStun: "unasked", ringsInRooms: false, ...patch }}
    problem={problem}
    onChange={nothing}
  />
);

const endings: readonly CallEndReason[] = [
  "remote-hangup",
  "remote-declined",
  "answered-elsewhere",
  "missed",
  "ice-failed",
  "user-media-failed",
];

/** Call surfaces for the gallery. */
export const callsGallery: readonly { name: string; render: () => ReactNode }[] = [
  { name: "calls: incoming video", render: () => inSlot(<IncomingCallCard {...card} onReply={nothing} />) },
  {
    name: "calls: incoming voice, not encrypted",
    render: () => inSlot(<IncomingCallCard {...card} media="voice" isEncrypted={false} />),
  },
  {
    name: "calls: incoming, silenced, in a call, long name",
    render: () => inSlot(<IncomingCallCard {...card} peer={longName} isSilenced endsCurrentCall />),
  },
  {
    name: "calls: incoming, waiting",
    render: () =>
      inSlot(
        <IncomingCallCard
          {...card}
          waiting={{ name: "Bob Marsh", canHold: true }}
          onHoldAndAnswer={nothing}
          onReply={nothing}
        />,
      ),
  },
  {
    name: "calls: incoming, waiting, cannot be held, device not signed",
    render: () =>
      inSlot(
        <IncomingCallCard
          {...card}
          media="voice"
          shield="unsigned-device"
          waiting={{ name: longName.displayName, canHold: false }}
        />,
      ),
  },
  { name: "calls: video", render: () => video({}, { microphone: "off" }) },
  {
    name: "calls: video, own camera off",
    render: () => video({}, { camera: "off", isRemoteMuted: true, quality: "fair", isRelayed: true }),
  },
  { name: "calls: video, reconnecting", render: () => video({}, { connection: "disconnected" }) },
  { name: "calls: calling with picture", render: () => video({ state: "inviting" }, { hasRemoteVideo: false }) },
  {
    name: "calls: screen of the other side",
    render: () => video({ canTakeTones: true }, {}, { hasRemoteScreen: true }),
  },
  { name: "calls: sharing", render: () => video({}, {}, { hasOwnScreen: true }) },
  {
    name: "calls: grid, both screens",
    render: () => video({ startsWith: { layout: "grid" } }, {}, { hasRemoteScreen: true, hasOwnScreen: true }),
  },
  { name: "calls: grid", render: () => video({ startsWith: { layout: "grid" } }) },
  { name: "calls: held by us", render: () => video({ isOnHold: true }) },
  { name: "calls: held by the other side", render: () => voice({}, { isHeldByPeer: true }) },
  {
    name: "calls: two calls",
    render: () => video({ waiting: [{ callId: "other", peer: jonas }] }),
  },
  {
    name: "calls: a side that takes no changes, connected on, not trusted",
    render: () =>
      voice({
        canRenegotiate: false,
        canTakeTones: true,
        assertedName: "Reception of the Grand Hotel Philadelphia, second floor",
        shield: "unsigned-device",
        startsWith: { panel: "dial-pad" },
      }),
  },
  {
    name: "calls: asks for a public server",
    render: () => voice({ state: "inviting", notice: <StunQuestion onAnswer={nothing} /> }),
  },
  { name: "calls: no relay", render: () => voice({ state: "inviting", notice: <RelayMissing /> }) },
  { name: "calls: how to share", render: () => inPanel(<ShareForm onShare={nothing} />) },
  {
    name: "calls: details",
    render: () =>
      inPanel(
        <CallDetailsList
          details={{
            path: "relay",
            roundTripMs: 78,
            lossShare: 0.0123,
            audioCodec: "opus",
            incoming: { widthPx: 1_920, heightPx: 1_080, framesPerSecond: 30, codec: "VP9" },
            outgoing: { widthPx: 640, heightPx: 360, framesPerSecond: 30, codec: "VP8" },
          }}
          isEncrypted
          shield={undefined}
        />,
      ),
  },
  { name: "calls: devices", render: () => inPanel(devices(false)) },
  { name: "calls: devices, lost", render: () => inPage(devices(true)) },
  {
    name: "calls: check",
    render: () =>
      inPage(
        <WithPictures>
          {({ local }) => (
            <>
              {check({})}
              {check({ check: { state: "opening" }, relay: "checking", level: 0 })}
              {local
                ? check({
                    check: { state: "on", stream: local, hasPicture: true, problem: undefined },
                    isHeard: true,
                  })
                : null}
              {local
                ? check({
                    check: {
                      state: "on",
                      stream: local,
                      hasPicture: false,
                      problem: { device: "camera", problem: "denied" },
                    },
                  })
                : null}
            </>
          )}
        </WithPictures>,
      ),
  },
  {
    name: "calls: check, relays",
    render: () =>
      inPage(
        (["unasked", "none", "silent", "refused", "unusable"] as const).map((relay) => (
          <Fragment key={relay}>{check({ check: { state: "opening" }, relay, level: 0 })}</Fragment>
        )),
      ),
  },
  { name: "calls: settings", render: () => inPage(settings({ publicStun: "allowed" })) },
  { name: "calls: settings, relay only", render: () => inPage(settings({ isRelayOnly: true }, "The disk is full.")) },
  { name: "calls: voice", render: () => voice({}) },
  {
    name: "calls: voice, connecting",
    render: () => voice({ state: "connecting", isEncrypted: false }, { connection: "connecting" }),
  },
  {
    name: "calls: camera in use, long name",
    render: () => voice({ peer: longName }, { isRemoteMuted: true, problem: { device: "camera", problem: "in-use" } }),
  },
  {
    name: "calls: small, picture",
    render: () =>
      inFrame(
        <WithPictures>
          {({ remote }) => (
            <MiniCall
              {...inCall}
              connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
              media={{ ...live, hasRemoteVideo: true, ...(remote ? { remoteStream: remote } : {}) }}
              onRestore={nothing}
            />
          )}
        </WithPictures>,
      ),
  },
  {
    name: "calls: in another window",
    render: () =>
      inFrame(
        <CallElsewhere
          {...inCall}
          connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
          onShow={nothing}
          onHangUp={nothing}
        />,
      ),
  },
  {
    name: "calls: small, a window of its own",
    render: () => (
      <MiniCall {...inCall} isWholeWindow connectedAtMs={Date.now() - CONNECTED_BEFORE_MS} onRestore={nothing} />
    ),
  },
  {
    name: "calls: small, voice",
    render: () =>
      inFrame(<MiniCall {...inCall} connectedAtMs={Date.now() - CONNECTED_BEFORE_MS} onRestore={nothing} />),
  },
  ...endings.map((reason) => ({
    name: `calls: ended, ${reason}`,
    render: () => inSlot(<EndNotice reason={reason} />),
  })),
  ...shareGallery,
];
