/**
 * Media from the homeserver: files and thumbnails, as bytes. Part of the homeserver client; called by the media
 * cache. Invariant: the token goes to the homeserver alone, also across redirects; a URL is built only of an mxc
 * URI whose both parts are what they claim; the content type is a plain `type/subtype`.
 * spec: client-server, "Content repository" (authenticated since v1.11).
 */
import { isIP } from "node:net";
import { EngineError } from "../base/errors.ts";
import { findError } from "../matrix/endpoints.ts";
import type { MxcUri } from "../matrix/ids.ts";
import { endpointUrl } from "./addresses.ts";
import { readJson, send, toHttpError } from "./http.ts";
import type { HttpAnswer, HttpDeps } from "./http.ts";

export type Thumbnail = { widthPx: number; heightPx: number; method: "crop" | "scale" };
export type MediaFile = { contentType: string; bytes: Uint8Array<ArrayBuffer> };

const TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 600_000;
const MAX_FILE_BYTES = 200 * 2 ** 20;
const MAX_THUMBNAIL_BYTES = 20 * 2 ** 20;
const MAX_REDIRECTS = 5;
const MAX_THUMBNAIL_PX = 4_096;

type Options = { signal?: AbortSignal | undefined };

export function openMediaClient(
  deps: HttpDeps & {
    baseUrl: string;
    useToken: <Reply>(request: (accessToken: string) => Promise<Reply>) => Promise<Reply>;
  },
) {
  /** Set once the server has shown that it knows no authenticated media. */
  let isLegacy = false;

  async function fetchFile(
    url: URL,
    accessToken: string | undefined,
    maxBytes: number,
    options: Options,
  ): Promise<HttpAnswer> {
    let at = url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const isHome = at.origin === url.origin;
      const answer = await send(deps, {
        method: "GET",
        url: at,
        timeoutMs: TIMEOUT_MS,
        bodyTimeoutMs: BODY_TIMEOUT_MS,
        maxBytes,
        signal: options.signal,
        ...(isHome && accessToken !== undefined && { accessToken }),
      });
      if (answer.status === 200) return answer;
      const location = answer.status >= 300 && answer.status <= 399 ? answer.headers.get("location") : null;
      if (location === null) {
        // Another host's 401 says nothing about our session.
        if (!isHome)
          throw new EngineError(
            "server-error",
            "The file cannot be fetched from where the server keeps it. Try again later.",
          );
        throw toHttpError(answer, deps.clock.now());
      }
      const next = URL.parse(location, at.href);
      const isSafe =
        next &&
        (next.protocol === "https:" || next.origin === url.origin) &&
        next.username === "" &&
        next.password === "";
      if (!isSafe) break;
      at = next;
    }
    throw new EngineError("server-error", "The server sends us in circles for this file. Try again later.");
  }

  return {
    /** The file, or a thumbnail of it of at least this size where the server makes one. */
    async download(mxc: MxcUri, thumbnail: Thumbnail | undefined, options: Options = {}): Promise<MediaFile> {
      const path = mediaPath(mxc);
      const kind = thumbnail ? "thumbnail" : "download";
      const maxBytes = thumbnail ? MAX_THUMBNAIL_BYTES : MAX_FILE_BYTES;
      const query = thumbnail && {
        width: toPx(thumbnail.widthPx),
        height: toPx(thumbnail.heightPx),
        method: thumbnail.method,
      };
      const fetchLegacy = () =>
        fetchFile(endpointUrl(deps.baseUrl, `/_matrix/media/v3/${kind}`, path, query), undefined, maxBytes, options);
      if (isLegacy) return toFile(await fetchLegacy());
      try {
        const url = endpointUrl(deps.baseUrl, `/_matrix/client/v1/media/${kind}`, path, query);
        return toFile(await deps.useToken((accessToken) => fetchFile(url, accessToken, maxBytes, options)));
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== "not-found" || error.data.errcode !== "M_UNRECOGNIZED")
          throw error;
        const answer = await fetchLegacy();
        isLegacy = true;
        return toFile(answer);
      }
    },
  };
}

/** Server name and media id. The name must be a host, so that neither part can climb in the path. */
function mediaPath(mxc: MxcUri): [string, string] {
  const match = /^mxc:\/\/(?<server>[^/]+)\/(?<mediaId>[A-Za-z0-9_-]+)$/u.exec(mxc);
  const { server, mediaId } = match?.groups ?? {};
  if (server === undefined || mediaId === undefined || !isServerName(server)) {
    throw new EngineError("rejected", "The address of this file is malformed.");
  }
  return [server, mediaId];
}

/** spec: appendices, "Server Name". */
function isServerName(name: string): boolean {
  const match =
    /^(?:\[(?<ip6>[0-9A-Fa-f:.]{2,45})\]|(?<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?))(?::\d{1,5})?$/u.exec(name);
  const ip6 = match?.groups?.["ip6"];
  return match !== null && name.length <= 255 && (ip6 === undefined || isIP(ip6) === 6);
}

const toPx = (px: number): number => Math.min(Math.max(Math.round(px) || 1, 1), MAX_THUMBNAIL_PX);

function toFile(answer: HttpAnswer): MediaFile {
  const written = answer.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  const contentType = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}$/u.test(written)
    ? written
    : "application/octet-stream";
  // A homeserver serves an error as JSON with an error status only; a JSON file is a file.
  if (contentType === "application/json" && findError(readJson(answer))) {
    throw new EngineError(
      "server-error",
      "The server's answer to the request for a file makes no sense. Try again later.",
    );
  }
  return { contentType, bytes: answer.bytes };
}
