/**
 * The public door of the calls feature: the surfaces of running and ringing calls, the buttons that begin one, the
 * page of the small window, the choice of a screen, and the settings. Used by renderer/app only. Invariant: nothing else of this
 * folder is imported from outside, but the gallery, which is loaded apart.
 */
export { beginCallHere, CallHostContext, useBeginCall } from "./begin-call.ts";
export { CallButtons } from "./CallButtons.tsx";
export { CallsSection } from "./CallsSection.tsx";
export { CallSurfaces } from "./CallSurfaces.tsx";
export type { CallsOwnWindow } from "./CallSurfaces.tsx";
export { IncomingCallPage } from "./IncomingCallPage.tsx";
export { ScreenSourcePicker } from "./ScreenSourceDialog.tsx";
