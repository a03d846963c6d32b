/**
 * Tells Chromium what the page may have of the computer: the rules are in permission-rules.ts. Called by index.ts for
 * the one session.
 * Invariant: Chromium asks in two ways, by request and by check, and grants by default; both are answered here.
 */
import { BrowserWindow, dialog, shell, systemPreferences, type Session, type WebContents } from "electron";
import { openMediaAccess } from "./media-access.ts";
import { devicesOf, mayHave } from "./permission-rules.ts";

export type PermissionDeps = {
  /** Whether a page is the main window's. */
  isOurs(contents: WebContents): boolean;
  isCallUnderWay(): boolean;
};

/** Sets every permission handler of the session. */
export function guardPermissions(session: Session, deps: PermissionDeps): void {
  const systemAllows = openMediaAccess({
    platform: process.platform,
    status: (kind) => systemPreferences.getMediaAccessStatus(kind),
    ask: (kind) => systemPreferences.askForMediaAccess(kind),
    tell: tellOfDenial,
    openSettings: (url) => void shell.openExternal(url),
  });
  session.setPermissionRequestHandler((contents, permission, callback, details) => {
    const isAllowed = mayHave({
      permission,
      isOurs: deps.isOurs(contents),
      isMainFrame: details.isMainFrame,
      url: details.requestingUrl,
      isCallUnderWay: deps.isCallUnderWay(),
    });
    if (!isAllowed || permission !== "media") return callback(isAllowed);
    const kinds = devicesOf("mediaTypes" in details ? details.mediaTypes : undefined);
    if (!kinds) return callback(false);
    // oxlint-disable-next-line promise/no-callback-in-promise -- Electron wants its answer by callback
    void systemAllows(kinds).then(callback, () => callback(false));
  });
  session.setPermissionCheckHandler((contents, permission, requestingOrigin, details) =>
    mayHave({
      permission,
      // Some checks are made on behalf of no page; their origin has to do.
      isOurs: contents === null || deps.isOurs(contents),
      isMainFrame: details.isMainFrame,
      url: requestingOrigin,
      isCallUnderWay: deps.isCallUnderWay(),
    }),
  );
  session.setDevicePermissionHandler(() => false);
}

async function tellOfDenial({ message, detail }: { message: string; detail: string }): Promise<boolean> {
  const options = {
    type: "warning" as const,
    title: "Lattice",
    message,
    detail,
    buttons: ["Open settings", "Not now"],
    defaultId: 0,
    cancelId: 1,
  };
  const window = BrowserWindow.getFocusedWindow();
  const { response } = await (window ? dialog.showMessageBox(window, options) : dialog.showMessageBox(options));
  return response === 0;
}
