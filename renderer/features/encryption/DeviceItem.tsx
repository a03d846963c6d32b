/**
 * One device in the list: name, when it was seen, trust; opened, its facts and what can be done. Used by DevicesView.
 * Invariant: the closed row is one button that says whether it is open; the name is written in place, and Escape
 * takes it back.
 */
import { useState } from "react";
import type { FormEvent } from "react";
import { ChevronDown, Laptop, LogOut, MonitorSmartphone, Pencil, ShieldCheck } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { DeviceId } from "../../../preload/contract/ids.ts";
import type { DeviceRow } from "../../../preload/contract/views.ts";
import { formatActivity } from "../../text/format.ts";
import { useText } from "../../text/text.ts";
import type { Text } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/TextField.tsx";
import styles from "./devices.module.css";
import { TrustMark } from "./TrustMark.tsx";

const MAX_NAME_LENGTH = 255;

export type DeviceActions = {
  onVerify: (deviceId: DeviceId) => void;
  /** Resolves to what went wrong, in words, or to nothing. */
  onRename: (deviceId: DeviceId, displayName: string) => Promise<string | undefined>;
  onSignOut: (device: DeviceRow) => void;
};

/** The device's name, whatever its owner called it. */
export const deviceName = (t: Text, device: Pick<DeviceRow, "displayName">): string =>
  device.displayName.trim() === "" ? t("encryption.deviceUnnamed") : device.displayName;

export type DeviceItemProps = DeviceActions & { device: DeviceRow; canVerify: boolean; startsOpen?: boolean };

/** The device's row. */
export function DeviceItem({ device, canVerify, startsOpen, onVerify, onRename, onSignOut }: DeviceItemProps) {
  const t = useText();
  const [isOpen, setIsOpen] = useState(startsOpen ?? false);
  const [isRenaming, setIsRenaming] = useState(false);
  const name = deviceName(t, device);
  const detailsId = `device-${device.deviceId}`;
  const facts = [
    [t("encryption.deviceId"), device.deviceId],
    [t("encryption.deviceAddress"), device.lastSeenAddress],
    [t("encryption.deviceFingerprint"), device.fingerprint],
  ].filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== "");
  return (
    <li className={styles["device"]}>
      <AriaButton
        className={styles["row"] ?? ""}
        aria-expanded={isOpen}
        {...(isOpen ? { "aria-controls": detailsId } : {})}
        onPress={() => setIsOpen(!isOpen)}
      >
        <span className={styles["icon"]} aria-hidden="true">
          {device.isThisDevice ? <Laptop /> : <MonitorSmartphone />}
        </span>
        <span className={styles["words"]}>
          <span className={styles["name"]}>
            <bdi>{name}</bdi>
          </span>
          <span className={styles["facts"]}>
            <TrustMark trust={device.trust} />
            <span className={styles["seen"]}>{seenWords(t, device)}</span>
          </span>
        </span>
        <ChevronDown className={styles["chevron"]} />
      </AriaButton>
      {isOpen ? (
        <div className={styles["details"]} id={detailsId}>
          {isRenaming ? (
            <RenameForm
              name={device.displayName}
              onSave={(next) => onRename(device.deviceId, next)}
              onClose={() => setIsRenaming(false)}
            />
          ) : null}
          <dl className={styles["table"]}>
            {facts.map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>
                  <bdi dir="ltr">{value}</bdi>
                </dd>
              </div>
            ))}
          </dl>
          <div className={styles["actions"]}>
            {canVerify ? (
              <Button icon={<ShieldCheck />} variant="primary" onPress={() => onVerify(device.deviceId)}>
                {t("encryption.deviceVerify")}
              </Button>
            ) : null}
            {isRenaming ? null : (
              <Button icon={<Pencil />} onPress={() => setIsRenaming(true)}>
                {t("encryption.deviceRename")}
              </Button>
            )}
            {device.isThisDevice ? null : (
              <Button icon={<LogOut />} onPress={() => onSignOut(device)}>
                {t("encryption.deviceSignOut")}
              </Button>
            )}
          </div>
        </div>
      ) : null}
    </li>
  );
}

function seenWords(t: Text, device: DeviceRow): string {
  if (device.isThisDevice) return t("encryption.deviceHere");
  const when = device.lastSeenTs === undefined ? "" : formatActivity(device.lastSeenTs);
  return when === "" ? t("encryption.deviceNeverSeen") : t("encryption.deviceLastSeen", { when });
}

function RenameForm(props: {
  name: string;
  onSave: (name: string) => Promise<string | undefined>;
  onClose: () => void;
}) {
  const t = useText();
  const [name, setName] = useState(props.name);
  const [isSaving, setIsSaving] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isSaving) return;
    setIsSaving(true);
    const wrong = await props.onSave(name.trim());
    setIsSaving(false);
    setProblem(wrong);
    if (wrong === undefined) props.onClose();
  };
  return (
    <form
      className={styles["rename"]}
      onSubmit={(event) => void submit(event)}
      noValidate
      // Escape belongs to the field here, not to the window of the settings.
      onKeyDownCapture={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        props.onClose();
      }}
    >
      <TextField
        autoFocus
        label={t("encryption.deviceRenameLabel")}
        value={name}
        onChange={(next) => {
          setName(next);
          setProblem(undefined);
        }}
        maxLength={MAX_NAME_LENGTH}
        error={problem}
      />
      <div className={styles["renameActions"]}>
        <Button type="submit" variant="primary" isPending={isSaving}>
          {t("encryption.deviceRenameSave")}
        </Button>
        <Button onPress={props.onClose}>{t("encryption.deviceRenameCancel")}</Button>
      </div>
    </form>
  );
}
