/**
 * English strings of the settings: the frame with its sections, and the section about the account.
 * Composed by text/en.ts as `settings.*`. Invariant: keys are stable; a translation file has the same shape.
 */
export const settings = {
  title: "Settings",
  open: "Settings",
  close: "Close the settings",
  sections: "Sections",
  account: "Account",
  calls: "Calls",
  devices: "Devices",
  encryption: "Encryption",
  name: "Name others see",
  nameSave: "Save",
  nameSaved: "Saved.",
  userId: "Matrix id",
  server: "Server",
  thisDevice: "This device",
  copy: "Copy",
  copied: "Copied",
  signOut: "Sign out",
  signOutHint: "Removes everything of this account from this computer. What is on the server stays.",
  signOutAction: "Sign out…",
  signOutNoRecovery:
    "You have no recovery key. If this is your only device, nobody can open your encrypted messages again, not even you.",
  signOutUnsaved_one: "{{count}} key is not in your backup yet. What it opens would be lost here.",
  signOutUnsaved_other: "{{count}} keys are not in your backup yet. What they open would be lost here.",
  signOutSetUp: "Set up recovery first",
  signOutAnyway: "Sign out anyway",
} as const;
