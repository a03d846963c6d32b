/**
 * Addresses and answers of the `lattice-media:` scheme: which media file an address names, and how its bytes are
 * handed to the page. Used by media-protocol.ts. Invariant: pure; bytes of a server never become a page or a
 * script: the type is from a short list or `application/octet-stream`, in a sandbox, with nosniff.
 */
import * as v from "valibot";
import type { CommandArgs } from "../../preload/contract/engine-contract.ts";
import { parseRange, servedType } from "../../preload/contract/file-address.ts";
import { accountIdSchema, mxcUriSchema } from "../../preload/contract/ids.ts";
import { APP_ORIGIN, MEDIA_SCHEME } from "./app-files.ts";

/** Prefix of every media address that a window builds. */
export const MEDIA_BASE = `${MEDIA_SCHEME}://media/`;

const MAX_SIDE_PX = 4_096;

/** The arguments of `media.fetch` for an address, or undefined where it is none of ours. */
export function parseMediaUrl(text: string): CommandArgs<"media.fetch"> | undefined {
  if (text.length > 2_048 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== `${MEDIA_SCHEME}:` || url.host !== "media") return undefined;
  const [account, server, mediaId, ...more] = url.pathname.slice(1).split("/");
  if (more.length > 0) return undefined;
  const accountId = v.safeParse(accountIdSchema, account);
  const mxc = v.safeParse(mxcUriSchema, `mxc://${decodeServer(server ?? "")}/${mediaId ?? ""}`);
  if (!accountId.success || !mxc.success) return undefined;
  const widthPx = side(url.searchParams.get("w"));
  const heightPx = side(url.searchParams.get("h"));
  const method = url.searchParams.get("method") === "crop" ? "crop" : "scale";
  return {
    accountId: accountId.output,
    mxc: mxc.output,
    ...(widthPx === undefined || heightPx === undefined ? {} : { thumbnail: { widthPx, heightPx, method } }),
  };
}

function decodeServer(server: string): string {
  try {
    return decodeURIComponent(server);
  } catch {
    return "";
  }
}

function side(text: string | null): number | undefined {
  if (text === null || !/^[0-9]{1,5}$/u.test(text)) return undefined;
  const px = Number(text);
  return px >= 1 ? Math.min(px, MAX_SIDE_PX) : undefined;
}

/** The answer that carries the file to the page. */
export function mediaResponse(media: { contentType: string; bytes: Uint8Array }, rangeHeader: string | null): Response {
  const headers: Record<string, string> = {
    ...mediaHeaders(),
    "content-type": servedType(media.contentType).contentType,
    "accept-ranges": "bytes",
    // An mxc address names the same bytes for ever.
    "cache-control": "private, max-age=31536000, immutable",
  };
  const sizeBytes = media.bytes.byteLength;
  const range = parseRange(rangeHeader, sizeBytes);
  if (range === "unsatisfiable")
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${sizeBytes}` },
    });
  if (range === undefined)
    return new Response(copy(media.bytes), {
      headers: { ...headers, "content-length": String(sizeBytes) },
    });
  const part = media.bytes.subarray(range.from, range.to + 1);
  return new Response(copy(part), {
    status: 206,
    headers: {
      ...headers,
      "content-length": String(part.byteLength),
      "content-range": `bytes ${range.from}-${range.to}/${sizeBytes}`,
    },
  });
}

/** The answer where there is no file; the reason stays in the log. */
export const noMedia = (status: 400 | 404 | 502): Response => new Response(null, { status, headers: mediaHeaders() });

/** Of every answer of the scheme. */
export function mediaHeaders(): Record<string, string> {
  return {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": APP_ORIGIN,
    "referrer-policy": "no-referrer",
  };
}

const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
