/**
 * Keeps every page where it is: no navigation, no new window, no webview, no download but of a file that the shell was
 * asked to save, and no request of the page to the network. Holds the one call of Electron's openExternal. Called by index.ts before any window exists.
 * Invariant: the only page that is ever loaded is the app's own; a link leaves the app through openExternal alone.
 */
import { app, shell, type Session } from "electron";
import { isAppUrl } from "./app-files.ts";
import { externalUrl } from "./external-url.ts";
import { openFileSaves, type FileSaves } from "./file-saves.ts";
import type { ShellLog } from "./log.ts";

/** Schemes that a page may load from; all else is the engine's business. */
const PAGE_SCHEMES = new Set(["app:", "lattice-media:", "blob:", "data:", "devtools:"]);

/** Watches every page that will ever be made. */
export function guardNavigation(log: ShellLog): void {
  app.on("web-contents-created", (_created, contents) => {
    contents.on("will-navigate", (event) => {
      // Reloading the page counts as a navigation to where it is.
      if (isAppUrl(event.url) && withoutHash(event.url) === withoutHash(contents.getURL())) return;
      event.preventDefault();
      log.warn("a navigation was stopped");
    });
    contents.on("will-frame-navigate", (event) => {
      if (!event.isMainFrame) event.preventDefault();
    });
    contents.on("will-redirect", (event) => event.preventDefault());
    contents.on("will-attach-webview", (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: "deny" }));
  });
}

/**
 * Cuts a session off from the network and from the disk: pages talk to the engine, and the engine to servers. What is
 * given back is the one way to the disk.
 */
export function guardSession(session: Session, log: ShellLog): FileSaves {
  session.webRequest.onBeforeRequest((details, callback) => {
    const isAllowed = URL.canParse(details.url) && PAGE_SCHEMES.has(new URL(details.url).protocol);
    if (!isAllowed) log.warn("a request of the page was stopped");
    callback({ cancel: !isAllowed });
  });
  const saves = openFileSaves({ folder: () => app.getPath("downloads"), log });
  session.on("will-download", saves.onDownload);
  // Chromium would fetch dictionaries from its maker's server.
  session.setSpellCheckerEnabled(false);
  return saves;
}

/** Opens a web or mail address with the user's own program; everything else is dropped. */
export function openExternal(text: string, log: ShellLog): void {
  const url = externalUrl(text);
  if (url === undefined) return log.warn("an address was not opened");
  shell.openExternal(url).catch((error: unknown) => log.error("an address cannot be opened", error));
}

const withoutHash = (url: string): string => url.split("#")[0] ?? "";
