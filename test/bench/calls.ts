/**
 * Calls as their users feel them: answer click → connected, first sound, first picture; the pages' processor time; how
 * long media is away after a network was gone for 3 s. Ours beside matrix-js-sdk's MatrixCall on the same Synapse and
 * beside two bare RTCPeerConnections, by turns in one run. Floors: matrix-js-sdk for the times, bare peers for the
 * processor. Run by run.ts. Invariant: every page is watched by the same script from outside.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Browser, type CDPSession, type Page } from "playwright";
import { build } from "../../main/tools/build.ts";
import { callFlags } from "../interop/support/chromium.ts";
import { measureCut, type Gap } from "../interop/network/call-checks.ts";
import { MARKERS } from "../interop/network/call-probe.ts";
import { openCallRoom, type CallRoom } from "../interop/network/call-room.ts";
import { ensureChromium, ensureTurnServer } from "../support/setup.ts";
import { summarize, type Sample } from "./samples.ts";

const CALLS = 20;
const CUTS = 20;
/** A browser asks for a whole picture every 3 s: a cut of just that length would measure luck. */
const CUT_MS = 3_300;
const AFTER_CUT_MS = 3_500;
/** Of about a hundred looks into a cut: a busy machine may play late what it had. */
const MAX_LEAKED = 10;
const PROCESSOR_RUNS = 5;
const PROCESSOR_MS = 6_000;
/** Ours begin at half their size, and grow where the machine has time for it; a slow one is given several readings. */
const WHOLE_WITHIN_MS = 30_000;
const OURS = "ours";
const UNTUNED = "ours, begun large and slowly";
const SDK = "floor: matrix-js-sdk";
const BARE = "floor: two bare peers";

/** In milliseconds from the click on "Answer". */
type Times = { connectedMs: number; soundMs: number; pictureMs: number };

declare global {
  interface Window {
    callTimes: { clickedAtMs: number; times: Partial<Times> };
    barePeer: RTCPeerConnection;
  }
}

export async function benchCalls(): Promise<Sample[]> {
  await build();
  const browser = await chromium.launch({ executablePath: await ensureChromium(), args: callFlags });
  try {
    await using ours = await openCallRoom();
    const { homeserver } = ours;
    await using untuned = await openCallRoom({ homeserver });
    await using theirs = await openCallRoom({ homeserver });
    return [...(await benchOpenRooms(browser, { ours, untuned, theirs })), ...(await benchCuts(browser))];
  } finally {
    await browser.close();
  }
}

type Rooms = { ours: CallRoom; untuned: CallRoom; theirs: CallRoom };

async function benchOpenRooms(browser: Browser, { ours, untuned, theirs }: Rooms): Promise<Sample[]> {
  const [alice, bob] = [await ours.openApp("alice", { browser }), await ours.openApp("bob", { browser })];
  const [erin, frank] = [await untuned.openApp("alice", { browser }), await untuned.openApp("bob", { browser })];
  for (const { page } of [erin, frank]) await page.evaluate(beginAsUsual);
  const [carol, dave] = [await theirs.openSdk("alice", { browser }), await theirs.openSdk("bob", { browser })];
  const apps = openApps(alice.page, bob.page);
  const plainApps = openApps(erin.page, frank.page);
  const sdks = openSdks(carol.page, dave.page, theirs.roomId);
  for (const page of [bob.page, frank.page, dave.page]) await page.evaluate(watchTimes);
  const bare = await openBarePages(browser);
  const times = new Map<string, Times[]>([
    [OURS, []],
    [UNTUNED, []],
    [SDK, []],
  ]);
  const pairs = [
    [SDK, sdks, dave.page],
    [UNTUNED, plainApps, frank.page],
    [OURS, apps, bob.page],
  ] as const;
  for (let run = 0; run <= CALLS; run += 1) {
    for (const [name, pair, callee] of pairs) {
      await pair.connect();
      const taken = await readTimes(callee);
      await pair.hangUp();
      // The first call of a page loads what the others find loaded.
      if (run > 0) times.get(name)?.push(taken);
    }
  }
  const samples = (["connectedMs", "soundMs", "pictureMs"] as const).flatMap((key) => {
    const bench = { connectedMs: "connected", soundMs: "first-sound", pictureMs: "first-picture" }[key];
    const of = (name: string) => (times.get(name) ?? []).map((each) => each[key]);
    const floor = summarize(`answer-to-${bench}`, SDK, of(SDK));
    return [floor, ...[UNTUNED, OURS].map((name) => summarize(`answer-to-${bench}`, name, of(name), floor))];
  });
  return [...samples, ...(await benchProcessor(browser, apps, bare))];
}

type Pair = { pages: readonly Page[]; connect(): Promise<void>; hangUp(): Promise<void> };

function openApps(caller: Page, callee: Page): Pair {
  const hangUpOf = (page: Page) => page.getByRole("button", { name: "Hang up", exact: true });
  return {
    pages: [caller, callee],
    async connect() {
      await caller.getByRole("button", { name: "Video call", exact: true }).click();
      const card = callee.getByRole("alertdialog", { name: "Incoming call" });
      const answer = card.getByRole("button", { name: "Answer", exact: true });
      await answer.waitFor();
      // Nobody answers within the first blink; what can be prepared meanwhile may be.
      await sleep(1_000);
      await answer.click();
    },
    async hangUp() {
      await hangUpOf(caller).click();
      for (const page of [caller, callee]) await hangUpOf(page).waitFor({ state: "detached" });
    },
  };
}

function openSdks(caller: Page, callee: Page, roomId: string): Pair {
  const until = async (page: Page, state: string) => {
    await page.waitForFunction((wanted) => window.sdkUser.callState === wanted, state);
  };
  return {
    pages: [caller, callee],
    async connect() {
      await caller.evaluate((room) => window.sdkUser.place(room, "video"), roomId);
      await until(callee, "ringing");
      await sleep(1_000);
      await callee.evaluate(() => {
        window.callTimes.clickedAtMs = performance.now();
        window.callTimes.times = {};
        return window.sdkUser.answer();
      });
    },
    async hangUp() {
      await caller.evaluate(() => window.sdkUser.hangUp());
      await until(callee, "ended");
    },
  };
}

/** Runs in a page of ours: its pictures begin as the browser has them begin, whole and with few bits. */
function beginAsUsual(): void {
  const { prototype } = RTCPeerConnection;
  const real = prototype.setRemoteDescription;
  prototype.setRemoteDescription = function setUntuned(this: RTCPeerConnection, description) {
    const sdp = description.sdp?.replaceAll(/;?x-google-start-bitrate=\d+/gu, "");
    return Reflect.apply(real, this, [{ type: description.type, ...(sdp === undefined ? {} : { sdp }) }]);
  };
  const sender = RTCRtpSender.prototype;
  const setParameters = sender.setParameters;
  sender.setParameters = function setWhole(this: RTCRtpSender, parameters, ...rest) {
    for (const encoding of parameters.encodings) delete encoding.scaleResolutionDownBy;
    return Reflect.apply(setParameters, this, [parameters, ...rest]);
  };
}

/** Runs in the callee's page: times what its next connections do. */
function watchTimes(): void {
  const state: Window["callTimes"] = { clickedAtMs: 0, times: {} };
  window.callTimes = state;
  // What a client logs is its own affair, but the test tool reads it all.
  for (const name of ["log", "debug", "info", "warn", "trace"] as const) console[name] = () => {};
  addEventListener(
    "pointerup",
    () => {
      state.clickedAtMs = performance.now();
      state.times = {};
    },
    { capture: true },
  );
  const Real = window.RTCPeerConnection;
  const watched = new WeakSet<HTMLVideoElement>();
  const take = (key: keyof Times) => {
    state.times[key] ??= performance.now() - state.clickedAtMs;
  };
  window.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") take("connectedMs");
      });
      const timer = setInterval(() => {
        // Who looks on costs the page, too. The times of the call before stay until the click.
        const isDone = this.connectionState === "connected" && Object.keys(state.times).length === 3;
        if (this.connectionState === "closed" || isDone) clearInterval(timer);
        for (const receiver of this.getReceivers()) {
          if (receiver.track.kind === "audio" && receiver.getSynchronizationSources().length > 0) take("soundMs");
          if (receiver.track.kind !== "video") continue;
          for (const video of document.querySelectorAll("video")) {
            if (watched.has(video) || !(video.srcObject instanceof MediaStream)) continue;
            if (!video.srcObject.getTracks().includes(receiver.track)) continue;
            watched.add(video);
            video.requestVideoFrameCallback(() => take("pictureMs"));
          }
        }
      }, 4);
    }
  };
}

async function readTimes(page: Page): Promise<Times> {
  const read = await page.waitForFunction(() => {
    const { times } = window.callTimes;
    return times.connectedMs !== undefined && times.soundMs !== undefined && times.pictureMs !== undefined && times;
  });
  return (await read.jsonValue()) as Times;
}

// --- the processor --------------------------------------------------------------------------------------------

/** What the media of a call costs the pages, in milliseconds of processor time for each second of the call. */
async function benchProcessor(browser: Browser, apps: Pair, bare: Pair): Promise<Sample[]> {
  const session = await browser.newBrowserCDPSession();
  const costs = new Map<string, number[]>([
    [BARE, []],
    [OURS, []],
  ]);
  for (let run = 0; run < PROCESSOR_RUNS; run += 1) {
    for (const [name, pair] of [[BARE, bare] as const, [OURS, apps] as const]) {
      await pair.connect();
      for (const page of pair.pages) await page.waitForFunction(areWhole, undefined, { timeout: WHOLE_WITHIN_MS });
      const before = await rendererSeconds(session);
      await sleep(PROCESSOR_MS);
      costs.get(name)?.push(((await rendererSeconds(session)) - before) * (1_000_000 / PROCESSOR_MS));
      await pair.hangUp();
    }
  }
  const floor = summarize("processor-per-second-of-call", BARE, costs.get(BARE) ?? []);
  return [floor, summarize("processor-per-second-of-call", OURS, costs.get(OURS) ?? [], floor)];
}

/** Runs in a page: our picture and theirs are as large as cameras make them. */
function areWhole(): boolean {
  const widths = Array.from(document.querySelectorAll("video"), ({ videoWidth }) => videoWidth);
  return widths.length === 2 && widths.every((width) => width >= 1_280);
}

async function rendererSeconds(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** Two pages with a connection and two pictures each, and nothing else. */
async function openBarePages(browser: Browser): Promise<Pair> {
  const open = async (): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1_200, height: 800 } });
    const page = await context.newPage();
    await page.route("http://localhost/**", (route) => route.fulfill({ contentType: "text/html", body: "<body>" }));
    await page.goto("http://localhost/");
    return page;
  };
  const [caller, callee] = [await open(), await open()];
  const describe = (page: Page, remote?: RTCSessionDescriptionInit) => page.evaluate(describeBare, remote);
  return {
    pages: [caller, callee],
    async connect() {
      for (const page of [caller, callee]) await page.evaluate(openBare);
      const answer = await describe(callee, await describe(caller));
      await caller.evaluate((remote) => window.barePeer.setRemoteDescription(remote), answer);
    },
    async hangUp() {
      for (const page of [caller, callee]) await page.evaluate(closeBare);
    },
  };
}

/** Runs in a bare page. The media are those that our app asks for. */
async function openBare(): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    video: { width: { ideal: 1_280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  });
  const peer = new RTCPeerConnection();
  window.barePeer = peer;
  const show = (shown: MediaStream, style: string, isMuted: boolean) => {
    const video = document.createElement("video");
    Object.assign(video, { autoplay: true, srcObject: shown, muted: isMuted });
    video.style.cssText = style;
    document.body.append(video);
  };
  for (const track of stream.getTracks()) peer.addTrack(track, stream);
  show(stream, "position:fixed;right:0;bottom:0;width:200px", true);
  peer.addEventListener("track", ({ track, streams: [remote] }) => {
    if (remote && track.kind === "video") show(remote, "width:100%;height:600px", false);
  });
}

/** Runs in a bare page: gives its offer, or its answer to `remote`, with all its candidates. */
async function describeBare(remote?: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit> {
  const peer = window.barePeer;
  if (remote) await peer.setRemoteDescription(remote);
  await peer.setLocalDescription();
  while (peer.iceGatheringState !== "complete") await new Promise((resolve) => setTimeout(resolve, 10));
  return { type: peer.localDescription?.type ?? "offer", sdp: peer.localDescription?.sdp ?? "" };
}

function closeBare(): void {
  for (const { track } of window.barePeer.getSenders()) track?.stop();
  window.barePeer.close();
  document.body.replaceChildren();
}

// --- the gap after a cut --------------------------------------------------------------------------------------

/** Both calls run at once over one relay, so that one and the same cut meets them. */
async function benchCuts(browser: Browser): Promise<Sample[]> {
  const turnServer = await ensureTurnServer();
  if (turnServer === undefined) {
    process.stderr.write("!!! SKIPPED the gap after a cut: there is no coturn\n");
    return [];
  }
  await using ours = await openCallRoom({ turnServer });
  await using theirs = await openCallRoom({ homeserver: ours.homeserver });
  const options = { browser, isRelayOnly: true };
  const as = { alice: { ...options, marker: MARKERS.alice }, bob: { ...options, marker: MARKERS.bob } };
  const [alice, bob] = [await ours.openApp("alice", as.alice), await ours.openApp("bob", as.bob)];
  const [carol, dave] = [await theirs.openSdk("alice", as.alice), await theirs.openSdk("bob", as.bob)];
  for (const page of [bob.page, dave.page]) await page.evaluate(watchTimes);
  await openApps(alice.page, bob.page).connect();
  await openSdks(carol.page, dave.page, theirs.roomId).connect();
  await sleep(4_000);
  const gaps = new Map<string, Gap[]>([
    [SDK, []],
    [OURS, []],
  ]);
  for (let run = 0; run < CUTS; run += 1) {
    const [toUs, toThem] = await measureCut({
      listeners: [
        { page: bob.page, toneHz: MARKERS.alice.toneHz },
        { page: dave.page, toneHz: MARKERS.alice.toneHz },
      ],
      cut: () => ours.relayNetwork?.cut(),
      mend: () => ours.relayNetwork?.mend(),
      cutMs: CUT_MS,
      afterMs: AFTER_CUT_MS,
    });
    if (!toUs || !toThem) continue;
    const { heardCount, frameCount } = toUs.leaked;
    if (heardCount + frameCount > MAX_LEAKED)
      throw new Error(`The cut was none: the sound was there ${heardCount} times, and ${frameCount} frames came.`);
    gaps.get(OURS)?.push(toUs);
    gaps.get(SDK)?.push(toThem);
  }
  return (["soundAfterCutMs", "pictureAfterCutMs"] as const).flatMap((key) => {
    const bench = key === "soundAfterCutMs" ? "cut-3s-to-sound" : "cut-3s-to-picture";
    // Who was not back by the end of the look is put there.
    const of = (name: string) => (gaps.get(name) ?? []).map((gap) => Math.min(gap[key], AFTER_CUT_MS));
    const floor = summarize(bench, SDK, of(SDK));
    return [floor, summarize(bench, OURS, of(OURS), floor)];
  });
}
