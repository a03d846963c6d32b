/**
 * Words for a file that a message carries. Pure functions; used by FileCard. What is said of a file is its
 * sender's claim: a figure that cannot be is left out.
 * Invariant: the ending of a name is always seen: a long one is cut in the middle.
 */
import type { FileView, SendStatus } from "../../../preload/contract/views.ts";
import { formatSize } from "../../text/format.ts";
import type { Text } from "../../text/text.ts";
import { describeDuration } from "./describe.ts";
import type { MessageItem } from "./group-items.ts";

export type UploadProgress = NonNullable<Extract<SendStatus, { state: "sending" }>["upload"]>;

const MAX_NAME_LENGTH = 80;
const KEPT_END_LENGTH = 20;

/** A file's name, short enough to be read. */
export function shortName(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= MAX_NAME_LENGTH) return characters.join("");
  const beginning = characters.slice(0, MAX_NAME_LENGTH - KEPT_END_LENGTH - 1).join("");
  return `${beginning}…${characters.slice(-KEPT_END_LENGTH).join("")}`;
}

/** How much of a file that is being sent the server has. */
export const describeUpload = ({ sentBytes, totalBytes }: UploadProgress, t: Text): string =>
  t("timeline.fileSent", { sent: formatSize(Math.min(sentBytes, totalBytes)), total: formatSize(totalBytes) });

/** The kind of a file: "Photo", "PDF file", "File". */
function describeKind(file: FileView, msgtype: MessageItem["msgtype"], t: Text): string {
  if (msgtype === "image") return t("timeline.kindImage");
  if (msgtype === "video") return t("timeline.kindVideo");
  if (msgtype === "audio") return t("timeline.kindAudio");
  const ending = /\.([a-z0-9]{1,5})$/iu.exec(file.name)?.[1];
  return ending === undefined
    ? t("timeline.kindFile")
    : t("timeline.kindFileOf", { ending: ending.toLocaleUpperCase("en") });
}

const MAX_DURATION_MS = 100 * 3_600_000;

/** Kind, length and size, as one line; and where it is the exception in its room, that it is not encrypted. */
export function describeFile(
  file: FileView,
  msgtype: MessageItem["msgtype"],
  isRoomEncrypted: boolean,
  t: Text,
): string {
  const { durationMs } = file;
  const isLength = durationMs !== undefined && durationMs > 0 && durationMs < MAX_DURATION_MS;
  return [
    describeKind(file, msgtype, t),
    isLength ? describeDuration(durationMs, t) : "",
    formatSize(file.sizeBytes),
    isRoomEncrypted && !file.isEncrypted ? t("timeline.fileInClear") : "",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}
