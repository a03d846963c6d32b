/**
 * What the page may ask of the computer: camera and microphone, notifications, writing text to the clipboard, full
 * screen, and choosing a speaker. Called by index.ts for the one session.
 * Invariant: Chromium asks in two ways, by request and by check, and grants by default; both are answered here, and
 * everything not named is denied, as is everything that does not come from the main frame of our own page.
 */
import { systemPreferences, type Session, type WebContents } from "electron";
import { isAppUrl } from "./app-files.ts";

const granted = new Set([
  "media",
  "notifications",
  "clipboard-sanitized-write",
  "fullscreen",
  "automatic-fullscreen",
  "speaker-selection",
]);

/** Whether a permission is one that the page may have. */
export const isGrantable = (permission: string): boolean => granted.has(permission);

/** Sets every permission handler of the session. `isOurs` says whether a page is one of our windows. */
export function guardPermissions(session: Session, isOurs: (contents: WebContents) => boolean): void {
  session.setPermissionRequestHandler((contents, permission, callback, details) => {
    const mayHave =
      isOurs(contents) && details.isMainFrame && isAppUrl(details.requestingUrl) && isGrantable(permission);
    if (!mayHave) return callback(false);
    if (permission !== "media") return callback(true);
    const mediaTypes = "mediaTypes" in details ? (details.mediaTypes ?? []) : [];
    // oxlint-disable-next-line promise/no-callback-in-promise -- Electron wants its answer by callback
    void askSystemForMedia(mediaTypes).then(callback, () => callback(false));
  });
  session.setPermissionCheckHandler((contents, permission, requestingOrigin, details) => {
    if (!isGrantable(permission) || !details.isMainFrame || !isAppUrl(requestingOrigin)) return false;
    return contents === null || isOurs(contents);
  });
  session.setDevicePermissionHandler(() => false);
  // Without a handler nothing can be captured; sharing the screen brings its own picker and sets one.
  session.setDisplayMediaRequestHandler(null);
}

/** macOS asks its user itself, once, and has to be asked before the page opens a device. */
async function askSystemForMedia(mediaTypes: readonly ("video" | "audio")[]): Promise<boolean> {
  if (process.platform !== "darwin") return true;
  for (const type of mediaTypes) {
    // One dialog after the other.
    if (!(await systemPreferences.askForMediaAccess(type === "video" ? "camera" : "microphone"))) return false;
  }
  return true;
}
