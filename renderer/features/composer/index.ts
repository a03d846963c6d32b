/**
 * The public door of the composer feature: the pane below a timeline, and the handle to move the focus into it.
 * Invariant: nothing else of this folder is imported from outside, except the gallery by its own file.
 */
export type { Aim } from "./aim.ts";
export { ComposerPane } from "./ComposerPane.tsx";
export type { ComposerHandle, ComposerPaneProps } from "./ComposerPane.tsx";
