/**
 * The account's own affairs: its menu, its name, signing out and in again. Composed by renderer/app.
 * Invariant: the only door into this folder.
 */
export { AccountMenu } from "./AccountMenu.tsx";
export { EditNameDialog } from "./EditNameDialog.tsx";
export { SignInAgainDialog } from "./SignInAgainDialog.tsx";
export { SignOutDialog } from "./SignOutDialog.tsx";
