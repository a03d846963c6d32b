/**
 * The tray entry: whether anything is unread or a call was missed, and the way back to the window. Made by index.ts.
 * Invariant: never the only way back, since some desktops show no tray: starting the app again shows the window,
 * and closing the window hides it only where something shows tray entries.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { Menu, nativeImage, Tray } from "electron";
import type { Badge } from "../../preload/contract/views.ts";
import { trayWords } from "./badge-words.ts";

export type TrayDeps = { assetsFolder: string; open(): void; quit(): void };

export interface TrayEntry {
  /** Shows the unread state. */
  setBadge(badge: Badge | undefined): void;
}

const PROBE_TIMEOUT_MS = 2_000;

/** Adds the entry to the tray. */
export function openTray(deps: TrayDeps): TrayEntry {
  const image = (name: string) => nativeImage.createFromPath(join(deps.assetsFolder, "tray", `${name}.png`));
  const images = { quiet: image("tray"), unread: image("tray-unread") };
  const tray = new Tray(images.quiet);
  tray.setToolTip("Lattice");
  tray.setContextMenu(
    Menu.buildFromTemplate([
      { label: "Open Lattice", click: deps.open },
      { type: "separator" },
      { label: "Quit", click: deps.quit },
    ]),
  );
  tray.on("click", deps.open);
  return {
    setBadge(badge) {
      const { hasNews, toolTip } = trayWords(badge);
      tray.setImage(hasNews ? images.unread : images.quiet);
      tray.setToolTip(toolTip);
    },
  };
}

/** Whether something shows tray entries. On Linux that is a service of the desktop, which GNOME does not bring. */
export function hasTrayHost(platform: NodeJS.Platform): Promise<boolean> {
  if (platform !== "linux") return Promise.resolve(true);
  const args = [
    "--session",
    "--dest=org.freedesktop.DBus",
    "--type=method_call",
    "--print-reply=literal",
    "/org/freedesktop/DBus",
  ];
  return new Promise((resolve) => {
    execFile(
      "dbus-send",
      [...args, "org.freedesktop.DBus.NameHasOwner", "string:org.kde.StatusNotifierWatcher"],
      { timeout: PROBE_TIMEOUT_MS },
      (error, stdout) => resolve(!error && stdout.includes("boolean true")),
    );
  });
}
