/**
 * The call probe: put into a page before its own scripts, it replaces camera and microphone by a marker of this page
 * alone, a tone and a colour, and watches every peer connection from outside. Used by the specs of this folder and
 * by the bench of calls; the same for our app and for other clients, since it knows of neither.
 * Invariant: what it tells of the other side is read off what the page itself plays and shows, and from the browser's
 * statistics; that packets came is never taken for hearing.
 */
import type { BrowserContext, Page } from "@playwright/test";

/** What a page sends in place of a face and a voice. */
export type Marker = { toneHz: number; colour: readonly [red: number, green: number, blue: number] };

export const MARKERS = {
  alice: { toneHz: 750, colour: [0, 190, 0] },
  bob: { toneHz: 1_250, colour: [200, 0, 200] },
} as const satisfies Record<string, Marker>;

/** What comes in at one moment. */
export type ProbeReading = {
  /** The loudest frequency of what is heard; 0 in silence. */
  heardHz: number;
  /** The middle of the picture that is shown; undefined without one. */
  seen: [red: number, green: number, blue: number] | undefined;
  framesDecoded: number;
  packetsReceived: number;
  packetsLost: number;
  /** Of the pair that carries the media. */
  localType: string | undefined;
  remoteType: string | undefined;
  /** All local candidates there are, chosen or not. */
  localTypes: string[];
  roundTripMs: number;
  connectionState: string | undefined;
};

/** One look at what comes in; looks are 20 ms apart. */
export type Moment = { atMs: number; isHeard: boolean; framesDecoded: number };

export type CallProbe = {
  read(): Promise<ProbeReading>;
  /** Begins to look for the tone `toneHz` and for new frames, until `stopWatch` gives what was seen. */
  startWatch(toneHz: number): void;
  stopWatch(): Moment[];
  /** The last connection that was made. */
  connection(): RTCPeerConnection | undefined;
};

declare global {
  interface Window {
    callProbe: CallProbe;
  }
}

/** Puts the probe into every page of the context. */
export const installProbe = (context: BrowserContext, marker: Marker): Promise<unknown> =>
  context.addInitScript(openProbe, marker);

export const readProbe = (page: Page): Promise<ProbeReading> => page.evaluate(() => window.callProbe.read());

/** Runs in the page, before everything else. */
function openProbe(marker: Marker): void {
  const connections: RTCPeerConnection[] = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };

  let audio: AudioContext | undefined;
  const audioContext = (): AudioContext => (audio ??= new AudioContext({ sampleRate: 48_000 }));

  const openTone = (): MediaStreamTrack[] => {
    const oscillator = audioContext().createOscillator();
    const gain = audioContext().createGain();
    const output = audioContext().createMediaStreamDestination();
    oscillator.frequency.value = marker.toneHz;
    gain.gain.value = 0.4;
    oscillator.connect(gain).connect(output);
    oscillator.start();
    return output.stream.getAudioTracks();
  };

  const openColour = (): MediaStreamTrack[] => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 240];
    const context = canvas.getContext("2d");
    const tracks = canvas.captureStream(15).getVideoTracks();
    let count = 0;
    const timer = setInterval(() => {
      if (tracks.every((track) => track.readyState === "ended")) clearInterval(timer);
      if (!context) return;
      context.fillStyle = `rgb(${marker.colour.join(" ")})`;
      context.fillRect(0, 0, canvas.width, canvas.height);
      // A picture that stands still is not sent again.
      context.fillStyle = "white";
      context.fillRect((count * 4) % canvas.width, 0, 12, 12);
      count += 1;
    }, 66);
    return tracks;
  };

  const getMarker = async ({ audio: wantsAudio, video: wantsVideo }: MediaStreamConstraints = {}) =>
    new MediaStream([...(wantsAudio ? openTone() : []), ...(wantsVideo ? openColour() : [])]);
  if ("mediaDevices" in navigator) navigator.mediaDevices.getUserMedia = getMarker;

  const receivedTracks = (kind: string): MediaStreamTrack[] =>
    (connections.at(-1)?.getReceivers() ?? [])
      .map(({ track }) => track)
      .filter((track) => track.kind === kind && track.readyState === "live");

  let listening: { track: MediaStreamTrack; source: MediaStreamAudioSourceNode; analyser: AnalyserNode } | undefined;
  const spectrum = new Float32Array(2_048);

  /** What the received sound holds: heard only where the page itself plays it. */
  const listen = (): AnalyserNode | undefined => {
    const [track] = receivedTracks("audio");
    if (listening && listening.track === track) return listening.analyser;
    listening?.source.disconnect();
    listening = undefined;
    if (!track) return undefined;
    const isPlayed = [...document.querySelectorAll<HTMLMediaElement>("audio, video")].some(
      ({ srcObject, muted, paused }) =>
        srcObject instanceof MediaStream && srcObject.getTracks().includes(track) && !muted && !paused,
    );
    if (!isPlayed) return undefined;
    const source = audioContext().createMediaStreamSource(new MediaStream([track]));
    const analyser = audioContext().createAnalyser();
    analyser.fftSize = spectrum.length * 2;
    analyser.smoothingTimeConstant = 0;
    source.connect(analyser);
    listening = { track, source, analyser };
    return analyser;
  };

  const binHz = 48_000 / (spectrum.length * 2);
  const AUDIBLE_DB = -60;

  const heardHz = (): number => {
    const analyser = listen();
    if (!analyser) return 0;
    analyser.getFloatFrequencyData(spectrum);
    let loudest = 0;
    for (let bin = 1; bin < spectrum.length; bin += 1)
      if ((spectrum[bin] ?? -Infinity) > (spectrum[loudest] ?? -Infinity)) loudest = bin;
    return (spectrum[loudest] ?? -Infinity) > AUDIBLE_DB ? Math.round(loudest * binHz) : 0;
  };

  /** The element of the page that shows the other side's picture. */
  const shown = (): HTMLVideoElement | undefined => {
    const tracks = receivedTracks("video");
    return [...document.querySelectorAll("video")].find(
      ({ srcObject, videoWidth }) =>
        videoWidth > 0 &&
        srcObject instanceof MediaStream &&
        srcObject.getTracks().some((each) => tracks.includes(each)),
    );
  };

  const seen = (): [number, number, number] | undefined => {
    const video = shown();
    if (!video) return undefined;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [3, 3];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context?.drawImage(video, 0, 0, 3, 3);
    const [red = 0, green = 0, blue = 0] = context?.getImageData(1, 1, 1, 1).data ?? [];
    return [red, green, blue];
  };

  type Entry = Record<string, unknown> & { type: string };

  const read = async (): Promise<ProbeReading> => {
    const connection = connections.at(-1);
    const entries = new Map<string, Entry>();
    (await connection?.getStats())?.forEach((entry: Entry, id: string) => entries.set(id, entry));
    const all = (type: string) => [...entries.values()].filter((entry) => entry.type === type);
    const sum = (name: string) =>
      all("inbound-rtp").reduce((total, entry) => total + (Number(entry[name] ?? 0) || 0), 0);
    const pair = entries.get(String(all("transport")[0]?.["selectedCandidatePairId"]));
    const typeOf = (side: string): string | undefined => {
      const type = entries.get(String(pair?.[side]))?.["candidateType"];
      return typeof type === "string" ? type : undefined;
    };
    return {
      heardHz: heardHz(),
      seen: seen(),
      framesDecoded: sum("framesDecoded"),
      packetsReceived: sum("packetsReceived"),
      packetsLost: sum("packetsLost"),
      localType: typeOf("localCandidateId"),
      remoteType: typeOf("remoteCandidateId"),
      localTypes: [...new Set(all("local-candidate").map((entry) => String(entry["candidateType"])))],
      roundTripMs: Number(pair?.["currentRoundTripTime"] ?? 0) * 1_000,
      connectionState: connection?.connectionState,
    };
  };

  let watch: { timer: ReturnType<typeof setInterval>; moments: Moment[] } | undefined;
  const startWatch = (toneHz: number): void => {
    const moments: Moment[] = [];
    const timer = setInterval(() => {
      const quality = shown()?.getVideoPlaybackQuality();
      const isHeard = Math.abs(heardHz() - toneHz) < 40;
      moments.push({ atMs: Date.now(), isHeard, framesDecoded: quality?.totalVideoFrames ?? 0 });
    }, 20);
    watch = { timer, moments };
  };
  const stopWatch = (): Moment[] => {
    clearInterval(watch?.timer);
    return watch?.moments ?? [];
  };

  window.callProbe = { read, startWatch, stopWatch, connection: () => connections.at(-1) };
}
