/**
 * The dialog for what comes next with an account's encryption: recovery for a new account, confirming the device
 * for a known one. Opened by renderer/app: once by itself after sign-in, later from the banner.
 * Invariant: what it began with it ends with, also when the engine's next step changes under it.
 */
import { useEffect, useEffectEvent, useState } from "react";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";
import { ConfirmDeviceDialog } from "./ConfirmDeviceDialog.tsx";
import { RecoveryDialog } from "./RecoveryDialog.tsx";

export type SetUpDialogProps = { account: AccountRow; onClose: () => void };

/** The next step as a dialog; where there is none, it closes at once. */
export function SetUpDialog({ account, onClose }: SetUpDialogProps) {
  const view = useTopicItem("encryption", { accountId: account.accountId });
  const [begun, setBegun] = useState(view?.nextStep);
  const step = begun ?? view?.nextStep;
  if (begun === undefined && step !== undefined) setBegun(step);
  const closeNow = useEffectEvent(onClose);
  useEffect(() => {
    if (step === "none") closeNow();
  }, [step]);
  if (step === "verify") return <ConfirmDeviceDialog account={account} onClose={onClose} />;
  if (step === "create" || step === "recovery") {
    return <RecoveryDialog account={account} mode={step} onClose={onClose} />;
  }
  return null;
}
