/**
 * The system's own word on microphone and camera, before the page opens them. Used by permissions.ts.
 * macOS asks its user once, and never again after a denial; Windows has switches that no program can turn. In both cases
 * the user is told, and led to the settings that help.
 * Invariant: one such dialog at a time; a system that says nothing forbids nothing.
 */
import type { DeviceKind } from "./permission-rules.ts";

export type MediaAccessDeps = {
  platform: NodeJS.Platform;
  status(kind: DeviceKind): string;
  /** macOS alone. */
  ask(kind: DeviceKind): Promise<boolean>;
  /** Tells the user; true when he wants to see the settings. */
  tell(words: { message: string; detail: string }): Promise<boolean>;
  openSettings(url: string): void;
};

const SETTINGS: Partial<Record<NodeJS.Platform, Record<DeviceKind, string>>> = {
  darwin: {
    microphone: "x-apple.systempreferences:com.apple.preference.security?Privacy_Microphone",
    camera: "x-apple.systempreferences:com.apple.preference.security?Privacy_Camera",
  },
  win32: { microphone: "ms-settings:privacy-microphone", camera: "ms-settings:privacy-webcam" },
};

/** Says whether the system allows all of these devices, asking it where it wants to be asked. */
export function openMediaAccess(deps: MediaAccessDeps): (kinds: readonly DeviceKind[]) => Promise<boolean> {
  let isTelling = false;
  const tell = async (kind: DeviceKind): Promise<void> => {
    const url = SETTINGS[deps.platform]?.[kind];
    if (isTelling || url === undefined) return;
    isTelling = true;
    try {
      const wantsSettings = await deps.tell({
        message: `Lattice may not use the ${kind}`,
        detail: `Calls need the ${kind}. Allow Lattice to use it in the system's privacy settings, then start Lattice again.`,
      });
      if (wantsSettings) deps.openSettings(url);
    } finally {
      isTelling = false;
    }
  };
  const isAllowed = async (kind: DeviceKind): Promise<boolean> => {
    if (deps.platform === "darwin") return await deps.ask(kind);
    return deps.platform !== "win32" || deps.status(kind) !== "denied";
  };
  return async (kinds) => {
    // One dialog of the system after the other.
    for (const kind of kinds) {
      if (await isAllowed(kind)) continue;
      void tell(kind).catch(() => {});
      return false;
    }
    return true;
  };
}
