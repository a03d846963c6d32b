/**
 * The elements that show and play a MediaStream. Used by the views of a running call.
 * Invariant: picture and sound are apart: sound is played by one element that stays mounted however the view
 * changes, pictures are always mute, so nothing is heard twice or cut when a tile moves.
 */
import { useEffect, useRef } from "react";
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
  label,
}: {
  stream: MediaStream | undefined;
  isMirrored?: boolean;
  label: string;
}) {
  const element = useStream<HTMLVideoElement>(stream);
  return (
    <video
      ref={element}
      className={cx(styles["picture"], isMirrored && styles["mirrored"])}
      aria-label={label}
      autoPlay
      playsInline
      muted
    />
  );
}

/** The sound of a stream; nothing to see. */
export function StreamSound({ stream }: { stream: MediaStream | undefined }) {
  const element = useStream<HTMLAudioElement>(stream);
  return <audio ref={element} autoPlay />;
}
