/**
 * What is not in order with an account's encryption, the most pressing first, each with the one thing that mends it.
 * Used by HealthView and the banner. Invariants: pure; every problem has exactly one fix; where one fix mends
 * several problems (confirming the device), only that one is named; starting over is never a fix of something that
 * another fix could mend.
 */
import type { EncryptionView } from "../../../preload/contract/views.ts";

/** What a button on the health page does. */
export type HealthFix =
  | "look-at-identity"
  | "set-up"
  | "confirm-device"
  | "enter-recovery"
  | "replace-backup"
  | "start-over"
  /** Nothing to press: the message says what to do. */
  | "wait";

type ProblemName =
  | "IdentityChanged"
  | "Create"
  | "Verify"
  | "BackupNone"
  | "BackupLocked"
  | "BackupUntrusted"
  | "SecretsNotHere"
  | "SecretsNotStored"
  | "SecretsLost";

export type HealthProblem =
  | { name: "NotReady"; fix: "wait"; tone: "critical" }
  | { name: ProblemName; fix: Exclude<HealthFix, "wait">; tone: "critical" | "caution" };

/** The problems of this moment; none where all is in order. */
export function healthProblems(view: EncryptionView): HealthProblem[] {
  if (view.state === "opening") return [];
  if (view.state !== "ready") return [{ name: "NotReady", fix: "wait", tone: "critical" }];
  const problems: HealthProblem[] = [];
  if (view.hasIdentityChanged) problems.push({ name: "IdentityChanged", fix: "look-at-identity", tone: "critical" });
  if (view.nextStep === "create" || view.nextStep === "recovery") {
    // Recovery brings the backup and stores every secret.
    return [...problems, { name: "Create", fix: "set-up", tone: "caution" }];
  }
  if (view.nextStep === "verify" || !view.isDeviceVerified) {
    // Confirming brings the secrets, and with them the backup.
    return [...problems, { name: "Verify", fix: "confirm-device", tone: "caution" }];
  }
  const { backupKey, ...identity } = view.secrets;
  const parts = Object.values(identity);
  if (parts.some(({ isHere, isStored }) => !isHere && !isStored)) {
    problems.push({ name: "SecretsLost", fix: "start-over", tone: "critical" });
  } else if (parts.some(({ isHere }) => !isHere)) {
    problems.push({ name: "SecretsNotHere", fix: "enter-recovery", tone: "caution" });
  } else if (parts.some(({ isStored }) => !isStored)) {
    problems.push({ name: "SecretsNotStored", fix: "set-up", tone: "caution" });
  }
  switch (view.backup.state) {
    case "none":
      problems.push({ name: "BackupNone", fix: "replace-backup", tone: "caution" });
      break;
    case "untrusted":
      problems.push({ name: "BackupUntrusted", fix: "replace-backup", tone: "critical" });
      break;
    case "key-missing":
      problems.push(
        backupKey.isStored && view.hasRecovery
          ? { name: "BackupLocked", fix: "enter-recovery", tone: "caution" }
          : { name: "BackupLocked", fix: "replace-backup", tone: "caution" },
      );
      break;
    case "unknown":
    case "active":
      break;
  }
  const pressing = problems.toSorted((a, b) => Number(b.tone === "critical") - Number(a.tone === "critical"));
  // The same press twice would be one press too many.
  return pressing.filter(({ fix }, index) => pressing.findIndex((other) => other.fix === fix) === index);
}

/** Done and total, fit for a progress bar whatever the engine says. */
export function progressOf(done: number, total: number): { done: number; total: number; isComplete: boolean } {
  const safeTotal = Number.isFinite(total) ? Math.max(0, total) : 0;
  const safeDone = Number.isFinite(done) ? Math.min(Math.max(0, done), safeTotal) : 0;
  return { done: safeDone, total: safeTotal, isComplete: safeDone >= safeTotal };
}

const countFormat = new Intl.NumberFormat();

/** Done and total as the user writes numbers. */
export const counted = ({ done, total }: { done: number; total: number }): { done: string; total: string } => ({
  done: countFormat.format(done),
  total: countFormat.format(total),
});
