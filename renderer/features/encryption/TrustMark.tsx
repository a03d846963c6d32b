/**
 * How far a device can be trusted: a sign and its words. Used in the lists of own and of others' devices.
 * Invariant: never by colour alone; what the user confirmed himself is told apart from what its owner did.
 */
import { ShieldAlert, ShieldCheck, ShieldOff } from "lucide-react";
import type { DeviceRow } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { cx } from "../../ui/cx.ts";
import styles from "./devices.module.css";

export type DeviceTrust = DeviceRow["trust"];

const signs = {
  verified: { icon: ShieldCheck, words: "encryption.trustVerified", tone: "positive" },
  signed: { icon: ShieldCheck, words: "encryption.trustSigned", tone: "quiet" },
  unsigned: { icon: ShieldAlert, words: "encryption.trustUnsigned", tone: "caution" },
  "no-encryption": { icon: ShieldOff, words: "encryption.trustNoEncryption", tone: "quiet" },
} as const;

/** Sign and words for a device's trust. */
export function TrustMark({ trust }: { trust: DeviceTrust }) {
  const t = useText();
  const { icon: Icon, words, tone } = signs[trust];
  return (
    <span className={cx(styles["trust"], styles[tone])}>
      <Icon />
      {t(words)}
    </span>
  );
}
