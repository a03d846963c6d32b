/**
 * The room list: the pane, and the dialogs that make rooms. Composed by renderer/app.
 * Invariant: the only door into this folder, except gallery.tsx for the gallery page.
 */
export { RoomListPane } from "./RoomListPane.tsx";
export type { RoomListHandle } from "./RoomListPane.tsx";
export { NewDirectDialog } from "./NewDirectDialog.tsx";
export { NewRoomDialog } from "./NewRoomDialog.tsx";
