/**
 * Media of the homeserver: small files and thumbnails as bytes, files of any size as streams, both ways. Part of the
 * homeserver client; called by the media cache, the file fetcher and the file sender. Invariants: the token goes to
 * the homeserver alone, also across redirects; a URL is built only of an mxc URI whose both parts are what they
 * claim; the content type is a plain `type/subtype`; a stream is never in memory as a whole, and ends where nothing
 * moves any more. spec: client-server, "Content repository" (authenticated since v1.11).
 */
import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { findError } from "../matrix/endpoints.ts";
import { parseContentType } from "../matrix/file-content.ts";
import { parseMxcUri } from "../matrix/ids.ts";
import type { MxcUri } from "../matrix/ids.ts";
import { isObject, readCount, readValue } from "../matrix/json.ts";
import { endpointUrl } from "./addresses.ts";
import { NotMatrixError, readJson, requestJson, send, toHttpError } from "./http.ts";
import type { HttpAnswer, HttpDeps } from "./http.ts";

export type Thumbnail = { widthPx: number; heightPx: number; method: "crop" | "scale" };
export type MediaFile = { contentType: string; bytes: Uint8Array<ArrayBuffer> };

const TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 600_000;
const MAX_FILE_BYTES = 200 * 2 ** 20;
const MAX_THUMBNAIL_BYTES = 20 * 2 ** 20;
/** Nothing moved for so long: the connection is dead. A stream that moves may take as long as it needs. */
const STALLED_AFTER_MS = 60_000;
/** A server may have to store what it was given before it answers. */
const ANSWER_TIMEOUT_MS = 300_000;
const NO_DEADLINE_MS = 2 ** 31 - 1;
const MAX_ANSWER_BYTES = 2 ** 20;
const MAX_REDIRECTS = 5;
const MAX_THUMBNAIL_PX = 4_096;

type Options = { signal?: AbortSignal | undefined };

/** A file to be uploaded. */
export type Outgoing = {
  contentType: string;
  sizeBytes: number;
  /** All its bytes, from the first one; called once for every try. */
  open: () => AsyncIterable<Uint8Array>;
};

export function openMediaClient(
  deps: HttpDeps & {
    baseUrl: string;
    useToken: <Reply>(request: (accessToken: string) => Promise<Reply>) => Promise<Reply>;
  },
) {
  /** Set once the server has shown that it knows no authenticated media. */
  let isLegacy = false;

  /** With a sink, the file goes there, and the answer has no bytes. */
  async function fetchFile(
    url: URL,
    accessToken: string | undefined,
    maxBytes: number,
    options: Options & { sink?: Sink },
  ): Promise<HttpAnswer> {
    let at = url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const isHome = at.origin === url.origin;
      const { sink } = options;
      const answer = await send(sink ? { ...deps, fetch: fetchInto(deps, sink, maxBytes) } : deps, {
        method: "GET",
        url: at,
        timeoutMs: sink ? NO_DEADLINE_MS : TIMEOUT_MS,
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

  /** By the endpoint that wants a token; by the old one where the server knows no other. */
  async function fetchMedia(
    kind: "download" | "thumbnail",
    mxc: MxcUri,
    query: Parameters<typeof endpointUrl>[3],
    maxBytes: number,
    options: Options & { sink?: Sink },
  ): Promise<HttpAnswer> {
    const path = mediaPath(mxc);
    const fetchLegacy = () =>
      fetchFile(endpointUrl(deps.baseUrl, `/_matrix/media/v3/${kind}`, path, query), undefined, maxBytes, options);
    if (isLegacy) return fetchLegacy();
    try {
      const url = endpointUrl(deps.baseUrl, `/_matrix/client/v1/media/${kind}`, path, query);
      return await deps.useToken((accessToken) => fetchFile(url, accessToken, maxBytes, options));
    } catch (error) {
      if (!isUnrecognized(error)) throw error;
      const answer = await fetchLegacy();
      isLegacy = true;
      return answer;
    }
  }

  return {
    /** The file, or a thumbnail of it of at least this size where the server makes one. */
    async download(mxc: MxcUri, thumbnail: Thumbnail | undefined, options: Options = {}): Promise<MediaFile> {
      const query = thumbnail && {
        width: toPx(thumbnail.widthPx),
        height: toPx(thumbnail.heightPx),
        method: thumbnail.method,
      };
      return toFile(
        thumbnail
          ? await fetchMedia("thumbnail", mxc, query, MAX_THUMBNAIL_BYTES, options)
          : await fetchMedia("download", mxc, undefined, MAX_FILE_BYTES, options),
      );
    },

    /** Hands the file's bytes to the sink as they come. Where it throws, the sink may have got a part of them. */
    async downloadTo(mxc: MxcUri, sink: Sink, options: Options & { maxBytes: number }): Promise<void> {
      await fetchMedia("download", mxc, undefined, options.maxBytes, { ...options, sink });
    },

    /** How large a file the server takes; undefined where it does not say. */
    async readUploadLimit(options: Options = {}): Promise<number | undefined> {
      const ask = (prefix: `/${string}`) =>
        deps.useToken((accessToken) =>
          requestJson(deps, {
            method: "GET",
            url: endpointUrl(deps.baseUrl, prefix),
            accessToken,
            timeoutMs: TIMEOUT_MS,
            maxBytes: MAX_ANSWER_BYTES,
            signal: options.signal,
          }),
        );
      const limits = await ask("/_matrix/client/v1/media/config").catch((error: unknown) => {
        if (!isUnrecognized(error)) throw error;
        return ask("/_matrix/media/v3/config");
      });
      return isObject(limits) ? readCount(limits, "m.upload.size") : undefined;
    },

    /** Puts the file on the server. Its name is not told: events carry it to those who may know it. */
    async upload(
      file: Outgoing,
      options: Options & { onProgress?: (sentBytes: number) => void } = {},
    ): Promise<MxcUri> {
      const url = endpointUrl(deps.baseUrl, "/_matrix/media/v3/upload");
      const answer = await deps.useToken(async (accessToken) => {
        const given = await send(
          { ...deps, fetch: fetchWithBody(deps, file, options.onProgress) },
          {
            method: "POST",
            url,
            accessToken,
            timeoutMs: NO_DEADLINE_MS,
            bodyTimeoutMs: TIMEOUT_MS,
            maxBytes: MAX_ANSWER_BYTES,
            signal: options.signal,
          },
        );
        // A proxy in front of the server says so without a Matrix error.
        if (given.status === 413) throw tooLarge(undefined);
        if (given.status < 200 || given.status > 299) throw toHttpError(given, deps.clock.now());
        return given;
      });
      const json = readJson(answer);
      const mxc = isObject(json) ? parseMxcUri(readValue(json, "content_uri")) : undefined;
      if (mxc === undefined) {
        throw new EngineError("server-error", "The server's answer to the upload makes no sense. Try again later.");
      }
      return mxc;
    },
  };
}

/** Takes a file's bytes one piece after the other; the next piece is read when it resolves. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

const isUnrecognized = (error: unknown): boolean =>
  error instanceof EngineError && error.code === "not-found" && error.data.errcode === "M_UNRECOGNIZED";

/** The refusal of a file that is larger than the server takes. */
export function tooLarge(limitBytes: number | undefined): EngineError {
  const limit = limitBytes === undefined ? "" : ` (${Math.floor((limitBytes / 2 ** 20) * 10) / 10} MB at most)`;
  return new EngineError("rejected", `This file is larger than your server takes${limit}. Send a smaller one.`, {
    errcode: "M_TOO_LARGE",
  });
}

/** A fetch that ends a good answer's body in the sink, before it gives the answer back without it. */
function fetchInto(deps: HttpDeps, sink: Sink, maxBytes: number): typeof fetch {
  return async (input, init) => {
    const watch = watchForStall(deps.clock, init?.signal);
    let sizeBytes = 0;
    try {
      const response = await deps.fetch(input, { ...init, signal: watch.signal });
      if (response.status !== 200) return response;
      for await (const chunk of response.body ?? []) {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxBytes) {
          throw new NotMatrixError("rejected", "This file is too large. Lattice did not download it.");
        }
        await sink(chunk).catch((error: unknown) => {
          throw error instanceof EngineError ? error : notKept(error);
        });
        watch.touch(STALLED_AFTER_MS);
      }
      return new Response(null, { status: 200, headers: response.headers });
    } catch (error) {
      throw watch.isStalled() ? stalled(error) : error;
    } finally {
      watch.end();
    }
  };
}

/** A fetch that sends the file as its body. */
function fetchWithBody(deps: HttpDeps, file: Outgoing, onProgress?: (sentBytes: number) => void): typeof fetch {
  return async (input, init) => {
    const watch = watchForStall(deps.clock, init?.signal);
    async function* body(): AsyncGenerator<Uint8Array> {
      let sentBytes = 0;
      for await (const bytes of file.open()) {
        if (watch.signal.aborted) return;
        yield bytes;
        sentBytes += bytes.byteLength;
        watch.touch(sentBytes < file.sizeBytes ? STALLED_AFTER_MS : ANSWER_TIMEOUT_MS);
        onProgress?.(sentBytes);
      }
    }
    const headers = new Headers(init?.headers);
    headers.set("content-type", file.contentType);
    // With a length the server can refuse at once, and tells a part from the whole.
    headers.set("content-length", String(file.sizeBytes));
    try {
      return await deps.fetch(input, {
        ...init,
        headers,
        signal: watch.signal,
        body: ReadableStream.from(body()),
        duplex: "half",
        // Without these two, Node's fetch keeps a second copy of the body: it holds the whole file in memory by the
        // end (undici of Node 24; test/bench/attachments.ts shows it).
        window: null,
        redirect: "error",
      });
    } catch (error) {
      if (error instanceof Error && error.cause instanceof Error && error.cause.message === "unexpected redirect") {
        throw new EngineError(
          "server-error",
          "The server sends this upload elsewhere. Try again later.",
          {},
          { cause: error },
        );
      }
      throw watch.isStalled() ? stalled(error) : error;
    } finally {
      watch.end();
    }
  };
}

/** Its signal aborts with the caller's, and where `touch` was not called in time. */
function watchForStall(clock: Clock, caller: AbortSignal | null | undefined) {
  const stall = new AbortController();
  let stop = clock.setTimer(STALLED_AFTER_MS, () => stall.abort());
  return {
    signal: caller ? AbortSignal.any([stall.signal, caller]) : stall.signal,
    isStalled: () => stall.signal.aborted && !caller?.aborted,
    touch(timeoutMs: number): void {
      stop();
      stop = clock.setTimer(timeoutMs, () => stall.abort());
    },
    end: () => stop(),
  };
}

/** Else it would pass for a failure of the network. */
const notKept = (cause: unknown): EngineError =>
  new EngineError("bug", "The file could not be stored on this device. The details are in the log.", {}, { cause });

const stalled = (cause: unknown): EngineError =>
  new EngineError("offline", "The transfer has come to a halt. Check your network connection.", {}, { cause });

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
  const contentType = parseContentType(answer.headers.get("content-type") ?? undefined) ?? "application/octet-stream";
  // A homeserver serves an error as JSON with an error status only; a JSON file is a file.
  if (contentType === "application/json" && findError(readJson(answer))) {
    throw new EngineError(
      "server-error",
      "The server's answer to the request for a file makes no sense. Try again later.",
    );
  }
  return { contentType, bytes: answer.bytes };
}
