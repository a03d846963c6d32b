/**
 * The settings and their own sections in each state, from canned props. Shown by renderer/app's gallery.
 * Invariant: no engine is needed.
 */
import { useState } from "react";
import type { ReactNode } from "react";
import { LockKeyhole, MonitorSmartphone, UserRound } from "lucide-react";
import type { AccountId, DeviceId, UserId } from "../../../preload/contract/ids.ts";
import type { AccountRow } from "../../../preload/contract/views.ts";
import { AccountView } from "./AccountSection.tsx";
import { SettingsDialog } from "./SettingsDialog.tsx";
import { SignOutView } from "./SignOutDialog.tsx";
import type { SignOutLoss } from "./SignOutDialog.tsx";

const nothing = () => {};
const account: AccountRow = {
  key: "a".repeat(16) as AccountId,
  accountId: "a".repeat(16) as AccountId,
  userId: "@alice:example.org" as UserId,
  deviceId: "KQZXWVUTSR" as DeviceId,
  homeserverUrl: "https://matrix.example.org",
  displayName: "Alice Reyes",
  state: "signed-in",
};

type SectionId = "account" | "devices" | "encryption";

/** The window with a section's content in place; also for the gallery of the sections of other features. */
export function CannedSettings({ startsAt, content }: { startsAt: SectionId; content: ReactNode }) {
  const [selected, setSelected] = useState<SectionId>(startsAt);
  return (
    <SettingsDialog<SectionId>
      sections={[
        { id: "account", label: "Account", icon: <UserRound />, render: () => content },
        { id: "devices", label: "Devices", icon: <MonitorSmartphone />, render: () => content },
        { id: "encryption", label: "Encryption", icon: <LockKeyhole />, render: () => content },
      ]}
      selected={selected}
      onSelect={setSelected}
      onClose={nothing}
    />
  );
}

const accountView = (parts: { displayName?: string; problem?: string; isSaving?: boolean }) => (
  <CannedSettings
    startsAt="account"
    content={
      <AccountView
        account={{ ...account, ...(parts.displayName === undefined ? {} : { displayName: parts.displayName }) }}
        avatarSrc={undefined}
        isSaving={parts.isSaving ?? false}
        problem={parts.problem}
        onSaveName={() => Promise.resolve(true)}
        onEdited={nothing}
        onSignOut={nothing}
      />
    }
  />
);

const signOut = (loss: SignOutLoss, problem?: string) => (
  <SignOutView
    userId={account.userId}
    loss={loss}
    isRunning={false}
    problem={problem}
    onSetUpRecovery={nothing}
    onSignOut={nothing}
    onClose={nothing}
  />
);

/** Settings views for the gallery. */
export const settingsGallery: readonly { name: string; render: () => ReactNode }[] = [
  { name: "settings: account", render: () => accountView({}) },
  {
    name: "settings: account, name refused",
    render: () =>
      accountView({
        displayName: "Theodora Papadopoulou-Vandenberghe of the Long and Winding Name Society",
        problem: "The server does not allow this.",
      }),
  },
  { name: "sign out: nothing lost", render: () => signOut({ kind: "none" }) },
  { name: "sign out: no recovery", render: () => signOut({ kind: "no-recovery" }) },
  { name: "sign out: not all backed up", render: () => signOut({ kind: "unsaved", count: 214 }, "No answer.") },
];
