/**
 * The settings of calls: the check, devices, privacy, ringing. `CallsSection` connects, `CallSettingsView` draws the
 * part that the engine keeps. Shown by renderer/app as a section of the settings.
 * Invariant: a switch stands where the engine says, not where it was pressed; what could not be saved is told.
 */
import type { ReactNode } from "react";
import type { AccountId } from "../../../preload/contract/ids.ts";
import type { CallSettings } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Switch } from "../../ui/Switch.tsx";
import { DeviceCheck } from "./DeviceCheck.tsx";
import { DeviceChoices } from "./DeviceChoices.tsx";
import styles from "./calls-section.module.css";

/** The section at work. */
export function CallsSection({ accountId }: { accountId: AccountId }) {
  const text = useText();
  const settings = useTopicItem("callSettings", { accountId });
  const setSettings = useCommand("calls.setSettings");
  return (
    <div className={styles["section"]}>
      <Part title={text("calls.check")}>
        <DeviceCheck accountId={accountId} />
      </Part>
      <Part title={text("calls.devices")}>
        <DeviceChoices />
      </Part>
      <CallSettingsView
        settings={settings}
        problem={setSettings.error && errorText(text, setSettings.error)}
        onChange={(patch) => void setSettings.run({ accountId, settings: patch })}
      />
    </div>
  );
}

export type CallSettingsViewProps = {
  /** Undefined until they are known. */
  settings: CallSettings | undefined;
  problem: string | undefined;
  onChange: (patch: Partial<Omit<CallSettings, "key">>) => void;
};

/** Privacy and ringing from props. */
export function CallSettingsView({ settings, problem, onChange }: CallSettingsViewProps) {
  const text = useText();
  const isUnknown = settings === undefined;
  return (
    <>
      <Part title={text("calls.settingsPrivacy")}>
        <Switch
          label={text("calls.relayOnly")}
          description={text("calls.relayOnlyHint")}
          isSelected={settings?.isRelayOnly ?? false}
          isDisabled={isUnknown}
          onChange={(isRelayOnly) => onChange({ isRelayOnly })}
        />
        <Switch
          label={text("calls.publicStun")}
          description={text("calls.publicStunHint")}
          isSelected={settings?.publicStun === "allowed" && !settings.isRelayOnly}
          isDisabled={isUnknown || settings.isRelayOnly}
          onChange={(isAllowed) => onChange({ publicStun: isAllowed ? "allowed" : "refused" })}
        />
      </Part>
      <Part title={text("calls.settingsRinging")}>
        <Switch
          label={text("calls.ringsInRooms")}
          description={text("calls.ringsInRoomsHint")}
          isSelected={settings?.ringsInRooms ?? false}
          isDisabled={isUnknown}
          onChange={(ringsInRooms) => onChange({ ringsInRooms })}
        />
      </Part>
      {problem === undefined ? null : (
        <p className={styles["problem"]} role="alert">
          {text("calls.settingsFailed", { message: problem })}
        </p>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles["part"]}>
      <h3 className={styles["partTitle"]}>{title}</h3>
      {children}
    </section>
  );
}
