/**
 * The account's devices: where it is signed in, how far each is trusted, and what can be done about it.
 * `DevicesSection` connects, `DevicesView` draws from props. Shown by renderer/app as a section of the settings.
 * Invariants: this device comes first and is never signed out from here; a name that is being written stays open
 * when the server refuses it.
 */
import { useState } from "react";
import type { DeviceId } from "../../../preload/contract/ids.ts";
import type { AccountRow, DeviceRow } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopic, useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { Skeleton } from "../../ui/Skeleton.tsx";
import { ConfirmDeviceDialog } from "./ConfirmDeviceDialog.tsx";
import { DeviceItem } from "./DeviceItem.tsx";
import type { DeviceActions } from "./DeviceItem.tsx";
import styles from "./devices.module.css";
import { Problem } from "./parts.tsx";
import { SignOutDevicesDialog } from "./SignOutDevicesDialog.tsx";

/** The section at work. */
export function DevicesSection({ account }: { account: AccountRow }) {
  const t = useText();
  const { accountId, userId } = account;
  const devices = useTopic("devices", { accountId });
  const encryption = useTopicItem("encryption", { accountId });
  const request = useCommand("verifications.request");
  const rename = useCommand("devices.rename");
  const [signingOut, setSigningOut] = useState<readonly DeviceRow[]>();
  const [isConfirming, setIsConfirming] = useState(false);
  return (
    <>
      <DevicesView
        content={
          devices.status === "lost"
            ? { status: "lost", message: errorText(t, devices.error) }
            : devices.status === "loading"
              ? devices
              : { status: "ready", devices: devices.items }
        }
        isConfirmed={encryption?.isDeviceVerified ?? false}
        needsConfirming={encryption?.state === "ready" && encryption.nextStep === "verify"}
        problem={request.error && errorText(t, request.error)}
        onConfirmDevice={() => setIsConfirming(true)}
        onVerify={(deviceId) => void request.run({ accountId, userId, deviceId })}
        onRename={async (deviceId, displayName) => {
          const result = await rename.run({ accountId, deviceId, displayName });
          return result.ok ? undefined : errorText(t, result.error);
        }}
        onSignOut={setSigningOut}
      />
      {isConfirming ? <ConfirmDeviceDialog account={account} onClose={() => setIsConfirming(false)} /> : null}
      {signingOut === undefined ? null : (
        <SignOutDevicesDialog account={account} devices={signingOut} onClose={() => setSigningOut(undefined)} />
      )}
    </>
  );
}

export type DevicesContent =
  | { status: "loading" }
  | { status: "lost"; message: string }
  | { status: "ready"; devices: readonly DeviceRow[] };

export type DevicesViewProps = Pick<DeviceActions, "onVerify" | "onRename"> & {
  content: DevicesContent;
  /** This device is confirmed, so that it can confirm others. */
  isConfirmed: boolean;
  needsConfirming: boolean;
  problem: string | undefined;
  onConfirmDevice: () => void;
  onSignOut: (devices: readonly DeviceRow[]) => void;
  /** Shown open from the start; for the gallery. */
  openDeviceId?: DeviceId;
};

/** The list from props. */
export function DevicesView(props: DevicesViewProps) {
  const t = useText();
  const { content, isConfirmed, onSignOut } = props;
  if (content.status === "loading") {
    return (
      <div className={styles["devices"]} aria-busy="true" role="group" aria-label={t("encryption.devicesLoading")}>
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} shape="block" />
        ))}
      </div>
    );
  }
  if (content.status === "lost") {
    return (
      <Problem>
        {t("encryption.devicesLost")} {content.message}
      </Problem>
    );
  }
  const own = content.devices.filter(({ isThisDevice }) => isThisDevice);
  const others = content.devices.filter(({ isThisDevice }) => !isThisDevice);
  const item = (device: DeviceRow) => (
    <DeviceItem
      key={device.key}
      device={device}
      canVerify={isConfirmed && device.trust === "unsigned" && !device.isThisDevice}
      startsOpen={device.deviceId === props.openDeviceId}
      onVerify={props.onVerify}
      onRename={props.onRename}
      onSignOut={(deviceRow) => onSignOut([deviceRow])}
    />
  );
  return (
    <div className={styles["devices"]}>
      {props.needsConfirming ? (
        <div className={styles["note"]}>
          <Banner
            tone="caution"
            actions={
              <Button size="small" variant="quiet" onPress={props.onConfirmDevice}>
                {t("encryption.bannerVerifyAction")}
              </Button>
            }
          >
            {t("encryption.devicesConfirmFirst")}
          </Banner>
        </div>
      ) : null}
      {props.problem === undefined ? null : <Problem>{props.problem}</Problem>}
      <section className={styles["group"]} aria-label={t("encryption.devicesThis")}>
        <h3 className={styles["groupTitle"]}>{t("encryption.devicesThis")}</h3>
        <ul className={styles["list"]}>{own.map(item)}</ul>
      </section>
      <section className={styles["group"]} aria-label={t("encryption.devicesOthers")}>
        <h3 className={styles["groupTitle"]}>
          {t("encryption.devicesOthers")}
          {others.length === 0 ? null : <span className={styles["count"]}>{others.length}</span>}
        </h3>
        {others.length === 0 ? (
          <p className={styles["none"]}>{t("encryption.devicesNoOthers")}</p>
        ) : (
          <ul className={styles["list"]}>{others.map(item)}</ul>
        )}
        {others.length > 1 ? (
          <Button className={styles["all"]} onPress={() => onSignOut(others)}>
            {t("encryption.devicesSignOutAll")}
          </Button>
        ) : null}
      </section>
    </div>
  );
}
