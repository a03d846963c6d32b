/**
 * How an account's encryption looks where nothing is wrong with it: what others spread and change. Used by the gallery
 * and by tests. Invariant: no problem, no news and nothing to do follows from it.
 */
import type { EncryptionView } from "../../../preload/contract/views.ts";

const safe = { isHere: true, isStored: true };

/** Everything is set up, verified and backed up. */
export const HEALTHY: EncryptionView = {
  key: "encryption",
  state: "ready",
  nextStep: "none",
  isDeviceVerified: true,
  canVerifyWithDevice: true,
  hasRecovery: true,
  hasPassphrase: false,
  secrets: { masterKey: safe, selfSigningKey: safe, userSigningKey: safe, backupKey: safe },
  backup: { state: "active", version: "4", keyCount: 10, backedUpCount: 10 },
  hasIdentityChanged: false,
  sendsToSignedDevicesOnly: true,
  undecryptableCount: 0,
  fingerprint: "Lk3q r8Vd 1Zx0 pTQw mN7c Jb4H sYe6 fGu2 aRoK iWvB 9tM",
};
