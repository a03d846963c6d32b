/**
 * What the specs of bad networks ask of a page in a call, in words. Invariant: every check reads the probe
 * (call-probe.ts), never the words of the client under test, except where those words are what is checked.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type Page } from "@playwright/test";
import { readProbe, type Marker, type Moment } from "./call-probe.ts";

const MAX_HZ_OFF = 20;
/** Codecs and colour spaces change a colour a little, loss more than that. */
const MAX_COLOUR_OFF = 70;

/** Resolves when the page plays the marker's tone and shows its colour. */
export async function expectMarker(page: Page, marker: Marker, who: string): Promise<void> {
  const read = async () => {
    const { heardHz, seen } = await readProbe(page);
    return {
      hears: Math.abs(heardHz - marker.toneHz) < MAX_HZ_OFF,
      sees: seen?.every((channel, at) => Math.abs(channel - (marker.colour[at] ?? 0)) < MAX_COLOUR_OFF) ?? false,
    };
  };
  await expect
    .poll(read, { message: `${who} hears and sees the other side`, timeout: 20_000, intervals: [100] })
    .toEqual({ hears: true, sees: true });
}

/** Resolves when new frames and new packets came after the call of this function. */
export async function expectFlow(page: Page, who: string): Promise<void> {
  const before = await readProbe(page);
  const read = async () => {
    const now = await readProbe(page);
    return now.framesDecoded > before.framesDecoded + 10 && now.packetsReceived > before.packetsReceived + 20;
  };
  await expect.poll(read, { message: `${who} gets new media`, timeout: 10_000, intervals: [200] }).toBe(true);
}

/** What a cut did to the sound and the picture of a page, in milliseconds. */
export type Gap = {
  /** From the end of the cut until both are there again. */
  soundAfterCutMs: number;
  pictureAfterCutMs: number;
  /** Within the cut, from a second after its begin, when what was buffered is over: what was heard and how many frames came all the same. */
  leaked: { heardCount: number; frameCount: number };
};

/** Reads the gap off what the page's watch saw. */
export function measureGap(moments: readonly Moment[], cut: { fromMs: number; untilMs: number }): Gap {
  const during = moments.filter(({ atMs }) => atMs > cut.fromMs + 1_000 && atMs < cut.untilMs);
  const after = moments.filter(({ atMs }) => atMs >= cut.untilMs);
  const lastFrames = during.at(-1)?.framesDecoded ?? 0;
  const since = (moment: Moment | undefined) => (moment ? moment.atMs - cut.untilMs : Number.POSITIVE_INFINITY);
  return {
    soundAfterCutMs: since(after.find(({ isHeard }) => isHeard)),
    pictureAfterCutMs: since(after.find(({ framesDecoded }) => framesDecoded > lastFrames)),
    leaked: {
      heardCount: during.filter(({ isHeard }) => isHeard).length,
      frameCount: lastFrames - (during[0]?.framesDecoded ?? 0),
    },
  };
}

export type CutOptions = {
  /** Each with the tone that it hears. */
  listeners: readonly { page: Page; toneHz: number }[];
  cut: () => Promise<void> | void;
  mend: () => Promise<void> | void;
  cutMs: number;
  /** How long is looked for media afterwards. */
  afterMs: number;
  /** Runs while the cut lasts. */
  meanwhile?: () => Promise<void>;
};

/** Cuts the network for a while, and gives what each page saw of it. */
export async function measureCut({ listeners, cut, mend, cutMs, afterMs, meanwhile }: CutOptions): Promise<Gap[]> {
  for (const { page, toneHz } of listeners) await page.evaluate((hz) => window.callProbe.startWatch(hz), toneHz);
  await cut();
  const fromMs = Date.now();
  await Promise.all([sleep(cutMs), meanwhile?.()]);
  await mend();
  const untilMs = Date.now();
  await sleep(afterMs);
  const watched = await Promise.all(listeners.map(({ page }) => page.evaluate(() => window.callProbe.stopWatch())));
  return watched.map((moments) => measureGap(moments, { fromMs, untilMs }));
}
