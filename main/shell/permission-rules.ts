/**
 * What the page may ask of the computer. Used by permissions.ts, which tells Chromium. Pure.
 * Invariant: everything not named is denied, as is everything that does not come from the main frame of our own page;
 * a screen is had only during a call.
 */
import { isAppUrl } from "./app-files.ts";

const always: ReadonlySet<string> = new Set([
  "notifications",
  "clipboard-sanitized-write",
  "fullscreen",
  "automatic-fullscreen",
  "speaker-selection",
]);

export type Asking = {
  permission: string;
  /** The page belongs to the main window. */
  isOurs: boolean;
  isMainFrame: boolean;
  /** Address or origin of the frame that asks. */
  url: string;
  isCallUnderWay: boolean;
};

/** Whether the page may have it. */
export function mayHave({ permission, isOurs, isMainFrame, url, isCallUnderWay }: Asking): boolean {
  if (!isOurs || !isMainFrame || !isAppUrl(url)) return false;
  if (permission === "display-capture") return isCallUnderWay;
  return permission === "media" || always.has(permission);
}

export type DeviceKind = "microphone" | "camera";

/** The devices that are asked for; undefined where it is something else, or nothing. */
export function devicesOf(mediaTypes: readonly string[] | undefined): DeviceKind[] | undefined {
  if (!mediaTypes || mediaTypes.length === 0) return undefined;
  const kinds = mediaTypes.map((type) => (type === "audio" ? "microphone" : type === "video" ? "camera" : undefined));
  return kinds.every((kind) => kind !== undefined) ? kinds : undefined;
}
