/**
 * The public door of the timeline feature: the pane that renderer/app puts into a room.
 * Invariant: nothing else of this folder is imported from outside, except the gallery by its own file.
 */
export { TimelinePane } from "./TimelinePane.tsx";
export type { TimelinePaneProps } from "./TimelinePane.tsx";
export { newestEditable } from "./editable.ts";
export type { EditableItem } from "./editable.ts";
export { fileRefOf } from "./file-ref.ts";
export type { FetchFile } from "./timeline-actions.ts";
