/**
 * The public door of the calls feature: the surfaces of running and ringing calls, and the buttons that begin
 * one. Used by renderer/app only. Invariant: nothing else of this folder is imported from outside.
 */
export { CallButtons } from "./CallButtons.tsx";
export type { CallButtonsProps } from "./CallButtons.tsx";
export { CallSurfaces } from "./CallSurfaces.tsx";
export type { CallSurfacesProps } from "./CallSurfaces.tsx";
