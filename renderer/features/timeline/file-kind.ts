/**
 * How the file of a message is shown: as a picture, as something to play, or as a card only. Used by FileBody and by
 * row-height.ts. Invariant: only types that the hosts serve inline are ever given to an element of the page
 * (preload/contract/file-address.ts); what the sender claims decides only what is tried.
 */
import { servedType } from "../../../preload/contract/file-address.ts";
import type { FileView } from "../../../preload/contract/views.ts";
import type { MessageItem } from "./group-items.ts";

export type FileKind = "picture" | "audio" | "video" | "other";

/** A picture is fetched by itself up to this size; a larger one when it is asked for. */
const MAX_FETCHED_BYTES = 12_000_000;

/** What the page can show of this file. */
export function kindOfFile(file: FileView): FileKind {
  const { contentType, isInline } = servedType(file.contentType ?? "");
  if (!isInline) return "other";
  const [kind] = contentType.split("/");
  return kind === "image" ? "picture" : kind === "audio" || kind === "video" ? kind : "other";
}

/** Whether it is a picture that is shown without being asked for. */
export function isShownAtOnce(item: MessageItem): boolean {
  const { file } = item;
  if (file === undefined || kindOfFile(file) !== "picture") return false;
  return (
    file.hasThumbnail ||
    file.uploadId !== undefined ||
    (file.sizeBytes !== undefined && file.sizeBytes <= MAX_FETCHED_BYTES)
  );
}
