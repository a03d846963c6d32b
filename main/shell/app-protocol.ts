/**
 * The `app:` scheme: serves the renderer bundle, and nothing else, to the app's own page.
 * Called by index.ts: privileges before the app is ready, the handler after. Invariant: every answer carries the
 * content security policy; what is not a file of the bundle is a 404.
 */
import { readFile } from "node:fs/promises";
import type { CustomScheme, Session } from "electron";
import { appHeaders, findAppFile } from "./app-files.ts";
import type { ShellLog } from "./log.ts";

/** What Chromium may do with addresses of the scheme. */
export const appScheme: CustomScheme = {
  scheme: "app",
  privileges: {
    standard: true,
    secure: true,
    supportFetchAPI: true,
    corsEnabled: true,
    codeCache: true,
  },
};

/** Answers the scheme from one folder. */
export function serveApp(session: Session, rendererFolder: string, log: ShellLog): void {
  session.protocol.handle("app", async (request) => {
    const file =
      request.method === "GET" || request.method === "HEAD"
        ? await findAppFile(rendererFolder, request.url)
        : undefined;
    if (!file)
      return new Response("Not found", {
        status: 404,
        headers: appHeaders("text/plain; charset=utf-8"),
      });
    try {
      const bytes = await readFile(file.path);
      return new Response(request.method === "HEAD" ? null : new Uint8Array(bytes), {
        headers: appHeaders(file.contentType),
      });
    } catch (error) {
      log.error("a file of the app cannot be read", error);
      return new Response("Cannot be read", {
        status: 500,
        headers: appHeaders("text/plain; charset=utf-8"),
      });
    }
  });
}
