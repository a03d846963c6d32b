/**
 * Reads a verification code with the camera. `QrScanner` holds the camera, `QrScannerView` draws a state.
 * Used by VerificationView. Invariants: the camera is on exactly while this is mounted; a code is reported once;
 * a picture never leaves this component.
 */
import { useEffect, useEffectEvent, useRef, useState } from "react";
import type { Ref } from "react";
import { Camera, CameraOff } from "lucide-react";
import { useText } from "../../text/text.ts";
import { base64Of, bytesInPicture, isVerificationCode } from "./qr-bytes.ts";
import styles from "./verification.module.css";

export type ScannerState = "asking" | "looking" | "other-code" | "no-camera" | "denied" | "failed";

const LOOK_EVERY_MS = 150;
/** Enough for a code of this size, and quick to search. */
const MAX_EDGE_PX = 720;

/** What the camera's refusal means. spec: Media Capture and Streams, `getUserMedia`. */
export function scannerStateOf(error: unknown): "no-camera" | "denied" | "failed" {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "no-camera";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "failed";
}

/** The camera at work; calls `onFound` with the code's bytes in base64. */
export function QrScanner({ onFound }: { onFound: (qrCode: string) => void }) {
  const [state, setState] = useState<ScannerState>("asking");
  const videoRef = useRef<HTMLVideoElement>(null);
  const found = useEffectEvent(onFound);
  useEffect(() => {
    const video = videoRef.current;
    if (!video) return;
    let isOver = false;
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const canvas = document.createElement("canvas");
    const look = () => {
      const bytes = bytesInVideo(video, canvas);
      if (bytes && isVerificationCode(bytes)) return found(base64Of(bytes));
      if (bytes) setState("other-code");
      timer = setTimeout(look, LOOK_EVERY_MS);
    };
    const open = async () => {
      if (navigator.mediaDevices === undefined) return setState("no-camera");
      try {
        stream = await navigator.mediaDevices.getUserMedia({
          audio: false,
          video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
        });
        if (isOver) return stop(stream);
        video.srcObject = stream;
        await video.play();
        setState("looking");
        look();
      } catch (error) {
        if (!isOver) setState(scannerStateOf(error));
      }
    };
    void open();
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop(stream);
      video.srcObject = null;
    };
  }, []);
  return <QrScannerView state={state} videoRef={videoRef} />;
}

function stop(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function bytesInVideo(video: HTMLVideoElement, canvas: HTMLCanvasElement): Uint8Array | undefined {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0 || videoHeight === 0) return undefined;
  const scale = Math.min(1, MAX_EDGE_PX / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return undefined;
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return bytesInPicture(context.getImageData(0, 0, canvas.width, canvas.height));
}

/** The camera's picture, or why there is none. */
export function QrScannerView({ state, videoRef }: { state: ScannerState; videoRef?: Ref<HTMLVideoElement> }) {
  const t = useText();
  const words = {
    asking: t("encryption.scanAsking"),
    looking: "",
    "other-code": t("encryption.scanOtherCode"),
    "no-camera": t("encryption.scanNoCamera"),
    denied: t("encryption.scanDenied"),
    failed: t("encryption.scanFailed"),
  }[state];
  const isOpen = state === "looking" || state === "other-code";
  return (
    <div className={styles["scanner"]}>
      <video
        ref={videoRef}
        className={styles["video"]}
        aria-label={t("encryption.scanView")}
        muted
        playsInline
        hidden={!isOpen}
      />
      {isOpen ? <span className={styles["finder"]} aria-hidden="true" /> : null}
      <p className={isOpen ? styles["scanNote"] : styles["scanWords"]} role="status">
        {isOpen ? null : state === "asking" ? <Camera /> : <CameraOff />}
        {words}
      </p>
    </div>
  );
}
