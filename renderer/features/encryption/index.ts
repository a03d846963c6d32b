/**
 * Encryption as a person meets it: set-up, confirming devices and people, the list of devices, the health page.
 * Composed by renderer/app. Invariant: the only door into this folder, except gallery.tsx for the gallery page.
 */
export { DevicesSection } from "./DevicesSection.tsx";
export { EncryptionBanner } from "./EncryptionBanner.tsx";
export { EncryptionSection } from "./EncryptionSection.tsx";
export { PersonDialog } from "./PersonDialog.tsx";
export { useSetUpPrompt } from "./set-up-prompt.ts";
export { SetUpDialog } from "./SetUpDialog.tsx";
export { UserTrustPanel } from "./UserTrustPanel.tsx";
export { VerificationHost } from "./VerificationHost.tsx";
