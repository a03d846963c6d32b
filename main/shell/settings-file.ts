/**
 * Reads the settings file as hostile data: what the user, another program or a full disk may have left there.
 * Called by settings.ts before the store opens the file. Invariant: whatever the file holds, the result is whole
 * and valid; a damaged file is kept aside under another name, never deleted, and good fields of it are kept.
 */
import { readFileSync, renameSync, statSync, copyFileSync } from "node:fs";
import * as v from "valibot";

const rectangleSchema = v.object({
  x: v.pipe(v.number(), v.finite()),
  y: v.pipe(v.number(), v.finite()),
  width: v.pipe(v.number(), v.finite(), v.minValue(1)),
  height: v.pipe(v.number(), v.finite(), v.minValue(1)),
});

/** One schema for each setting. A new setting is a line here, in `defaultSettings` and in the store's schema. */
export const settingSchemas = {
  /** Closing the window leaves the app running, where a tray shows that it does. */
  closeToTray: v.boolean(),
  windowBounds: v.optional(rectangleSchema),
  isWindowMaximized: v.boolean(),
  callsWindowBounds: v.optional(rectangleSchema),
  /** Where the user put the small window of a ringing call. */
  incomingCallPosition: v.optional(v.object({ x: v.pipe(v.number(), v.finite()), y: v.pipe(v.number(), v.finite()) })),
  /** The user was told that this computer offers no place to lock away the profile key. */
  wasToldOfPlainKey: v.boolean(),
} as const;
export type Settings = {
  [K in keyof typeof settingSchemas]: v.InferOutput<(typeof settingSchemas)[K]>;
};

export const defaultSettings: Settings = {
  closeToTray: true,
  windowBounds: undefined,
  isWindowMaximized: false,
  callsWindowBounds: undefined,
  incomingCallPosition: undefined,
  wasToldOfPlainKey: false,
};

const MAX_FILE_BYTES = 1024 * 1024;
/** The store keeps its own bookkeeping (the version that last migrated) under this name. */
const INTERNAL_KEY = "__internal__";

export type SettingsFileState = {
  settings: Settings;
  /** `absent`: first start. `damaged`: kept aside. `unreadable`: the store must not touch it. */
  state: "good" | "absent" | "damaged" | "unreadable";
};

/** Reads the file, and moves it out of the way where it is damaged. */
export function readSettingsFile(path: string, nowMs: number): SettingsFileState {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) return keepAside(path, nowMs, { ...defaultSettings });
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    return isAbsent
      ? { settings: { ...defaultSettings }, state: "absent" }
      : keepAside(path, nowMs, { ...defaultSettings });
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return keepAside(path, nowMs, { ...defaultSettings });
  }
  const { settings, isWhole } = parseSettings(data);
  return isWhole ? { settings, state: "good" } : keepAside(path, nowMs, settings);
}

/** Takes every good field, and the default for every other. */
export function parseSettings(data: unknown): { settings: Settings; isWhole: boolean } {
  const settings: Record<string, unknown> = { ...defaultSettings };
  if (typeof data !== "object" || data === null || Array.isArray(data))
    return { settings: settings as Settings, isWhole: false };
  // JSON.parse makes `__proto__` an own key; code that copies such an object would change prototypes.
  let isWhole = !["__proto__", "constructor", "prototype"].some((key) => Object.hasOwn(data, key));
  for (const [key, schema] of Object.entries(settingSchemas)) {
    if (!Object.hasOwn(data, key)) continue;
    const parsed = v.safeParse(schema, (data as Record<string, unknown>)[key]);
    if (parsed.success) settings[key] = parsed.output;
    else isWhole = false;
  }
  const internal = (data as Record<string, unknown>)[INTERNAL_KEY];
  if (internal !== undefined && (typeof internal !== "object" || internal === null || Array.isArray(internal)))
    isWhole = false;
  return { settings: settings as Settings, isWhole };
}

function keepAside(path: string, nowMs: number, settings: Settings): SettingsFileState {
  const aside = `${path}.damaged-${nowMs}`;
  try {
    renameSync(path, aside);
    return { settings, state: "damaged" };
  } catch {
    try {
      copyFileSync(path, aside);
    } catch {
      // Neither moved nor copied: then nothing may be written over it either.
    }
    return { settings, state: "unreadable" };
  }
}
