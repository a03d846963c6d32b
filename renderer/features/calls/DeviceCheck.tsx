/**
 * The check before a call: our picture as others will see it, whether we are heard, and whether a relay answers.
 * `DeviceCheck` opens the devices and asks the relay while it is on, `DeviceCheckView` draws from props. Shown in the
 * settings of calls.
 * Invariants: nothing is opened or asked before the user asks; both devices and the connection to the relay are closed
 * when the check or the settings are.
 */
import { useEffect, useRef, useState } from "react";
import { Mic, VideoOff, Waypoints } from "lucide-react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import { useEngineClient } from "../../engine-client/EngineProvider.tsx";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { openLocalMedia } from "./call-media/local-media.ts";
import type { LocalMedia, LocalMediaState } from "./call-media/local-media.ts";
import { mediaChoices } from "./call-media/media-choices.ts";
import { checkRelay } from "./call-media/relay-check.ts";
import type { RelayAnswer } from "./call-media/relay-check.ts";
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

/** What is known of the relay: `unasked` where the homeserver could not be asked for one. */
export type RelayState = "checking" | "unasked" | RelayAnswer;

const RELAY_WORDS = {
  checking: "calls.relayChecking",
  unasked: "calls.relayUnasked",
  reachable: "calls.relayReachable",
  none: "calls.relayNone",
  silent: "calls.relaySilent",
  refused: "calls.relayRefused",
  unusable: "calls.relayUnusable",
} as const satisfies Record<RelayState, string>;

/** The relay as a call would find it now. Undefined when the signal aborts first. */
async function findRelay(
  client: EngineClient,
  accountId: AccountId,
  signal: AbortSignal,
): Promise<RelayState | undefined> {
  try {
    const { iceServers, isAnswered } = await client.call("calls.iceServers", { accountId });
    return isAnswered ? await checkRelay({ iceServers, signal }) : "unasked";
  } catch {
    return "unasked";
  }
}

/** The check at work. */
export function DeviceCheck({ accountId }: { accountId: AccountId }) {
  const client = useEngineClient();
  const [check, setCheck] = useState<Check>({ state: "off" });
  const [isHeard, setIsHeard] = useState(false);
  const [relay, setRelay] = useState<RelayState>("checking");
  const media = useRef<LocalMedia>(undefined);
  /** Aborted by a stop, also while the devices are still being opened. */
  const running = useRef<AbortController>(undefined);
  const level = useLevel(check.state === "on" ? check.stream : undefined);
  if (level > HEARD_LEVEL && !isHeard) setIsHeard(true);

  const stop = () => {
    running.current?.abort();
    media.current?.close();
    media.current = undefined;
    setCheck({ state: "off" });
  };
  useEffect(
    () => () => {
      running.current?.abort();
      media.current?.close();
    },
    [],
  );
  const start = async () => {
    const { signal } = (running.current = new AbortController());
    setIsHeard(false);
    setRelay("checking");
    void findRelay(client, accountId, signal).then((found) => {
      if (found !== undefined && !signal.aborted) setRelay(found);
    });
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
    if (signal.aborted) opened.close();
    else {
      media.current = opened;
      show();
    }
  };
  return (
    <DeviceCheckView
      check={check}
      relay={relay}
      level={level}
      isHeard={isHeard}
      onStart={() => void start()}
      onStop={stop}
    />
  );
}

export type DeviceCheckViewProps = {
  check: Check;
  relay: RelayState;
  level: number;
  isHeard: boolean;
  onStart: () => void;
  onStop: () => void;
};

/** The check from props. */
export function DeviceCheckView({ check, relay, level, isHeard, onStart, onStop }: DeviceCheckViewProps) {
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
        <p className={styles["heard"]} role="status">
          <Waypoints aria-hidden="true" />
          {text(RELAY_WORDS[relay])}
        </p>
        <Button onPress={onStop}>{text("calls.checkStop")}</Button>
      </div>
    </div>
  );
}
