/**
 * The settings of this installation (not of an account): a small file next to the profile, held by electron-store.
 * Opened by index.ts, read by window.ts and the close-to-tray rule. Invariant: a damaged, huge or read-only file
 * never stops the app; then defaults hold, and where nothing can be written they hold for this run.
 * Secrets and room data never go in here.
 */
import { join } from "node:path";
import { ipcMain } from "electron";
import ElectronStore from "electron-store";
import type { ShellLog } from "./log.ts";
import { readSettingsFile, type Settings } from "./settings-file.ts";

/** The settings as the rest of the shell sees them. */
export interface SettingsStore {
  get<K extends keyof Settings>(key: K): Settings[K];
  set<K extends keyof Settings>(key: K, value: Settings[K]): void;
}

const rectangle = {
  type: "object",
  properties: {
    x: { type: "number" },
    y: { type: "number" },
    width: { type: "number" },
    height: { type: "number" },
  },
  required: ["x", "y", "width", "height"],
} as const;

/** The same rules as settings-file.ts, in the words of the store: they guard what we write ourselves. */
const storeSchema = {
  closeToTray: { type: "boolean" },
  windowBounds: rectangle,
  isWindowMaximized: { type: "boolean" },
  callsWindowBounds: rectangle,
  incomingCallPosition: {
    type: "object",
    properties: { x: { type: "number" }, y: { type: "number" } },
    required: ["x", "y"],
  },
  wasToldOfPlainKey: { type: "boolean" },
} as const;

/** Opens the file in the folder; never throws. */
export function openSettings(folder: string, log: ShellLog): SettingsStore {
  const { settings, state } = readSettingsFile(join(folder, "settings.json"), Date.now());
  if (state === "damaged" || state === "unreadable")
    log.warn("the settings file is damaged and was kept aside", { state });
  const store = state === "unreadable" ? undefined : openStore(folder, log);
  const values = { ...settings };
  const write = <K extends keyof Settings>(key: K, value: Settings[K]): void => {
    try {
      if (value === undefined) store?.delete(key);
      else store?.set({ [key]: value });
    } catch (error) {
      log.error("a setting cannot be written", error);
    }
  };
  // What was good in a damaged file goes into the new one.
  if (state === "damaged") for (const key of Object.keys(values) as (keyof Settings)[]) write(key, values[key]);
  return {
    get: (key) => values[key],
    set: (key, value) => {
      values[key] = value;
      write(key, value);
    },
  };
}

function openStore(folder: string, log: ShellLog): ElectronStore<Settings> | undefined {
  try {
    const store = new ElectronStore<Settings>({
      cwd: folder,
      name: "settings",
      schema: storeSchema,
      clearInvalidConfig: false,
      // One entry for each version that changes the meaning of a setting; they run once, in order.
      migrations: {},
    });
    return store;
  } catch (error) {
    log.error("the settings file cannot be opened", error);
    return undefined;
  } finally {
    // The store registers a channel that answers any sender; nothing of ours uses it.
    ipcMain.removeAllListeners("electron-store-get-data");
  }
}
