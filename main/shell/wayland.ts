/**
 * Whether the app draws by Wayland. Used by index.ts.
 * There a program can neither place a window nor keep it above others, and what is shared is chosen in a dialog of the
 * desktop's portal. Pure.
 */

/** `ozonePlatform` is what the command line asks for; without it Electron follows the session. */
export function isWayland(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
  ozonePlatform: string,
): boolean {
  if (platform !== "linux" || ozonePlatform === "x11") return false;
  if (ozonePlatform === "wayland") return true;
  return environment["XDG_SESSION_TYPE"] === "wayland" || Boolean(environment["WAYLAND_DISPLAY"]);
}
