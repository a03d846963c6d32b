/**
 * Opens the app's page in a Chromium window without tabs or address bar, with a browser profile of its own.
 * Used by start.ts, dev.ts and the demo. Invariant: the user's own browser profile is never touched, and the only
 * rights given are those that the page's own origin needs for calls and notifications.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { ToolError } from "./program.ts";

const NAMES = [
  "chromium",
  "google-chrome",
  "google-chrome-stable",
  "chromium-browser",
  "microsoft-edge",
  "brave-browser",
];
const FIXED_PATHS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/** The path of a browser of the Chromium family, or undefined. LATTICE_CHROMIUM names one. */
export function findChromium(): string | undefined {
  const asked = process.env["LATTICE_CHROMIUM"];
  if (asked !== undefined) return existsSync(asked) ? asked : undefined;
  const onPath = NAMES.flatMap((name) =>
    (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name)),
  );
  return [...onPath, ...FIXED_PATHS].find((path) => existsSync(path));
}

/** Whether a window can be opened here at all. */
export const hasDisplay = (): boolean =>
  process.platform !== "linux" || Boolean(process.env["DISPLAY"]) || Boolean(process.env["WAYLAND_DISPLAY"]);

export type AppWindowOptions = {
  executablePath: string;
  /** Its first address; its origin gets the rights. */
  url: string;
  /** Folder of the browser profile. */
  profileDir: string;
  size?: { widthPx: number; heightPx: number };
  position?: { xPx: number; yPx: number };
  extraArgs?: readonly string[];
};

/** Opens the window. The process ends when it is closed. */
export async function openAppWindow(options: AppWindowOptions): Promise<ChildProcess> {
  await grantRights(options.profileDir, new URL(options.url).origin);
  const { widthPx, heightPx } = options.size ?? { widthPx: 1_360, heightPx: 860 };
  const child = spawn(
    options.executablePath,
    [
      `--app=${options.url}`,
      `--user-data-dir=${options.profileDir}`,
      `--window-size=${widthPx},${heightPx}`,
      ...(options.position ? [`--window-position=${options.position.xPx},${options.position.yPx}`] : []),
      "--no-first-run",
      "--no-default-browser-check",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-features=Translate",
      "--autoplay-policy=no-user-gesture-required",
      // Chromium refuses to sandbox what root started.
      ...(process.getuid?.() === 0 ? ["--no-sandbox", "--test-type"] : []),
      ...(options.extraArgs ?? []),
    ],
    { stdio: "ignore" },
  );
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(new ToolError(`${options.executablePath} could not be started: ${error.message}`)),
    );
  });
  return child;
}

const RIGHTS = ["notifications", "media_stream_mic", "media_stream_camera"];
const ALLOW = 1;

/** As in the Electron app, nobody is asked whether the app may use the microphone: the system asks, the app says when. */
async function grantRights(profileDir: string, origin: string): Promise<void> {
  const path = join(profileDir, "Default/Preferences");
  await mkdir(join(profileDir, "Default"), { recursive: true });
  const preferences = asObject(await readJson(path));
  const exceptions = section(section(section(preferences, "profile"), "content_settings"), "exceptions");
  for (const right of RIGHTS) section(exceptions, right)[`${origin},*`] = { setting: ALLOW };
  await writeFile(path, JSON.stringify(preferences));
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return {};
  }
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** The object of this name inside another; made where there is none. */
function section(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = asObject(parent[name]);
  parent[name] = value;
  return value;
}
