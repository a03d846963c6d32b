/**
 * A request to verify, before anything is agreed: who asks, and two answers. Used by VerificationHost.
 * Invariant: it takes no focus and covers nothing for good; it stays in reach over dialogs.
 */
import { useId } from "react";
import { MonitorSmartphone } from "lucide-react";
import type { VerificationView } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button } from "../../ui/Button.tsx";
import { Problem, Sign } from "./parts.tsx";
import styles from "./verification.module.css";

export type VerificationCardProps = {
  view: VerificationView;
  avatarSrc: string | undefined;
  isRunning: boolean;
  problem: string | undefined;
  onAccept: () => void;
  onNotNow: () => void;
};

/** The card of one request. */
export function VerificationCard({ view, avatarSrc, isRunning, problem, onAccept, onNotNow }: VerificationCardProps) {
  const t = useText();
  const titleId = useId();
  const { displayName: name, userId } = view.other;
  const device = view.otherDeviceName ?? view.otherDeviceId;
  return (
    <section className={styles["card"]} aria-labelledby={titleId}>
      <div className={styles["cardHead"]}>
        {view.isSelf ? (
          <Sign icon={<MonitorSmartphone />} />
        ) : (
          <Avatar name={name} id={userId} src={avatarSrc} sizePx={44} />
        )}
        <div className={styles["cardWords"]} role="alert">
          <p className={styles["cardTitle"]} id={titleId}>
            {view.isSelf ? t("encryption.requestFromDevice") : t("encryption.requestFromPerson", { name })}
          </p>
          <p className={styles["cardHint"]}>
            {view.isSelf
              ? device === undefined
                ? t("encryption.requestFromDeviceHintNoName")
                : t("encryption.requestFromDeviceHint", { device })
              : t("encryption.requestFromPersonHint")}
          </p>
        </div>
      </div>
      {problem === undefined ? null : <Problem>{problem}</Problem>}
      <div className={styles["answers"]}>
        <Button isFullWidth onPress={onNotNow}>
          {t("encryption.notNow")}
        </Button>
        <Button variant="primary" isFullWidth isPending={isRunning} onPress={onAccept}>
          {t("encryption.requestAccept")}
        </Button>
      </div>
    </section>
  );
}
