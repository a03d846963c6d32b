/**
 * The name under which the engine knows a file of the timeline. Used by TimelinePane, and by renderer/app to fetch it.
 * Invariant: a message that is being sent names its upload, whatever its event id: until its echo is here, no event
 * of that id is known.
 */
import type { FileRef } from "../../../preload/contract/engine-contract.ts";
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { MessageItem } from "./group-items.ts";

/** Undefined where the message has no such file. */
export function fileRefOf(roomId: RoomId, item: MessageItem, part: "file" | "thumbnail"): FileRef | undefined {
  const { file, eventId } = item;
  if (file === undefined) return undefined;
  const uploadId = part === "file" ? file.uploadId : file.thumbnailUploadId;
  if (uploadId !== undefined) return { of: "upload", uploadId };
  return eventId === undefined || (part === "thumbnail" && !file.hasThumbnail)
    ? undefined
    : { of: "event", roomId, eventId, part };
}
