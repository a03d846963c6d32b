/**
 * Whether a person is who he seems to be: his identity, what to do about it, and his devices. `UserTrustPanel`
 * connects, `UserTrustView` draws. Composed by renderer/app into the panel about a direct room and into the dialog
 * about a member. spec: e2ee, "Cross-signing".
 * Invariants: a changed identity is told before anything else; taking it as it is gives up the old verification only
 * by the user's own press.
 */
import { useState } from "react";
import { ChevronDown, Shield, ShieldAlert, ShieldCheck, ShieldOff } from "lucide-react";
import { Button as AriaButton } from "react-aria-components/Button";
import type { AccountId, UserId } from "../../../preload/contract/ids.ts";
import type { UserTrust } from "../../../preload/contract/views.ts";
import { useCommand } from "../../engine-client/use-command.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { Skeleton } from "../../ui/Skeleton.tsx";
import { deviceName } from "./DeviceItem.tsx";
import styles from "./devices.module.css";
import { Problem } from "./parts.tsx";
import { TrustMark } from "./TrustMark.tsx";

/** The panel at work. */
export function UserTrustPanel({ accountId, userId }: { accountId: AccountId; userId: UserId }) {
  const t = useText();
  const trust = useTopicItem("userTrust", { accountId, userId });
  const request = useCommand("verifications.request");
  const acknowledge = useCommand("trust.acknowledge");
  if (trust === undefined) {
    return (
      <div className={styles["person"]} aria-busy="true" role="group" aria-label={t("encryption.personLoading")}>
        <Skeleton shape="block" />
      </div>
    );
  }
  const error = request.error ?? acknowledge.error;
  return (
    <UserTrustView
      trust={trust}
      isRunning={request.isRunning || acknowledge.isRunning}
      problem={error && errorText(t, error)}
      onVerify={() => void request.run({ accountId, userId })}
      onAcknowledge={() => void acknowledge.run({ accountId, userId })}
    />
  );
}

export type UserTrustViewProps = {
  trust: UserTrust;
  isRunning: boolean;
  problem: string | undefined;
  onVerify: () => void;
  onAcknowledge: () => void;
  startsOpen?: boolean;
};

const states = {
  verified: { icon: ShieldCheck, tone: "positive", title: "encryption.personVerified" },
  unverified: { icon: Shield, tone: "neutral", title: "encryption.personUnverified" },
  none: { icon: ShieldOff, tone: "neutral", title: "encryption.personNone" },
  changed: { icon: ShieldAlert, tone: "caution", title: "encryption.personChanged" },
} as const;

/** The panel from props. */
export function UserTrustView({ trust, isRunning, problem, onVerify, onAcknowledge, startsOpen }: UserTrustViewProps) {
  const t = useText();
  const [isOpen, setIsOpen] = useState(startsOpen ?? false);
  const { identity, wasVerified, person, devices } = trust;
  const name = person.displayName;
  const { icon: Icon, tone, title } = states[identity];
  const hint = {
    verified: t("encryption.personVerifiedHint", { name }),
    unverified: t("encryption.personUnverifiedHint", { name }),
    none: t("encryption.personNoneHint", { name }),
    changed: t(wasVerified ? "encryption.personChangedVerified" : "encryption.personChangedHint", { name }),
  }[identity];
  return (
    <div className={styles["person"]}>
      <div className={styles["personCard"]} data-tone={tone} role={identity === "changed" ? "alert" : undefined}>
        <p className={styles["personHead"]}>
          <Icon />
          {t(title)}
        </p>
        <p className={styles["personHint"]}>{hint}</p>
        {problem === undefined ? null : <Problem>{problem}</Problem>}
        {identity === "unverified" || identity === "changed" ? (
          <div className={styles["personActions"]}>
            <Button variant={identity === "changed" ? "primary" : "plain"} isPending={isRunning} onPress={onVerify}>
              {identity === "changed" && wasVerified
                ? t("encryption.personVerifyAgain")
                : t("encryption.personVerify", { name })}
            </Button>
            {identity === "changed" ? (
              <Button isDisabled={isRunning} onPress={onAcknowledge}>
                {t(wasVerified ? "encryption.personAcceptUnverified" : "encryption.personAccept")}
              </Button>
            ) : null}
          </div>
        ) : null}
      </div>
      {devices.length === 0 ? null : (
        <>
          <AriaButton className={styles["fold"] ?? ""} aria-expanded={isOpen} onPress={() => setIsOpen(!isOpen)}>
            {t("encryption.personDevices", { count: devices.length })}
            <ChevronDown className={styles["chevron"]} />
          </AriaButton>
          {isOpen ? (
            <ul className={styles["personDevices"]}>
              {devices.map((device) => (
                <li key={device.deviceId} className={styles["personDevice"]}>
                  <span className={styles["name"]}>
                    <bdi>{deviceName(t, device)}</bdi>
                  </span>
                  <TrustMark trust={device.trust} />
                  <span className={styles["print"]}>
                    <bdi dir="ltr">{device.fingerprint ?? device.deviceId}</bdi>
                  </span>
                </li>
              ))}
            </ul>
          ) : null}
        </>
      )}
    </div>
  );
}
