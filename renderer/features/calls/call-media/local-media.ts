/**
 * LocalMedia: our microphone and camera during one call. Opened and closed by call-media.ts; follows the user's
 * choice of devices while the call runs.
 * Invariants: the stream object, and so its id on the wire, stays the same for the whole call; no device
 * stays open, and no camera light on, after `close()`, whatever was still being opened at that moment; a camera that
 * the user turned off, and one whose call is held, is closed and not only covered.
 * spec: voip, "Streams": microphone and camera share one stream.
 */
import type { MediaChoices } from "./media-choices.ts";

/** Why a device is not what it should be; the text for each is in text/en/calls.ts. */
export type MediaProblem =
  | "denied"
  | "missing"
  | "in-use"
  | "unavailable"
  /** It was unplugged within the call. A microphone gives way to another one, a camera to none. */
  | "unplugged";

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

/** Where the user's choice of devices is read. */
export interface ChoicesSource {
  snapshot(): MediaChoices;
  subscribe(listener: () => void): () => void;
}

export type LocalMediaOptions = {
  /** What the devices are put into. The other side may know its id already. */
  stream: MediaStream;
  media: "voice" | "video";
  /** A call can be answered only to listen, but not placed without a microphone. */
  isMicrophoneNeeded: boolean;
  choices: ChoicesSource;
  onChange: () => void;
};

/** The last frames are sent before the camera stops, so that the other side does not keep a half-drawn picture. */
const CAMERA_STOP_DELAY_MS = 120;

/**
 * The whole picture; how much of it goes out is decided by picture-size.ts. Many a camera has this size at ten pictures a
 * second only: where there is another that moves, that one is taken.
 */
const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1_280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
  advanced: [{ frameRate: { min: 20 } }],
};

const processingOf = ({ echoCancellation, noiseSuppression, autoGainControl }: MediaChoices) => ({
  echoCancellation,
  noiseSuppression,
  autoGainControl,
});

/** What the browser's error means to the user. spec: W3C Media Capture and Streams, getUserMedia. */
export function problemOf(error: unknown): MediaProblem {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "in-use";
  return "unavailable";
}

/** What could be had of microphone and camera, and what was wrong with the first that could not. */
export type OpenedDevices = { tracks: readonly MediaStreamTrack[]; problem?: LocalMediaState["problem"] };

/** Opens what a call of this kind needs; never rejects. */
export async function openDevices(media: "voice" | "video", choices: MediaChoices): Promise<OpenedDevices> {
  if (media === "video" && choices.microphoneId === undefined && choices.cameraId === undefined) {
    try {
      const both = await getUserMedia({ audio: processingOf(choices), video: VIDEO });
      return { tracks: both.getTracks() };
    } catch {
      // One of the two is at fault; asked for singly, each says which.
    }
  }
  let problem: LocalMediaState["problem"];
  const attempt = async (device: "microphone" | "camera", opening: Promise<MediaStreamTrack>) => {
    try {
      return await opening;
    } catch (error) {
      problem ??= { device, problem: problemOf(error) };
      return undefined;
    }
  };
  const microphone = await attempt("microphone", openMicrophone(choices));
  const camera = media === "video" ? await attempt("camera", openCamera(choices)) : undefined;
  const tracks = [microphone, camera].filter((track) => track !== undefined);
  return { tracks, ...(problem && { problem }) };
}

/** Gives back what nobody uses. */
export function closeDevices({ tracks }: OpenedDevices): void {
  for (const track of tracks) track.stop();
}

/** Opens what the call asks for, or takes what is `opening`; without a camera a video call becomes one of voice. */
export async function openLocalMedia(
  options: LocalMediaOptions,
  opening = openDevices(options.media, options.choices.snapshot()),
): Promise<LocalMedia> {
  const opened = await opening;
  const { tracks, problem } = opened;
  if (options.isMicrophoneNeeded && problem?.device === "microphone") {
    closeDevices(opened);
    throw new LocalMediaError("microphone", problem.problem);
  }
  for (const track of tracks) options.stream.addTrack(track);
  return new LocalMedia(options.stream, options, problem);
}

function getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
  // Absent on pages that are not secure contexts.
  if (!("mediaDevices" in navigator)) return Promise.reject(new DOMException("no media devices", "NotSupportedError"));
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** Opens the chosen device, or any other of its kind when that one is not plugged in today. */
async function openChosen(
  deviceId: string | undefined,
  open: (device: MediaTrackConstraints) => Promise<MediaStream>,
): Promise<MediaStreamTrack> {
  const firstOf = (stream: MediaStream): MediaStreamTrack => {
    const [track] = stream.getTracks();
    if (!track) throw new DOMException("no track", "NotFoundError");
    return track;
  };
  if (deviceId !== undefined) {
    try {
      // Exactly: of a mere wish the browser makes nothing as soon as another device fits the other wishes better.
      return firstOf(await open({ deviceId: { exact: deviceId } }));
    } catch (error) {
      if (problemOf(error) !== "missing") throw error;
    }
  }
  return firstOf(await open({}));
}

const openMicrophone = (choices: MediaChoices): Promise<MediaStreamTrack> =>
  openChosen(choices.microphoneId, (device) => getUserMedia({ audio: { ...processingOf(choices), ...device } }));

const openCamera = (choices: MediaChoices): Promise<MediaStreamTrack> =>
  openChosen(choices.cameraId, (device) => getUserMedia({ video: { ...VIDEO, ...device } }));

/** The devices of one running call. */
export class LocalMedia {
  readonly stream: MediaStream;
  readonly #onChange: () => void;
  readonly #source: ChoicesSource;
  readonly #unsubscribe: () => void;
  #choices: MediaChoices;
  #send: SendTrack = async () => {};
  #problem: LocalMediaState["problem"];
  #isMicrophoneOn = true;
  /** What the user wants; while the call is held the camera is closed all the same. */
  #isCameraWanted: boolean;
  #isHeld = false;
  #closed = false;
  /** Changes of devices run one after the other: fast double clicks end in the last wish. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    stream: MediaStream,
    { choices, onChange }: Pick<LocalMediaOptions, "choices" | "onChange">,
    problem?: LocalMediaState["problem"],
  ) {
    this.stream = stream;
    this.#onChange = onChange;
    this.#source = choices;
    this.#choices = choices.snapshot();
    this.#unsubscribe = choices.subscribe(() => void this.#enqueue(() => this.#followChoices()));
    this.#problem = problem;
    this.#isCameraWanted = stream.getVideoTracks().length > 0;
    for (const track of stream.getTracks()) this.#watch(track);
  }

  /** Says where tracks go that change during the call. */
  connect(send: SendTrack): void {
    this.#send = send;
  }

  get state(): LocalMediaState {
    const hasMicrophone = this.stream.getAudioTracks().length > 0;
    return {
      microphone: hasMicrophone ? (this.#isMicrophoneOn ? "on" : "off") : "none",
      camera: this.#isCameraWanted && !this.#isHeld ? "on" : "off",
      ...(this.#problem ? { problem: this.#problem } : {}),
    };
  }

  setMicrophone(isOn: boolean): void {
    this.#isMicrophoneOn = isOn;
    const tracks = this.stream.getAudioTracks();
    for (const track of tracks) track.enabled = isOn;
    // Who answered only to listen may speak after all.
    if (isOn && tracks.length === 0) {
      void this.#enqueue(async () => {
        await this.#reopenMicrophone(this.#choices);
        this.#onChange();
      });
    }
    this.#onChange();
  }

  /** Resolves when the picture flows, or the light is out; problems are in `state`. */
  setCamera(isOn: boolean): Promise<void> {
    return this.#enqueue(async () => {
      this.#isCameraWanted = isOn;
      await this.#followWishes();
    });
  }

  /**
   * While the call is held the camera's light is out: who is put on hold is not watched, and whoever holds turns to
   * something else. The microphone stays open, as with a mute, so that the first word after the hold is heard; that
   * nothing of it goes out is the transport's business.
   */
  setHeld(isHeld: boolean): Promise<void> {
    return this.#enqueue(async () => {
      this.#isHeld = isHeld;
      await this.#followWishes();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    for (const track of this.stream.getTracks()) track.stop();
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (!this.#closed) await step();
    });
    return this.#queue;
  }

  async #followWishes(): Promise<void> {
    const isOpen = this.stream.getVideoTracks().length > 0;
    const shallBeOpen = this.#isCameraWanted && !this.#isHeld;
    if (shallBeOpen && !isOpen) await this.#startCamera();
    else if (!shallBeOpen && isOpen) await this.#stopCamera();
    this.#onChange();
  }

  async #startCamera(): Promise<void> {
    try {
      const track = await openCamera(this.#choices);
      await this.#adopt(track);
      if (this.#problem?.device === "camera") this.#problem = undefined;
    } catch (error) {
      this.#isCameraWanted = false;
      this.#problem = { device: "camera", problem: problemOf(error) };
    }
  }

  async #stopCamera(): Promise<void> {
    const tracks = this.stream.getVideoTracks();
    for (const track of tracks) track.enabled = false;
    this.#onChange();
    await new Promise((resolve) => setTimeout(resolve, CAMERA_STOP_DELAY_MS));
    for (const track of tracks) this.#drop(track);
    if (!this.#closed) await this.#send("video", undefined, this.stream);
  }

  /** Takes a track into the stream and puts it onto the wire, in place of whatever was there. */
  async #adopt(track: MediaStreamTrack): Promise<void> {
    if (this.#closed) {
      track.stop();
      return;
    }
    const kind = track.kind === "audio" ? "audio" : "video";
    if (kind === "audio") track.enabled = this.#isMicrophoneOn;
    this.#watch(track);
    const before = this.stream.getTracks().filter((each) => each.kind === kind);
    this.stream.addTrack(track);
    await this.#send(kind, track, this.stream);
    for (const old of before) this.#drop(old);
  }

  #drop(track: MediaStreamTrack): void {
    this.stream.removeTrack(track);
    track.stop();
  }

  async #followChoices(): Promise<void> {
    const before = this.#choices;
    const choices = this.#source.snapshot();
    this.#choices = choices;
    const [microphone] = this.stream.getAudioTracks();
    const [camera] = this.stream.getVideoTracks();
    if (before.microphoneId !== choices.microphoneId) await this.#reopenMicrophone(choices);
    else if (microphone && JSON.stringify(processingOf(before)) !== JSON.stringify(processingOf(choices))) {
      if (!(await hasTaken(microphone, processingOf(choices)))) {
        // Chromium treats what two tracks of one device bring in the same way: the old one must be closed first.
        this.#drop(microphone);
        await this.#reopenMicrophone(choices);
      }
    }
    if (camera && before.cameraId !== choices.cameraId) {
      try {
        await this.#adopt(await openCamera(choices));
        if (this.#problem?.device === "camera") this.#problem = undefined;
      } catch (error) {
        // The camera so far goes on.
        this.#problem = { device: "camera", problem: problemOf(error) };
      }
    }
    this.#onChange();
  }

  /** Opens the microphone anew; the one so far, if there is one, goes on when that fails. */
  async #reopenMicrophone(choices: MediaChoices): Promise<void> {
    try {
      await this.#adopt(await openMicrophone(choices));
      if (this.#problem?.device === "microphone") this.#problem = undefined;
    } catch (error) {
      this.#problem = { device: "microphone", problem: problemOf(error) };
    }
  }

  /**
   * A device was unplugged or taken away. The microphone moves to another one, or the call would be over for the
   * ears; the camera goes off, because another one may show what was not meant to be seen.
   */
  #watch(track: MediaStreamTrack): void {
    track.addEventListener("ended", () => {
      void this.#enqueue(async () => {
        if (!this.stream.getTracks().includes(track)) return;
        this.stream.removeTrack(track);
        if (track.kind === "audio") await this.#replaceMicrophone();
        else {
          this.#isCameraWanted = false;
          this.#problem = { device: "camera", problem: "unplugged" };
          await this.#send("video", undefined, this.stream);
        }
        this.#onChange();
      });
    });
  }

  async #replaceMicrophone(): Promise<void> {
    try {
      await this.#adopt(await openMicrophone(this.#choices));
      this.#problem = { device: "microphone", problem: "unplugged" };
    } catch (error) {
      this.#problem = { device: "microphone", problem: problemOf(error) };
      await this.#send("audio", undefined, this.stream);
    }
  }
}

/** Whether the running track does what is wished; browsers may take a wish without following it. */
async function hasTaken(track: MediaStreamTrack, wishes: ReturnType<typeof processingOf>): Promise<boolean> {
  try {
    await track.applyConstraints({ ...track.getConstraints(), ...wishes });
  } catch {
    return false;
  }
  const settings = track.getSettings();
  return (
    settings.echoCancellation === wishes.echoCancellation &&
    settings.noiseSuppression === wishes.noiseSuppression &&
    settings.autoGainControl === wishes.autoGainControl
  );
}
