/**
 * LocalMedia: our microphone and camera during one call. Opened and closed by call-media.ts.
 * Invariants: the stream object, and so its id on the wire, stays the same for the whole call; no device
 * stays open, and no camera light on, after `close()`, whatever was still being opened at that moment.
 * spec: voip, "Streams": microphone and camera share one stream.
 */

/** Why a device could not be had; the text for each is in text/en/calls.ts. */
export type MediaProblem = "denied" | "missing" | "in-use" | "unavailable";

/** Thrown when a call cannot go on without a device. */
export class LocalMediaError extends Error {
  override readonly name = "LocalMediaError";
  readonly device: "microphone" | "camera";
  readonly problem: MediaProblem;

  constructor(device: "microphone" | "camera", problem: MediaProblem, options?: ErrorOptions) {
    super(`${device}: ${problem}`, options);
    this.device = device;
    this.problem = problem;
  }
}

export type DeviceState = "on" | "off" | "none";

export type LocalMediaState = {
  microphone: DeviceState;
  camera: DeviceState;
  /** The last thing that went wrong with a device, until it works again. */
  problem?: { device: "microphone" | "camera"; problem: MediaProblem };
};

/** Puts a track onto the wire in place of the last of its kind; `undefined` takes it off. */
export type SendTrack = (
  kind: "audio" | "video",
  track: MediaStreamTrack | undefined,
  stream: MediaStream,
) => Promise<void>;

export type LocalMediaOptions = {
  media: "voice" | "video";
  /** A call can be answered only to listen, but not placed without a microphone. */
  isMicrophoneNeeded: boolean;
  onChange: () => void;
};

/** The last frames are sent before the camera stops, so that the other side does not keep a half-drawn picture. */
const CAMERA_STOP_DELAY_MS = 120;

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30 } };

/** What the browser's error means to the user. spec: W3C Media Capture and Streams, getUserMedia. */
export function problemOf(error: unknown): MediaProblem {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "in-use";
  return "unavailable";
}

/** Opens what the call asks for; without a camera a video call becomes one of voice. */
export async function openLocalMedia(options: LocalMediaOptions): Promise<LocalMedia> {
  if (options.media === "video") {
    try {
      return new LocalMedia(await getUserMedia({ audio: AUDIO, video: VIDEO }), options.onChange);
    } catch {
      // One of the two is at fault; asked for singly, each says which.
    }
  }
  let microphone: MediaStreamTrack | undefined;
  let problem: LocalMediaState["problem"];
  try {
    [microphone] = (await getUserMedia({ audio: AUDIO })).getAudioTracks();
  } catch (error) {
    problem = { device: "microphone", problem: problemOf(error) };
    if (options.isMicrophoneNeeded) throw new LocalMediaError("microphone", problem.problem, { cause: error });
  }
  let camera: MediaStreamTrack | undefined;
  if (options.media === "video") {
    try {
      [camera] = (await getUserMedia({ video: VIDEO })).getVideoTracks();
    } catch (error) {
      problem ??= { device: "camera", problem: problemOf(error) };
    }
  }
  const tracks = [microphone, camera].filter((track) => track !== undefined);
  return new LocalMedia(new MediaStream(tracks), options.onChange, problem);
}

function getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
  // Absent on pages that are not secure contexts.
  if (!("mediaDevices" in navigator)) return Promise.reject(new DOMException("no media devices", "NotSupportedError"));
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** The devices of one running call. */
export class LocalMedia {
  readonly stream: MediaStream;
  readonly #onChange: () => void;
  #send: SendTrack = async () => {};
  #problem: LocalMediaState["problem"];
  #isCameraOn: boolean;
  #closed = false;
  /** Camera switches run one after the other: fast double clicks end in the last wish. */
  #cameraQueue: Promise<void> = Promise.resolve();

  constructor(stream: MediaStream, onChange: () => void, problem?: LocalMediaState["problem"]) {
    this.stream = stream;
    this.#onChange = onChange;
    this.#problem = problem;
    this.#isCameraOn = stream.getVideoTracks().length > 0;
    for (const track of stream.getTracks()) this.#watch(track);
  }

  /** Says where tracks go that change during the call. */
  connect(send: SendTrack): void {
    this.#send = send;
  }

  get state(): LocalMediaState {
    const [microphone] = this.stream.getAudioTracks();
    return {
      microphone: microphone ? (microphone.enabled ? "on" : "off") : "none",
      camera: this.#isCameraOn ? "on" : "off",
      ...(this.#problem ? { problem: this.#problem } : {}),
    };
  }

  setMicrophone(isOn: boolean): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = isOn;
    this.#onChange();
  }

  /** Resolves when the picture flows, or the light is out; problems are in `state`. */
  setCamera(isOn: boolean): Promise<void> {
    this.#cameraQueue = this.#cameraQueue.then(() => (isOn ? this.#startCamera() : this.#stopCamera()));
    return this.#cameraQueue;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const track of this.stream.getTracks()) track.stop();
  }

  async #startCamera(): Promise<void> {
    if (this.#isCameraOn || this.#closed) return;
    try {
      const [track] = (await getUserMedia({ video: VIDEO })).getVideoTracks();
      if (!track) return;
      if (this.#closed) {
        track.stop();
        return;
      }
      this.#watch(track);
      this.stream.addTrack(track);
      this.#isCameraOn = true;
      this.#problem = undefined;
      await this.#send("video", track, this.stream);
    } catch (error) {
      this.#problem = { device: "camera", problem: problemOf(error) };
    }
    this.#onChange();
  }

  async #stopCamera(): Promise<void> {
    if (!this.#isCameraOn || this.#closed) return;
    this.#isCameraOn = false;
    const tracks = this.stream.getVideoTracks();
    for (const track of tracks) track.enabled = false;
    this.#onChange();
    await new Promise((resolve) => setTimeout(resolve, CAMERA_STOP_DELAY_MS));
    for (const track of tracks) {
      track.stop();
      this.stream.removeTrack(track);
    }
    if (this.#closed) return;
    await this.#send("video", undefined, this.stream);
    this.#onChange();
  }

  /** A device was unplugged or taken away: the microphone moves to the next one, the camera goes off. */
  #watch(track: MediaStreamTrack): void {
    track.addEventListener("ended", () => {
      if (this.#closed || !this.stream.getTracks().includes(track)) return;
      this.stream.removeTrack(track);
      if (track.kind === "audio") void this.#replaceMicrophone(track.enabled);
      else {
        this.#isCameraOn = false;
        this.#problem = { device: "camera", problem: "missing" };
        void this.#send("video", undefined, this.stream);
        this.#onChange();
      }
    });
  }

  async #replaceMicrophone(isOn: boolean): Promise<void> {
    try {
      const [track] = (await getUserMedia({ audio: AUDIO })).getAudioTracks();
      if (!track) return;
      if (this.#closed) {
        track.stop();
        return;
      }
      track.enabled = isOn;
      this.#watch(track);
      this.stream.addTrack(track);
      await this.#send("audio", track, this.stream);
    } catch (error) {
      this.#problem = { device: "microphone", problem: problemOf(error) };
      await this.#send("audio", undefined, this.stream);
    }
    this.#onChange();
  }
}
