/**
 * The `lattice-media:` scheme: shows the page pictures, sound and films of the homeserver, fetched by the engine
 * with the account's token, which the page never sees; and files of messages, both ways. Called by index.ts.
 * Invariant: another origin than the page's, sandboxed, so that bytes of a server cannot act as the app.
 */
import type { CustomScheme, Session } from "electron";
import { MEDIA_SCHEME } from "./app-files.ts";
import type { EngineLink } from "./engine-client.ts";
import { exchangeFile, isFileUrl } from "./file-request.ts";
import type { ShellLog } from "./log.ts";
import { mediaResponse, noMedia, parseMediaUrl } from "./media-request.ts";

const FETCH_TIMEOUT_MS = 120_000;

/** What Chromium may do with addresses of the scheme. */
export const mediaScheme: CustomScheme = {
  scheme: MEDIA_SCHEME,
  privileges: {
    standard: true,
    secure: true,
    supportFetchAPI: true,
    corsEnabled: true,
    stream: true,
  },
};

/** Answers the scheme through the engine. */
export function serveMedia(session: Session, engine: EngineLink, log: ShellLog): void {
  session.protocol.handle(MEDIA_SCHEME, async (request) => {
    if (isFileUrl(request.url)) return exchangeFile(request, engine);
    const args = request.method === "GET" ? parseMediaUrl(request.url) : undefined;
    if (!args) return noMedia(400);
    try {
      return mediaResponse(
        await engine.call("media.fetch", args, { timeoutMs: FETCH_TIMEOUT_MS }),
        request.headers.get("range"),
      );
    } catch (error) {
      log.error("media cannot be fetched", error);
      return noMedia(502);
    }
  });
}
