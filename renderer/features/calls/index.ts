/**
 * The public door of the calls feature: the surfaces of running and ringing calls, and the buttons that begin
 * one. Used by renderer/app only. Invariant: nothing else of this folder is imported from outside, but the
 * gallery, which is loaded apart.
 */
export { CallButtons } from "./CallButtons.tsx";
export { CallSurfaces } from "./CallSurfaces.tsx";
