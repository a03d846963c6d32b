/**
 * The devices there are, and two ways to try them out: a level meter and a test tone. Used by the call settings and
 * the menus of a running call; nothing here opens a microphone or a camera.
 * Invariants: "default" and "communications" are no devices of their own and are not listed (no choice means the
 * system's default); what is opened here is closed by the function that is given back.
 * spec: W3C Media Capture and Streams, enumerateDevices; Audio Output Devices API.
 */

export type MediaDevice = { deviceId: string; label: string };

export type DeviceLists = {
  microphones: readonly MediaDevice[];
  cameras: readonly MediaDevice[];
  speakers: readonly MediaDevice[];
};

const SYSTEM_CHOICES: ReadonlySet<string> = new Set(["", "default", "communications"]);
const NO_DEVICES: DeviceLists = { microphones: [], cameras: [], speakers: [] };

/** Tells the devices now and whenever one comes or goes. Labels are empty until a device of the kind was allowed once. */
export function watchDevices(listener: (devices: DeviceLists) => void): () => void {
  // Absent on pages that are not secure contexts.
  if (!("mediaDevices" in navigator)) {
    listener(NO_DEVICES);
    return () => {};
  }
  let isClosed = false;
  let written = "";
  const tell = async () => {
    let found: MediaDeviceInfo[];
    try {
      found = await navigator.mediaDevices.enumerateDevices();
    } catch {
      found = [];
    }
    const ofKind = (kind: MediaDeviceKind) =>
      found
        .filter((device) => device.kind === kind && !SYSTEM_CHOICES.has(device.deviceId))
        .map(({ deviceId, label }) => ({ deviceId, label }));
    const devices: DeviceLists = {
      microphones: ofKind("audioinput"),
      cameras: ofKind("videoinput"),
      speakers: ofKind("audiooutput"),
    };
    // One plug is several events.
    const now = JSON.stringify(devices);
    if (isClosed || now === written) return;
    written = now;
    listener(devices);
  };
  const onChange = () => void tell();
  navigator.mediaDevices.addEventListener("devicechange", onChange);
  onChange();
  return () => {
    isClosed = true;
    navigator.mediaDevices.removeEventListener("devicechange", onChange);
  };
}

const LEVEL_EVERY_MS = 66;
/** Speech at a usual distance: this many decibels below full scale is an empty meter. */
const METER_RANGE_DB = 60;

/** Tells how loud `stream` is, about fifteen times a second, from 0 (silent) to 1 (as loud as can be). */
export function openLevelMeter(stream: MediaStream, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(stream);
  const analyser = context.createAnalyser();
  analyser.fftSize = 1_024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, LEVEL_EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}

/** The loudness of samples between -1 and 1, on the scale of ears: decibels. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length));
  return Math.min(1, Math.max(0, 1 + decibels / METER_RANGE_DB));
}

const TONE_MS = 800;
const TONE_HZ = 523.25;
const TONE_FADE_S = 0.05;

/** Plays a short tone on a speaker, or on the system's default. Rejects when that speaker cannot be had. */
export async function playTestTone(speakerId: string | undefined): Promise<void> {
  const context = new AudioContext();
  const element = new Audio();
  try {
    // Through an element, as calls are played: it is this way that is tried out.
    if (speakerId !== undefined) await element.setSinkId(speakerId);
    const destination = context.createMediaStreamDestination();
    const oscillator = new OscillatorNode(context, { frequency: TONE_HZ });
    const gain = new GainNode(context, { gain: 0 });
    oscillator.connect(gain).connect(destination);
    element.srcObject = destination.stream;
    const endS = context.currentTime + TONE_MS / 1_000;
    gain.gain.setTargetAtTime(0.3, context.currentTime, TONE_FADE_S);
    gain.gain.setTargetAtTime(0, endS - TONE_FADE_S * 4, TONE_FADE_S);
    oscillator.start();
    oscillator.stop(endS);
    await element.play();
    await new Promise((resolve) => setTimeout(resolve, TONE_MS));
  } finally {
    element.srcObject = null;
    await context.close();
  }
}
