/**
 * Which microphone, camera and speakers calls use, and how the microphone's sound is treated. The same in the panel of
 * a running call and in the settings; `DeviceChoices` connects, `DeviceChoicesView` draws from props.
 * Invariants: a choice holds at once, in a running call too; a chosen device that is not there is told in words.
 */
import { useId, useState } from "react";
import type { ReactNode } from "react";
import { Bell, Volume2 } from "lucide-react";
import { useText } from "../../text/text.ts";
import { IconButton } from "../../ui/IconButton.tsx";
import { Switch } from "../../ui/Switch.tsx";
import type { DeviceLists, MediaDevice } from "./call-media/media-devices.ts";
import { playTestTone } from "./call-media/media-devices.ts";
import { mediaChoices } from "./call-media/media-choices.ts";
import type { MediaChoices } from "./call-media/media-choices.ts";
import { LevelMeter, useLevel } from "./LevelMeter.tsx";
import { startRinging } from "./ring-sound.ts";
import { isDeviceLost, useDevices, useMediaChoices } from "./use-devices.ts";
import styles from "./call-panel.module.css";

const NO_DEVICES: DeviceLists = { microphones: [], cameras: [], speakers: [] };
const RING_MS = 1_600;

/** The choice at work; with a stream of our microphone its level is shown. */
export function DeviceChoices({ stream }: { stream?: MediaStream | undefined }) {
  const choices = useMediaChoices();
  const devices = useDevices() ?? NO_DEVICES;
  const level = useLevel(stream);
  const [hasToneFailed, setHasToneFailed] = useState(false);
  const play = (speakerId: string | undefined) => {
    setHasToneFailed(false);
    playTestTone(speakerId).catch(() => setHasToneFailed(true));
  };
  return (
    <DeviceChoicesView
      devices={devices}
      choices={choices}
      level={stream ? level : undefined}
      hasToneFailed={hasToneFailed}
      onChange={(patch) => mediaChoices.set(patch)}
      onTone={() => play(choices.speakerId)}
      onRing={() => void setTimeout(startRinging(choices.ringId), RING_MS)}
    />
  );
}

export type DeviceChoicesViewProps = {
  devices: DeviceLists;
  choices: MediaChoices;
  /** How loud our microphone is; without it no level is shown. */
  level?: number | undefined;
  hasToneFailed: boolean;
  onChange: (patch: Partial<MediaChoices>) => void;
  onTone: () => void;
  onRing: () => void;
};

/** The choice from props. */
export function DeviceChoicesView({
  devices,
  choices,
  level,
  hasToneFailed,
  onChange,
  onTone,
  onRing,
}: DeviceChoicesViewProps) {
  const text = useText();
  return (
    <div className={styles["devices"]}>
      <DeviceSelect
        label={text("calls.microphone")}
        devices={devices.microphones}
        chosen={choices.microphoneId}
        onChoose={(microphoneId) => onChange({ microphoneId })}
      >
        {level === undefined ? null : <LevelMeter level={level} />}
      </DeviceSelect>
      <DeviceSelect
        label={text("calls.cameraDevice")}
        devices={devices.cameras}
        chosen={choices.cameraId}
        onChoose={(cameraId) => onChange({ cameraId })}
      />
      <DeviceSelect
        label={text("calls.speaker")}
        devices={devices.speakers}
        chosen={choices.speakerId}
        onChoose={(speakerId) => onChange({ speakerId })}
        action={<IconButton icon={<Volume2 />} label={text("calls.testTone")} onPress={onTone} />}
      >
        {hasToneFailed ? (
          <p className={styles["lost"]} role="status">
            {text("calls.toneFailed")}
          </p>
        ) : null}
      </DeviceSelect>
      <DeviceSelect
        label={text("calls.ringDevice")}
        devices={devices.speakers}
        chosen={choices.ringId}
        onChoose={(ringId) => onChange({ ringId })}
        action={<IconButton icon={<Bell />} label={text("calls.testRing")} onPress={onRing} />}
      />
      <Switch
        label={text("calls.echoCancellation")}
        description={text("calls.echoCancellationHint")}
        isSelected={choices.echoCancellation}
        onChange={(echoCancellation) => onChange({ echoCancellation })}
      />
      <Switch
        label={text("calls.noiseSuppression")}
        description={text("calls.noiseSuppressionHint")}
        isSelected={choices.noiseSuppression}
        onChange={(noiseSuppression) => onChange({ noiseSuppression })}
      />
      <Switch
        label={text("calls.autoGainControl")}
        description={text("calls.autoGainControlHint")}
        isSelected={choices.autoGainControl}
        onChange={(autoGainControl) => onChange({ autoGainControl })}
      />
    </div>
  );
}

function DeviceSelect({
  label,
  devices,
  chosen,
  onChoose,
  action,
  children,
}: {
  label: string;
  devices: readonly MediaDevice[];
  chosen: string | undefined;
  onChoose: (deviceId: string | undefined) => void;
  action?: ReactNode;
  children?: ReactNode;
}) {
  const text = useText();
  const id = useId();
  const isLost = isDeviceLost(chosen, devices);
  const isListed = chosen === undefined || devices.some(({ deviceId }) => deviceId === chosen);
  return (
    <div className={styles["device"]}>
      <label className={styles["choiceLabel"]} htmlFor={id}>
        {label}
      </label>
      <div className={styles["deviceLine"]}>
        <select
          id={id}
          className={styles["select"]}
          value={chosen ?? ""}
          aria-describedby={isLost ? `${id}-lost` : undefined}
          onChange={(event) => onChoose(event.target.value === "" ? undefined : event.target.value)}
        >
          <option value="">{text("calls.systemDefault")}</option>
          {devices.map(({ deviceId, label: name }, index) => (
            <option key={deviceId} value={deviceId}>
              {name === "" ? text("calls.unnamedDevice", { number: index + 1 }) : name}
            </option>
          ))}
          {isListed ? null : <option value={chosen}>{text("calls.deviceAway")}</option>}
        </select>
        {action}
      </div>
      {isLost ? (
        <p id={`${id}-lost`} className={styles["lost"]} role="status">
          {text("calls.deviceLost")}
        </p>
      ) : null}
      {children}
    </div>
  );
}
