/**
 * The devices there are and those that were chosen, for views; and the speaker that sound is to be played on.
 * Used by the choice of devices and by CallSurfaces. Invariant: a chosen device that is not there counts as lost only
 * once the browser names devices of its kind: before that it tells none.
 */
import { useEffect, useState, useSyncExternalStore } from "react";
import type { DeviceLists, MediaDevice } from "./call-media/media-devices.ts";
import { watchDevices } from "./call-media/media-devices.ts";
import { mediaChoices } from "./call-media/media-choices.ts";
import type { MediaChoices } from "./call-media/media-choices.ts";

/** What was chosen, live. */
export function useMediaChoices(): MediaChoices {
  return useSyncExternalStore(mediaChoices.subscribe, mediaChoices.snapshot);
}

/** The devices there are, live; undefined until they are known. */
export function useDevices(): DeviceLists | undefined {
  const [devices, setDevices] = useState<DeviceLists>();
  useEffect(() => watchDevices(setDevices), []);
  return devices;
}

/** Whether the chosen device is not there. */
export const isDeviceLost = (chosen: string | undefined, devices: readonly MediaDevice[] | undefined): boolean =>
  chosen !== undefined &&
  devices !== undefined &&
  devices.length > 0 &&
  !devices.some(({ deviceId }) => deviceId === chosen);

/** Where a sound goes: the chosen speaker while it is there, the system's choice otherwise. */
export function useSpeaker(which: "speakerId" | "ringId"): { sinkId: string; isLost: boolean } {
  const chosen = useMediaChoices()[which];
  const isLost = isDeviceLost(chosen, useDevices()?.speakers);
  return { sinkId: isLost ? "" : (chosen ?? ""), isLost };
}
