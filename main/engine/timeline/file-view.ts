/**
 * What the timeline shows of a file that a message carries. Called by the timeline view for every message and local
 * echo. Invariant: it is read from the original content, never from an edit: an edit changes words, and whoever
 * opens a file gets the one that was sent.
 */
import type { FileView } from "../../../preload/contract/views.ts";
import { readFileContent } from "../matrix/file-content.ts";
import type { JsonObject } from "../matrix/json.ts";

/** Undefined where the message carries no file, or none that can be fetched. `pending` is given for a local echo. */
export function readFileView(
  type: string,
  content: JsonObject,
  pending?: { isEncryptedRoom: boolean },
): FileView | undefined {
  const file = readFileContent(type, content, { isPending: pending !== undefined });
  if (!file) return undefined;
  const { source, thumbnail, name, caption, contentType, sizeBytes, widthPx, heightPx, durationMs } = file;
  return {
    name,
    ...(caption !== undefined && { caption }),
    ...(contentType !== undefined && { contentType }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(widthPx !== undefined && { widthPx }),
    ...(heightPx !== undefined && { heightPx }),
    ...(durationMs !== undefined && { durationMs }),
    hasThumbnail: thumbnail !== undefined,
    isEncrypted: source.at === "upload" ? (pending?.isEncryptedRoom ?? false) : source.at === "server-encrypted",
    ...(source.at === "upload" && { uploadId: source.uploadId }),
    ...(thumbnail?.source.at === "upload" && { thumbnailUploadId: thumbnail.source.uploadId }),
  };
}
