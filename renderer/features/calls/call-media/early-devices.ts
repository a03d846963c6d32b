/**
 * Microphone and camera that are opened at the click which begins a call, while the engine is still being told of it.
 * Filled by begin-call.ts, emptied by use-call-media.ts when the call's media is opened in this page.
 * Invariant: what nobody takes is closed again; at most one set is open so.
 */
import type { MediaChoices } from "./media-choices.ts";
import { closeDevices, openDevices } from "./local-media.ts";
import type { OpenedDevices } from "./local-media.ts";

/** So long may the engine take to say that there is a call. */
const KEPT_FOR_MS = 10_000;

type Early = { media: "voice" | "video"; opening: Promise<OpenedDevices>; timer: ReturnType<typeof setTimeout> };

let early: Early | undefined;

/** Begins to open what a call of this kind needs. */
export function openEarly(media: "voice" | "video", choices: MediaChoices): void {
  dropEarly();
  early = { media, opening: openDevices(media, choices), timer: setTimeout(dropEarly, KEPT_FOR_MS) };
}

/** What was begun for a call of this kind; it is the taker's from then on. */
export function takeEarly(media: "voice" | "video"): Promise<OpenedDevices> | undefined {
  if (early?.media !== media) return undefined;
  const { opening, timer } = early;
  clearTimeout(timer);
  early = undefined;
  return opening;
}

/** There will be no call: the devices are closed. */
export function dropEarly(): void {
  if (!early) return;
  clearTimeout(early.timer);
  void early.opening.then(closeDevices);
  early = undefined;
}
