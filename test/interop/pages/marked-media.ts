/**
 * Devices that can be told apart, and senses that tell them apart: a microphone is a tone, a camera or a screen is a
 * colour, both named by the device's id. Used by call-peers.page.ts, so that a test sees not only that something
 * arrives but what: direction, routing, hold, mute and change of device.
 * Invariant: only the doors of navigator.mediaDevices are replaced; tracks are real and go over a real connection.
 */

/** `tone-1250` is a microphone, `colour-200` a camera: a frequency in hertz, a hue in degrees. */
type MarkedId = `tone-${number}` | `colour-${number}`;

const numberOf = (deviceId: string): number => Number(deviceId.split("-")[1]);

const WIDTH_PX = 160;
const HEIGHT_PX = 90;
const FRAME_EVERY_MS = 50;

let context: AudioContext | undefined;
const audio = () => (context ??= new AudioContext());

function toneTrack(frequency: number): MediaStreamTrack {
  const oscillator = new OscillatorNode(audio(), { frequency });
  const gain = new GainNode(audio(), { gain: 0.3 });
  const destination = new MediaStreamAudioDestinationNode(audio());
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  const [track] = destination.stream.getAudioTracks();
  if (!track) throw new Error("no tone");
  return track;
}

function colourTrack(hue: number): MediaStreamTrack {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH_PX, height: HEIGHT_PX });
  const brush = canvas.getContext("2d");
  const draw = () => {
    if (!brush) return;
    brush.fillStyle = `hsl(${hue} 100% 50%)`;
    brush.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
    // Something moves, or no frame would be sent.
    brush.fillRect(Math.random() * WIDTH_PX, 0, 1, 1);
  };
  draw();
  const [track] = canvas.captureStream(1_000 / FRAME_EVERY_MS).getVideoTracks();
  if (!track) throw new Error("no picture");
  const timer = setInterval(() => {
    if (track.readyState === "ended") clearInterval(timer);
    draw();
  }, FRAME_EVERY_MS);
  return track;
}

/** Devices in place of the browser's. Whoever asks for none by name gets the first of its kind. */
export class MarkedDevices {
  readonly #ids: MarkedId[];
  readonly #live: { deviceId: string; track: MediaStreamTrack }[] = [];
  /** What the next getDisplayMedia gives. */
  nextScreen: { hue: number; toneHz?: number } = { hue: 120 };
  /** How often a device was opened. */
  openings: string[] = [];

  constructor(ids: MarkedId[]) {
    this.#ids = ids;
    const { mediaDevices } = navigator;
    mediaDevices.getUserMedia = async (constraints = {}) => {
      const wanted = [
        ...(constraints.audio ? [{ prefix: "tone", constraint: constraints.audio }] : []),
        ...(constraints.video ? [{ prefix: "colour", constraint: constraints.video }] : []),
      ];
      return new MediaStream(wanted.map(({ prefix, constraint }) => this.#open(prefix, constraint)));
    };
    mediaDevices.getDisplayMedia = async (options = {}) => {
      const { hue, toneHz } = this.nextScreen;
      const tracks = [colourTrack(hue)];
      if (options.audio && toneHz !== undefined) tracks.push(toneTrack(toneHz));
      for (const track of tracks) this.#live.push({ deviceId: "screen", track });
      return new MediaStream(tracks);
    };
  }

  #open(prefix: string, constraint: MediaTrackConstraints | true): MediaStreamTrack {
    const wish = constraint === true ? undefined : constraint.deviceId;
    const exact = typeof wish === "object" && !Array.isArray(wish) ? wish.exact : undefined;
    const ofKind = this.#ids.filter((id) => id.startsWith(prefix));
    const deviceId = exact === undefined ? ofKind[0] : ofKind.find((id) => id === exact);
    if (deviceId === undefined) throw new DOMException("no such device", "NotFoundError");
    const track = prefix === "tone" ? toneTrack(numberOf(deviceId)) : colourTrack(numberOf(deviceId));
    this.#live.push({ deviceId, track });
    this.openings.push(deviceId);
    return track;
  }

  /** How many tracks of a device are open: a camera with none has its light out. */
  openCount(deviceId: string): number {
    return this.#live.filter((each) => each.deviceId === deviceId && each.track.readyState === "live").length;
  }

  /** What happens when a plug is pulled, or "stop sharing" is pressed. */
  unplug(deviceId: string): void {
    const index = this.#ids.findIndex((id) => id === deviceId);
    if (index >= 0) this.#ids.splice(index, 1);
    for (const { track } of this.#live.filter((each) => each.deviceId === deviceId)) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
  }
}

/** Ears and eyes: one pair for each stream that is listened to or looked at. */
const analysers = new WeakMap<MediaStream, AnalyserNode>();
const SILENCE_DECIBELS = -60;

/** The frequencies that are heard in a stream, the loudest first, in hertz; empty in silence. */
export function hear(stream: MediaStream | undefined): number[] {
  if (!stream || stream.getAudioTracks().length === 0) return [];
  let analyser = analysers.get(stream);
  if (!analyser) {
    analyser = new AnalyserNode(audio(), { fftSize: 4_096, smoothingTimeConstant: 0 });
    new MediaStreamAudioSourceNode(audio(), { mediaStream: stream }).connect(analyser);
    analysers.set(stream, analyser);
  }
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const hertzOf = (bin: number) => (bin * audio().sampleRate) / 4_096;
  return [...levels.keys()]
    .filter((bin) => (levels[bin] ?? 0) > SILENCE_DECIBELS)
    .filter((bin) => (levels[bin] ?? 0) >= Math.max(levels[bin - 1] ?? -999, levels[bin + 1] ?? -999))
    .toSorted((a, b) => (levels[b] ?? 0) - (levels[a] ?? 0))
    .map((bin) => Math.round(hertzOf(bin)));
}

/** The hue in the middle of a picture, in degrees; undefined while it is black, grey or not there. */
export function see(video: HTMLVideoElement | undefined): number | undefined {
  if (!video || video.videoWidth === 0) return undefined;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const brush = canvas.getContext("2d");
  brush?.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = brush?.getImageData(0, 0, 1, 1).data ?? [];
  const max = Math.max(red, green, blue);
  const range = max - Math.min(red, green, blue);
  if (range < 60) return undefined;
  const sextant =
    max === red
      ? ((green - blue) / range + 6) % 6
      : max === green
        ? (blue - red) / range + 2
        : (red - green) / range + 4;
  return Math.round(sextant * 60);
}
