/**
 * What signing out would cost, as the question before it says. Subject: signOutLoss in
 * renderer/features/settings/SignOutDialog.tsx. Promise under test: nobody loses messages without having been told.
 */
import { expect, test } from "vitest";
import type { EncryptionView } from "../../preload/contract/views.ts";
import { signOutLoss } from "../../renderer/features/settings/SignOutDialog.tsx";

const view = (hasRecovery: boolean, keyCount: number, backedUpCount: number) =>
  ({ hasRecovery, backup: { keyCount, backedUpCount } }) as EncryptionView;

test.each([
  ["nothing is known", undefined, { kind: "none" }],
  ["nothing encrypted was ever read", view(false, 0, 0), { kind: "none" }],
  ["there is no recovery", view(false, 12, 12), { kind: "no-recovery" }],
  ["the backup is behind", view(true, 12, 10), { kind: "unsaved", count: 2 }],
  ["all is backed up", view(true, 12, 12), { kind: "none" }],
  ["the server has more than we", view(true, 12, 900), { kind: "none" }],
] as const)("where %s", (_name, encryption, expected) => {
  expect(signOutLoss(encryption)).toEqual(expected);
});
