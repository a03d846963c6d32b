/**
 * The sound of a ringing call: two soft notes, made by WebAudio, every three seconds. Started and stopped by
 * CallSurfaces through `startRinging`.
 * Invariants: it stops at once and for good when asked; a window that may not play sound yet rings silently; where
 * the chosen device is not there it rings on the system's choice.
 * spec: W3C Web Audio, AudioContext.setSinkId.
 */

const PERIOD_MS = 3_000;
/** E5 and B5: a rising fifth, friendly and hard to mistake for a message. */
const NOTES = [
  { hertz: 659.25, atS: 0 },
  { hertz: 987.77, atS: 0.22 },
  { hertz: 659.25, atS: 0.66 },
  { hertz: 987.77, atS: 0.88 },
] as const;
const NOTE_S = 0.5;
const LOUDNESS = 0.12;

/** Not in TypeScript's library yet. */
type SinkContext = AudioContext & { setSinkId?: (sinkId: string) => Promise<void> };

/** Rings on a device, or on the system's choice, until the returned function is called. */
export function startRinging(ringId: string | undefined): () => void {
  let context: SinkContext;
  try {
    context = new AudioContext();
  } catch {
    // No sound device: the card is seen all the same.
    return () => {};
  }
  const ring = () => {
    if (context.state !== "running") return;
    for (const note of NOTES) playNote(context, note.hertz, context.currentTime + 0.02 + note.atS);
  };
  const begin = async () => {
    if (ringId !== undefined && ringId !== "") await context.setSinkId?.(ringId).catch(() => {});
    await context.resume();
    ring();
  };
  void begin().catch(() => {});
  const timer = setInterval(ring, PERIOD_MS);
  return () => {
    clearInterval(timer);
    void context.close().catch(() => {});
  };
}

function playNote(context: AudioContext, hertz: number, startS: number): void {
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0.0001, startS);
  gain.gain.exponentialRampToValueAtTime(LOUDNESS, startS + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, startS + NOTE_S);
  // A quiet octave above the note takes the edge off the pure tone.
  for (const [factor, share] of [
    [1, 1],
    [2, 0.18],
  ] as const) {
    const oscillator = context.createOscillator();
    const part = context.createGain();
    oscillator.frequency.value = hertz * factor;
    part.gain.value = share;
    oscillator.connect(part).connect(gain);
    oscillator.start(startS);
    oscillator.stop(startS + NOTE_S);
  }
}
