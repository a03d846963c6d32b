/**
 * Hears when the other side is heard again after a silence, which is how a path that was cut for some seconds shows:
 * the browser calls it good all the while. Begun by simple-peer-transport.ts, which then
 * renews the pictures.
 * Invariant: a silence that has another reason, as a hold has, is told too; whoever listens must be able to bear that.
 * spec: W3C WebRTC, RTCRtpReceiver.getSynchronizationSources.
 */

const LOOK_EVERY_MS = 200;
/** Pauses in speech are shorter: a packet now and then is sent in them too. */
const SILENCE_MS = 1_000;
/** A page that was busy, or is looked at by nobody, looks late, and then finds at once what it missed. */
const MIN_EMPTY_LOOKS = 2;

/** When the last packet of these was heard or shown; 0 where the browser, after 10 s, no longer says. */
export const lastHeardMs = (receivers: readonly RTCRtpReceiver[]): number =>
  Math.max(0, ...receivers.flatMap((each) => each.getSynchronizationSources()).map(({ timestamp }) => timestamp));

/** Calls `onHeardAgain` with the first packet after each silence, until the function that it gives is called. */
export function watchSilence(receivers: () => readonly RTCRtpReceiver[], onHeardAgain: () => void): () => void {
  let newest = 0;
  let heardAtMs = performance.now();
  let emptyLooks = 0;
  const timer = setInterval(() => {
    const latest = lastHeardMs(receivers());
    if (latest <= newest) {
      emptyLooks += 1;
      return;
    }
    const wasSilent = emptyLooks >= MIN_EMPTY_LOOKS && performance.now() - heardAtMs >= SILENCE_MS;
    newest = latest;
    heardAtMs = performance.now();
    emptyLooks = 0;
    if (wasSilent) onHeardAgain();
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
