/**
 * What the page may have of the computer, and what the systems themselves say to it.
 */
import { describe, expect, test, vi } from "vitest";
import { openMediaAccess, type MediaAccessDeps } from "../../main/shell/media-access.ts";
import { devicesOf, mayHave } from "../../main/shell/permission-rules.ts";

const ours = { isOurs: true, isMainFrame: true, url: "app://lattice/index.html", isCallUnderWay: false };

describe("permissions", () => {
  test("our own page has what calls and notifications need, and a screen during a call alone", () => {
    for (const permission of ["media", "notifications", "fullscreen", "speaker-selection", "clipboard-sanitized-write"])
      expect(mayHave({ ...ours, permission })).toBe(true);
    expect(mayHave({ ...ours, permission: "display-capture" })).toBe(false);
    expect(mayHave({ ...ours, permission: "display-capture", isCallUnderWay: true })).toBe(true);
  });

  test.each([
    "geolocation",
    "clipboard-read",
    "midi",
    "midiSysex",
    "hid",
    "usb",
    "serial",
    "pointerLock",
    "keyboardLock",
    "openExternal",
    "window-management",
    "idle-detection",
    "storage-access",
    "captured-surface-control",
    "local-network-access",
    "fileSystem",
    "screen-wake-lock",
    "unknown",
    "",
    "constructor",
  ])("nobody has %s", (permission) => {
    expect(mayHave({ ...ours, permission, isCallUnderWay: true })).toBe(false);
  });

  test.each([
    ["another window", { isOurs: false }],
    ["a frame in the page", { isMainFrame: false }],
    ["another origin", { url: "https://example.org/" }],
    ["another host of the scheme", { url: "app://other/" }],
    ["media", { url: "lattice-media://media/x" }],
    ["the empty page", { url: "about:blank" }],
    ["nothing", { url: "" }],
  ])("%s has nothing", (_name, more) => {
    for (const permission of ["media", "display-capture", "notifications", "fullscreen"])
      expect(mayHave({ ...ours, isCallUnderWay: true, permission, ...more })).toBe(false);
  });

  test("media is microphone and camera, and nothing else", () => {
    expect(devicesOf(["audio", "video"])).toEqual(["microphone", "camera"]);
    expect(devicesOf(["audio"])).toEqual(["microphone"]);
    expect(devicesOf([])).toBeUndefined();
    expect(devicesOf(undefined)).toBeUndefined();
    expect(devicesOf(["audio", "unknown"])).toBeUndefined();
  });
});

describe("the system's word on devices", () => {
  const setUp = (more: Partial<MediaAccessDeps>) => {
    const told: string[] = [];
    const opened: string[] = [];
    const deps: MediaAccessDeps = {
      platform: "darwin",
      status: () => "granted",
      ask: async () => true,
      tell: async ({ message }) => told.push(message) > 0,
      openSettings: (url) => opened.push(url),
      ...more,
    };
    return { allows: openMediaAccess(deps), told, opened };
  };

  test("macOS is asked for each device in turn; a denial is told, with the way to the settings", async () => {
    const asked: string[] = [];
    const { allows, told, opened } = setUp({ ask: async (kind) => asked.push(kind) > 0 && kind === "microphone" });
    expect(await allows(["microphone"])).toBe(true);
    expect(await allows(["microphone", "camera"])).toBe(false);
    expect(asked).toEqual(["microphone", "microphone", "camera"]);
    await vi.waitFor(() => expect(opened).toHaveLength(1));
    expect(told).toEqual(["Lattice may not use the camera"]);
    expect(opened[0]).toContain("Privacy_Camera");
  });

  test("on Windows the switch decides; elsewhere nothing is asked", async () => {
    const windows = setUp({ platform: "win32", status: (kind) => (kind === "camera" ? "denied" : "unknown") });
    expect(await windows.allows(["microphone"])).toBe(true);
    expect(await windows.allows(["camera"])).toBe(false);
    const linux = setUp({ platform: "linux", status: () => "denied", ask: async () => false });
    expect(await linux.allows(["microphone", "camera"])).toBe(true);
    expect(linux.told).toEqual([]);
  });

  test("one dialog at a time, and one that fails spoils nothing", async () => {
    let close: (wantsSettings: boolean) => void = () => {};
    const tell = vi.fn(() => new Promise<boolean>((resolve) => void (close = resolve)));
    const { allows } = setUp({ ask: async () => false, tell });
    expect(await allows(["microphone"])).toBe(false);
    expect(await allows(["microphone"])).toBe(false);
    expect(tell).toHaveBeenCalledTimes(1);
    close(false);
    await Promise.resolve();
    const failing = setUp({ ask: async () => false, tell: () => Promise.reject(new Error("no window")) });
    expect(await failing.allows(["camera"])).toBe(false);
  });
});
