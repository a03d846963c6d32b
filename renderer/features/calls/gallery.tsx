/**
 * The surfaces of calls in each of their states, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine and no device is needed; pictures are drawn on a canvas.
 */
import type { ReactNode } from "react";
import { useEffect, useState } from "react";
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
import { MiniCall } from "./MiniCall.tsx";
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
  onMicrophone: nothing,
  onCamera: nothing,
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

function WithPictures({
  children,
}: {
  children: (remote: MediaStream | undefined, local: MediaStream | undefined) => ReactNode;
}) {
  const [streams, setStreams] = useState<{ remote: MediaStream | undefined; local: MediaStream | undefined }>();
  useEffect(() => {
    setStreams({
      remote: paintedStream("oklch(0.42 0.05 40)", "oklch(0.24 0.04 260)"),
      local: paintedStream("oklch(0.45 0.06 200)", "oklch(0.28 0.05 260)"),
    });
  }, []);
  return children(streams?.remote, streams?.local);
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
const inSlot = (child: ReactNode) => <div className={styles["slot"]}>{child}</div>;
const video = (props: Partial<InCallProps>, media: Partial<CallMediaSnapshot> = {}) =>
  inFrame(
    <WithPictures>
      {(remoteStream, localStream) => (
        <InCallView
          {...inCall}
          isVideoCall
          connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
          {...props}
          media={{
            ...live,
            camera: "on",
            hasRemoteVideo: true,
            ...(remoteStream ? { remoteStream } : {}),
            ...(localStream ? { localStream } : {}),
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
  { name: "calls: video", render: () => video({}, { microphone: "off" }) },
  {
    name: "calls: video, own camera off",
    render: () => video({}, { camera: "off", isRemoteMuted: true, quality: "fair", isRelayed: true }),
  },
  { name: "calls: video, reconnecting", render: () => video({}, { connection: "disconnected" }) },
  { name: "calls: calling with picture", render: () => video({ state: "inviting" }, { hasRemoteVideo: false }) },
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
          {(remoteStream) => (
            <MiniCall
              {...inCall}
              connectedAtMs={Date.now() - CONNECTED_BEFORE_MS}
              media={{ ...live, hasRemoteVideo: true, ...(remoteStream ? { remoteStream } : {}) }}
              onRestore={nothing}
            />
          )}
        </WithPictures>,
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
];
