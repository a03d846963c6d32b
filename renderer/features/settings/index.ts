/**
 * The settings and the account's own affairs: its menu, its name, signing out and in again. Composed by renderer/app.
 * Invariant: the only door into this folder, except gallery.tsx for the gallery page.
 */
export { AccountMenu } from "./AccountMenu.tsx";
export { AccountSection } from "./AccountSection.tsx";
export { EditNameDialog } from "./EditNameDialog.tsx";
export { SettingsDialog } from "./SettingsDialog.tsx";
export { SignInAgainDialog } from "./SignInAgainDialog.tsx";
export { SignOutDialog } from "./SignOutDialog.tsx";
