/**
 * The check before a call: our picture as others will see it, and whether we are heard. `DeviceCheck` opens the devices
 * while it is on, `DeviceCheckView` draws from props. Shown in the settings of calls.
 * Invariants: nothing is opened before the user asks; both devices are closed when the check or the settings are.
 */
import { useEffect, useRef, useState } from "react";
import { Mic, VideoOff } from "lucide-react";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { openLocalMedia } from "./call-media/local-media.ts";
import type { LocalMedia, LocalMediaState } from "./call-media/local-media.ts";
import { mediaChoices } from "./call-media/media-choices.ts";
import { problemWords } from "./call-words.ts";
import { LevelMeter, useLevel } from "./LevelMeter.tsx";
import { StreamPicture } from "./MediaElements.tsx";
import styles from "./calls-section.module.css";

/** A meter that gets here shows a voice, and no more the room. */
const HEARD_LEVEL = 0.4;

type Check =
  | { state: "off" }
  | { state: "opening" }
  | { state: "on"; stream: MediaStream; hasPicture: boolean; problem: LocalMediaState["problem"] };

/** The check at work. */
export function DeviceCheck() {
  const [check, setCheck] = useState<Check>({ state: "off" });
  const [isHeard, setIsHeard] = useState(false);
  const media = useRef<LocalMedia>(undefined);
  /** A stop while the devices are being opened. */
  const attempt = useRef(0);
  const level = useLevel(check.state === "on" ? check.stream : undefined);
  if (level > HEARD_LEVEL && !isHeard) setIsHeard(true);

  const stop = () => {
    attempt.current += 1;
    media.current?.close();
    media.current = undefined;
    setCheck({ state: "off" });
  };
  useEffect(
    () => () => {
      attempt.current += 1;
      media.current?.close();
    },
    [],
  );
  const start = async () => {
    const mine = ++attempt.current;
    setIsHeard(false);
    setCheck({ state: "opening" });
    const show = () => {
      const opened = media.current;
      if (opened)
        setCheck({
          state: "on",
          stream: opened.stream,
          hasPicture: opened.state.camera === "on",
          problem: opened.state.problem,
        });
    };
    const opened = await openLocalMedia({
      stream: new MediaStream(),
      media: "video",
      isMicrophoneNeeded: false,
      choices: mediaChoices,
      onChange: show,
    });
    if (mine === attempt.current) {
      media.current = opened;
      show();
    } else opened.close();
  };
  return <DeviceCheckView check={check} level={level} isHeard={isHeard} onStart={() => void start()} onStop={stop} />;
}

export type DeviceCheckViewProps = {
  check: Check;
  level: number;
  isHeard: boolean;
  onStart: () => void;
  onStop: () => void;
};

/** The check from props. */
export function DeviceCheckView({ check, level, isHeard, onStart, onStop }: DeviceCheckViewProps) {
  const text = useText();
  if (check.state === "off")
    return (
      <div className={styles["check"]}>
        <p className={styles["hint"]}>{text("calls.checkHint")}</p>
        <Button onPress={onStart}>{text("calls.checkStart")}</Button>
      </div>
    );
  return (
    <div className={styles["checkOn"]}>
      {check.state === "on" && check.hasPicture ? (
        <div className={styles["mirror"]}>
          <StreamPicture stream={check.stream} label={text("calls.checkPicture")} isMirrored />
        </div>
      ) : (
        <div className={styles["mirror"]}>
          {check.state === "opening" ? <p>{text("calls.checkOpening")}</p> : <VideoOff aria-hidden="true" />}
        </div>
      )}
      <div className={styles["checkSide"]}>
        {check.state === "on" && check.problem ? (
          <p className={styles["problem"]} role="status">
            {text(problemWords(check.problem.device, check.problem.problem))}
          </p>
        ) : null}
        <p className={styles["heard"]} role="status">
          <Mic aria-hidden="true" />
          {text(isHeard ? "calls.checkHeard" : "calls.checkSpeak")}
        </p>
        <LevelMeter level={level} />
        <Button onPress={onStop}>{text("calls.checkStop")}</Button>
      </div>
    </div>
  );
}
