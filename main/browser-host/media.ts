/**
 * Media for the page: `/media/<accountId>/<server>/<mediaId>?w=&h=&method=`, answered by the engine's `media.fetch`.
 * Used by server.ts. Invariant: bytes of a server never become a page or a script: the type is from a short list or
 * `application/octet-stream`, in a sandbox, with nosniff.
 */
import * as v from "valibot";
import type { CommandArgs } from "../../preload/contract/engine-contract.ts";
import { parseRange, servedType } from "../../preload/contract/file-address.ts";
import { accountIdSchema, mxcUriSchema } from "../../preload/contract/ids.ts";
import { EngineCallError, type EngineCaller } from "./engine-caller.ts";

const MAX_SIDE_PX = 4_096;

/** An answer, ready to be written. */
export type MediaAnswer = { status: number; headers: Record<string, string>; bytes: Uint8Array };

/** The answer for an address below `/media/`. */
export async function answerMedia(
  url: URL,
  rangeHeader: string | undefined,
  caller: EngineCaller,
): Promise<MediaAnswer> {
  const args = parseMediaUrl(url);
  if (!args) return noMedia(400);
  try {
    const { contentType, bytes } = await caller.call("media.fetch", args);
    return mediaAnswer(contentType, bytes, rangeHeader);
  } catch (error) {
    const code = error instanceof EngineCallError ? error.data.code : "bug";
    return noMedia(code === "not-found" || code === "forbidden" ? 404 : code === "offline" ? 503 : 502);
  }
}

/** The arguments of `media.fetch` for an address, or undefined where it does not name a media file. */
export function parseMediaUrl(url: URL): CommandArgs<"media.fetch"> | undefined {
  const [place, account, server, mediaId, ...more] = url.pathname.slice(1).split("/");
  if (place !== "media" || more.length > 0) return undefined;
  const accountId = v.safeParse(accountIdSchema, account);
  const mxc = v.safeParse(mxcUriSchema, `mxc://${decoded(server ?? "")}/${mediaId ?? ""}`);
  if (!accountId.success || !mxc.success) return undefined;
  const [widthPx, heightPx] = [side(url.searchParams.get("w")), side(url.searchParams.get("h"))];
  const method = url.searchParams.get("method") === "crop" ? "crop" : "scale";
  return {
    accountId: accountId.output,
    mxc: mxc.output,
    ...(widthPx === undefined || heightPx === undefined ? {} : { thumbnail: { widthPx, heightPx, method } }),
  };
}

function mediaAnswer(contentType: string, bytes: Uint8Array, rangeHeader: string | undefined): MediaAnswer {
  const served = servedType(contentType);
  const headers = {
    ...mediaHeaders,
    "content-type": served.contentType,
    ...(served.isInline ? {} : { "content-disposition": "attachment" }),
    "accept-ranges": "bytes",
    // An mxc address names the same bytes for ever.
    "cache-control": "private, max-age=31536000, immutable",
  };
  const range = parseRange(rangeHeader, bytes.byteLength);
  if (range === undefined) return { status: 200, headers, bytes };
  if (range === "unsatisfiable") {
    return {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${bytes.byteLength}` },
      bytes: new Uint8Array(),
    };
  }
  const part = bytes.subarray(range.from, range.to + 1);
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${range.from}-${range.to}/${bytes.byteLength}` },
    bytes: part,
  };
}

/** Of every answer that carries bytes of a server. */
export const mediaHeaders = { "content-security-policy": "sandbox; default-src 'none'" };

/** The answer where there is no file. */
const noMedia = (status: number): MediaAnswer => ({
  status,
  headers: { ...mediaHeaders, "cache-control": "no-store" },
  bytes: new Uint8Array(),
});

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function side(text: string | null): number | undefined {
  if (text === null || !/^[0-9]{1,5}$/u.test(text)) return undefined;
  const px = Number(text);
  return px >= 1 ? Math.min(px, MAX_SIDE_PX) : undefined;
}
