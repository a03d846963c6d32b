/**
 * The elements that show and play a MediaStream. Used by the views of a running call.
 * Invariant: picture and sound are apart: sound is played by one element that stays mounted however the view
 * changes, pictures are always mute, so nothing is heard twice or cut when a tile moves.
 */
import { useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import type { Ref } from "react";
import { cx } from "../../ui/cx.ts";
import styles from "./in-call.module.css";

function useStream<E extends HTMLMediaElement>(stream: MediaStream | undefined) {
  const element = useRef<E>(null);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    target.srcObject = stream ?? null;
    // A window that may not play yet starts with the next click; the call itself is not at stake.
    if (stream) void target.play().catch(() => {});
    return () => {
      target.srcObject = null;
    };
  }, [stream]);
  return element;
}

/** The picture of a stream, without its sound. */
export function StreamPicture({
  stream,
  isMirrored = false,
  isWhole = false,
  isDue = false,
  label,
  pictureRef,
}: {
  stream: MediaStream | undefined;
  isMirrored?: boolean;
  /** Nothing is cut off at the edges: for screens. */
  isWhole?: boolean;
  /** There is nothing to be seen of it yet. */
  isDue?: boolean;
  label: string;
  pictureRef?: Ref<HTMLVideoElement> | undefined;
}) {
  const element = useStream<HTMLVideoElement>(stream);
  useImperativeHandle(pictureRef, () => element.current as HTMLVideoElement, [element]);
  useLayoutEffect(() => {
    const shown = element.current;
    return () => {
      // Its small window would stay, and show nothing.
      if (shown && document.pictureInPictureElement === shown) void document.exitPictureInPicture().catch(() => {});
    };
  }, [element]);
  return (
    <video
      ref={element}
      className={cx(
        styles["picture"],
        isMirrored && styles["mirrored"],
        isWhole && styles["whole"],
        isDue && styles["due"],
      )}
      aria-label={label}
      aria-hidden={isDue || undefined}
      autoPlay
      playsInline
      muted
    />
  );
}

/** The sound of a stream on a speaker, "" being the system's choice; nothing to see. */
export function StreamSound({ stream, sinkId }: { stream: MediaStream | undefined; sinkId: string }) {
  const element = useStream<HTMLAudioElement>(stream);
  useEffect(() => {
    // A speaker that cannot be had leaves the sound where it is: heard somewhere is better than nowhere.
    if (element.current && element.current.sinkId !== sinkId) void element.current.setSinkId(sinkId).catch(() => {});
  }, [element, sinkId]);
  return <audio ref={element} autoPlay />;
}
