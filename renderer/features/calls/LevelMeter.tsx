/**
 * How loud our microphone is, live. Used where devices are chosen and tried out.
 * Invariant: it opens no device; the stream is its owner's. It is a value, not a movement, so that it also stands for
 * who wants no animation.
 */
import { useEffect, useState } from "react";
import { useText } from "../../text/text.ts";
import { openLevelMeter } from "./call-media/media-devices.ts";
import styles from "./call-panel.module.css";

/** The microphone may be exchanged within its stream, of which no event tells. */
const LOOK_EVERY_MS = 500;

/** The level of a stream's sound, from 0 to 1. */
export function useLevel(stream: MediaStream | undefined): number {
  const [level, setLevel] = useState(0);
  const [trackId, setTrackId] = useState<string>();
  useEffect(() => {
    if (!stream) return;
    const look = () => setTrackId(stream.getAudioTracks()[0]?.id);
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [stream]);
  useEffect(() => {
    if (!stream || trackId === undefined || stream.getAudioTracks().length === 0) return;
    const close = openLevelMeter(stream, setLevel);
    return () => {
      close();
      setLevel(0);
    };
  }, [stream, trackId]);
  return level;
}

/** A bar as long as the sound is loud. */
export function LevelMeter({ level }: { level: number }) {
  const text = useText();
  return (
    <div
      className={styles["meter"]}
      role="meter"
      aria-label={text("calls.level")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(level * 100)}
    >
      <div className={styles["meterBar"]} style={{ transform: `scaleX(${level})` }} />
    </div>
  );
}
