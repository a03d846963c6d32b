/**
 * Which room the window shows, kept in the address's hash (`#/room/<id>`), so that it survives a reload and the
 * back button works. Used by App and by the keyboard map.
 * Invariant: what stands in the hash is parsed before use; anything else means "no room".
 */
import { useSyncExternalStore } from "react";
import * as v from "valibot";
import { roomIdSchema } from "../../preload/contract/ids.ts";
import type { RoomId } from "../../preload/contract/ids.ts";

const ROOM_PREFIX = "#/room/";
const GALLERY_HASH = "#/gallery";

/** The room named by a hash. */
export function roomIdOfHash(hash: string): RoomId | undefined {
  if (!hash.startsWith(ROOM_PREFIX)) return undefined;
  try {
    const parsed = v.safeParse(roomIdSchema, decodeURIComponent(hash.slice(ROOM_PREFIX.length)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // A stray percent sign.
  }
}

/** Calls the listener at each change of the hash. */
export function onHashChange(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export const isGalleryHash = (): boolean => window.location.hash.startsWith(GALLERY_HASH);

/** Shows this room, or none. */
export function openRoom(roomId: RoomId | undefined): void {
  window.location.hash = roomId === undefined ? "#/" : `${ROOM_PREFIX}${encodeURIComponent(roomId)}`;
}

/** The room that the window shows, live. */
export function useOpenRoomId(): RoomId | undefined {
  return useSyncExternalStore(onHashChange, () => roomIdOfHash(window.location.hash));
}
