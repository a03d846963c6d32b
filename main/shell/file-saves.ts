/**
 * Files that the user saves: the shell begins each download by itself, and asks where it is to go. Opened by
 * navigation-guard.ts for the session, used by index.ts when a page asks.
 * Invariant: every download that the shell did not begin is stopped, whatever its address; a page cannot begin one.
 */
import { basename, join } from "node:path";
import type { DownloadItem, Event } from "electron";
import type { ShellLog } from "./log.ts";
import { MEDIA_BASE } from "./media-request.ts";

/** Of downloads that never came, no more than these are remembered. */
const MAX_WAITING = 16;

export interface FileSaves {
  /**
   * Has `download` begin the download of this address; an address that is not of a file to be saved is dropped.
   * `name` is as `files.open` gave it.
   */
  begin(file: { url: string; name: string }, download: (url: string) => void): void;
  /** Answers the session's `will-download`. */
  onDownload(event: Pick<Event, "preventDefault">, item: Pick<DownloadItem, "getURL" | "setSaveDialogOptions">): void;
}

/** `folder` is where the user's downloads go. */
export function openFileSaves(deps: { folder: () => string; log: ShellLog }): FileSaves {
  /** Names by address: the name that Chromium makes up may be of the address, not of the file. */
  const begun = new Map<string, string>();
  return {
    begin({ url, name }, download) {
      if (!isSaveUrl(url)) return deps.log.warn("a file was not saved");
      for (const oldest of begun.keys()) if (begun.size >= MAX_WAITING) begun.delete(oldest);
      begun.set(url, name);
      download(url);
    },
    onDownload(event, item) {
      const name = begun.get(item.getURL());
      begun.delete(item.getURL());
      if (name === undefined) {
        event.preventDefault();
        return deps.log.warn("a download was stopped");
      }
      // Without a path the system's dialog asks for one; this is only what it begins with.
      item.setSaveDialogOptions({ defaultPath: join(deps.folder(), basename(name) || "file") });
    },
  };
}

/** Whether this is the address of a file of a message, to be saved: `lattice-media://media/file/…?save`. */
export function isSaveUrl(text: string): boolean {
  return text.startsWith(`${MEDIA_BASE}file/`) && URL.canParse(text) && new URL(text).search === "?save";
}
