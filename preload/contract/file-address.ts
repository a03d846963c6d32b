/**
 * Addresses of files as hosts serve them, and the rules by which bytes from a server are handed to a page. Built by
 * the renderer, read by both hosts (shell/media-protocol.ts, browser-host/media.ts).
 *   GET `${mediaBase}file/<accountId>/<roomId>/<eventId>[/thumbnail][?save]`   a file of a message, in ranges too
 *   GET `${mediaBase}upload/<accountId>/<uploadId>`                            a file that waits to be sent
 *   POST `${mediaBase}upload/<accountId>/<uploadId>?offset=<bytes before>`     more bytes of it, after `files.begin`
 * A page posts a file in slices of some MB, one after the other and without a content type, which would make the
 * request one that asks for permission first; the answer is `{sizeBytes}`, or `{error}` with another status.
 * Invariants: what does not parse names nothing; bytes of a server never become a page or a script; what was
 * decrypted is never put into a cache of the browser, which would keep it in the clear.
 */
import * as v from "valibot";
import type { FileRef } from "./engine-contract.ts";
import { accountIdSchema, eventIdSchema, roomIdSchema, uploadIdSchema, type AccountId, type UploadId } from "./ids.ts";

export type FileAddress = { accountId: AccountId; file: FileRef };

/** The address of a file. `toSave`: the answer asks to be saved, whatever it is. */
export function fileUrl(
  mediaBase: string,
  { accountId, file }: FileAddress,
  options: { toSave?: boolean } = {},
): string {
  const path =
    file.of === "upload"
      ? `upload/${accountId}/${file.uploadId}`
      : `file/${accountId}/${encodeURIComponent(file.roomId)}/${encodeURIComponent(file.eventId)}${file.part === "thumbnail" ? "/thumbnail" : ""}`;
  return `${mediaBase}${path}${options.toSave ? "?save" : ""}`;
}

/** Where the bytes of a file go that is taken in; `offset` is how many went before. */
export const appendUrl = (mediaBase: string, accountId: AccountId, uploadId: UploadId, offset: number): string =>
  `${fileUrl(mediaBase, { accountId, file: { of: "upload", uploadId } })}?offset=${offset}`;

/** What a path names, which begins behind the media base; undefined where it names no file. */
export function parseFilePath(path: string): FileAddress | undefined {
  if (path.length > 2_048) return undefined;
  const [place, account, first, second, part, ...more] = path.split("/");
  const accountId = v.safeParse(accountIdSchema, account);
  if (!accountId.success || more.length > 0) return undefined;
  if (place === "upload") {
    const uploadId = v.safeParse(uploadIdSchema, first);
    if (!uploadId.success || second !== undefined) return undefined;
    return { accountId: accountId.output, file: { of: "upload", uploadId: uploadId.output } };
  }
  const roomId = v.safeParse(roomIdSchema, decoded(first));
  const eventId = v.safeParse(eventIdSchema, decoded(second));
  if (place !== "file" || !roomId.success || !eventId.success || !(part === undefined || part === "thumbnail"))
    return undefined;
  return {
    accountId: accountId.output,
    file: { of: "event", roomId: roomId.output, eventId: eventId.output, part: part ?? "file" },
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The offset that a POST names, of its query's value. */
export const parseOffset = (text: string | null): number | undefined =>
  text !== null && /^[0-9]{1,15}$/u.test(text) ? Number(text) : undefined;

/** Pictures, sound and films that Chromium decodes in its sandbox and that hold no script: not SVG, not PDF. */
const INLINE_TYPES =
  /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|audio\/(?:ogg|mpeg|mp4|aac|wav|x-wav|webm|flac|opus)|video\/(?:mp4|webm|ogg|quicktime))$/u;

/** The type under which bytes of a server are served: one from the list of harmless ones, or only bytes. */
export function servedType(contentType: string): { contentType: string; isInline: boolean } {
  const essence = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  const isInline = INLINE_TYPES.test(essence);
  return { contentType: isInline ? essence : "application/octet-stream", isInline };
}

/** Headers of a file's answer, beside those of its host. `name` is as `files.open` gave it. */
export function fileHeaders(
  file: { contentType: string; name: string },
  options: { toSave: boolean },
): Record<string, string> {
  const { contentType, isInline } = servedType(file.contentType);
  return {
    "content-type": contentType,
    ...((options.toSave || !isInline) && {
      // What encodeURIComponent leaves as it is and RFC 8187 does not is encoded here.
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name.toWellFormed()).replace(
        /['()*]/gu,
        (mark) => `%${mark.charCodeAt(0).toString(16)}`,
      )}`,
    }),
    "accept-ranges": "bytes",
    "cache-control": "no-store",
  };
}

/** One range of bytes, both ends included; undefined means the whole file. spec: RFC 9110, section 14. */
export function parseRange(
  header: string | null | undefined,
  sizeBytes: number,
): { from: number; to: number } | "unsatisfiable" | undefined {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/u.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const from = match[1] === "" ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  const to = match[1] === "" || match[2] === "" ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  return from > to || from >= sizeBytes ? "unsatisfiable" : { from, to };
}
