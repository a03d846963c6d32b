/**
 * Pictures that need none before them: after a cut the pictures that come build on some that were lost, and a browser
 * asks for a whole one only when none could be shown for seconds. Used by simple-peer-transport.ts for both directions.
 * Invariant: where a browser cannot do it, nothing happens, and its own question comes later.
 */
import { lastHeardMs } from "./silence-watch.ts";

/** Sends a whole picture next. spec: W3C WebRTC Extensions, RTCSetParameterOptions. */
export async function sendWholePicture(sender: RTCRtpSender): Promise<void> {
  type KeyFrameOptions = { encodingOptions: { keyFrame: boolean }[] };
  type Door = { setParameters(parameters: RTCRtpSendParameters, options: KeyFrameOptions): Promise<void> };
  if (sender.track?.kind !== "video") return;
  const parameters = sender.getParameters();
  const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
  try {
    await (sender as unknown as Door).setParameters(parameters, { encodingOptions });
  } catch {
    // The other side asks.
  }
}

/** How long the other side has to send a whole picture by itself, as we do: two of them fill a path that is narrow. */
const PATIENCE_MS = 400;

/**
 * Asks the other side for a whole picture, where none comes without. A page has no word for it; a recorder must begin
 * with one, and Chromium then asks for it. What it records is thrown away at once. spec: W3C MediaStream Recording.
 */
export function askForWholePicture(receiver: RTCRtpReceiver): void {
  const { track } = receiver;
  if (track.kind !== "video") return;
  const lastMs = lastHeardMs([receiver]);
  setTimeout(() => {
    if (track.readyState !== "live" || lastHeardMs([receiver]) > lastMs) return;
    try {
      const recorder = new MediaRecorder(new MediaStream([track]));
      recorder.addEventListener("start", () => recorder.stop());
      recorder.start();
    } catch {
      // The browser asks.
    }
  }, PATIENCE_MS);
}
