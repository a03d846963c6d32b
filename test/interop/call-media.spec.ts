/**
 * Calls in a real Chromium: our call machine and call media against themselves and against matrix-js-sdk's
 * MatrixCall, in both roles: voice, pictures, hold, screens, devices, odd and hostile peers. Proven by what arrives:
 * frames and sound, and, by marks, which frames and which sound.
 * No homeserver takes part; the wire is in the page. spec: voip.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { openBundle } from "./support/page-bundle.ts";

const PAGE = fileURLToPath(new URL("pages/call-peers.page.ts", import.meta.url));

type Side = "alice" | "bob" | "them";
type Media = "voice" | "video";

const statsOf = (page: Page, side: Side) =>
  page.evaluate(async (name) => (await window.peers[name]?.stats()) ?? { framesDecoded: 0, totalAudioEnergy: 0 }, side);

const wireTypes = (page: Page, from: Side) =>
  page.evaluate((name) => window.peers.wire.filter((event) => event.from === name).map((event) => event.type), from);

/** What came in grows while we look: the media is live, not only once seen. */
async function expectMedia(page: Page, side: Side, media: Media): Promise<void> {
  const before = await statsOf(page, side);
  await expect
    .poll(
      async () => {
        const now = await statsOf(page, side);
        return {
          sound: now.totalAudioEnergy > before.totalAudioEnergy,
          picture: media === "voice" ? now.framesDecoded === 0 : now.framesDecoded > before.framesDecoded + 5,
        };
      },
      { message: `${side} sees and hears`, timeout: 20_000, intervals: [100] },
    )
    .toEqual({ sound: true, picture: true });
}

/** What a side hears and sees, by the marks of marked-media.ts: the loudest tone in hertz, the hue in degrees. */
type Senses = { tone?: number | undefined; hue?: number | undefined; screenTone?: number; screenHue?: number };

/** Waits until a side hears and sees this, and of each sense that is not named nothing. */
async function expectSenses(page: Page, side: Side, expected: Senses): Promise<void> {
  const isNear = (a: number | undefined, b: number | undefined, by: number) =>
    a === b || (a !== undefined && b !== undefined && Math.abs(a - b) < by);
  await expect
    .poll(
      async () => {
        const found = await page.evaluate((name) => {
          const { [name]: one } = window.peers;
          return {
            tone: one?.hears()[0],
            hue: one?.sees(),
            screenTone: one?.hears("screen")[0],
            screenHue: one?.sees("screen"),
          };
        }, side);
        const isAsExpected =
          isNear(found.tone, expected.tone, 20) &&
          isNear(found.hue, expected.hue, 15) &&
          isNear(found.screenTone, expected.screenTone, 20) &&
          isNear(found.screenHue, expected.screenHue, 15);
        return isAsExpected ? expected : found;
      },
      { message: `what ${side} hears and sees`, intervals: [100], timeout: 15_000 },
    )
    .toEqual(expected);
}

/** What the views are told, but for the streams, which cannot leave the page. */
const snapshotOf = (page: Page, side: "alice" | "bob") =>
  page.evaluate((name) => {
    const media = window.peers[name]?.media.snapshot();
    if (!media) throw new Error(`${name} is not there`);
    const { isHeldByPeer, screen, camera, problem, details } = media;
    return { isHeldByPeer, screen, camera, problem, details };
  }, side);

const settled = { intervals: [100] };
const openCount = (page: Page, deviceId: string) =>
  page.evaluate((id) => window.peers.devices?.openCount(id), deviceId);

type Call = {
  media: Media;
  caller: Side;
  callee: Side;
  /** Devices that can be told apart. */
  hasMarks?: boolean;
  isRelayOnly?: boolean;
  /** Runs in the page before anybody calls. */
  prepare?: () => void;
};

/** Opens the page and a call of two in it, of whom one is alice; resolves when it was answered. */
async function openCall(page: Page, { prepare, ...call }: Call): Promise<void> {
  const { media, callee } = call;
  await openBundle(page, PAGE);
  if (prepare) await page.evaluate(prepare);
  await page.evaluate(({ hasMarks, isRelayOnly = false, ...asked }) => {
    const { peers } = window;
    if ([asked.caller, asked.callee].includes("them")) peers.openTheirs();
    else peers.openOurs({ isRelayOnly });
    if (hasMarks) peers.useMarks();
    peers[asked.caller]?.place(asked.media);
  }, call);
  if (callee === "them") {
    await page.waitForFunction(() => window.peers.them?.hasInvite);
    expect(await page.evaluate(() => window.peers.them?.kind)).toBe(media);
  } else await page.waitForFunction((name) => window.peers[name]?.phase === "ringing", callee);
  await page.evaluate(([name, kind]) => window.peers[name]?.answer(kind), [callee, media] as const);
}

const withThem = (caller: "alice" | "them") => ({ caller, callee: caller === "them" ? "alice" : "them" }) as const;
const withBob = { caller: "alice", callee: "bob" } as const;

/** A call of alice with matrix-js-sdk, with devices that can be told apart; resolves when both hear each other. */
async function openMarkedCall(page: Page, caller: "alice" | "them", media: Media): Promise<void> {
  await openCall(page, { media, ...withThem(caller), hasMarks: true });
  await expectSenses(page, "them", { tone: 1_250, ...(media === "video" ? { hue: 300 } : {}) });
  await expectSenses(page, "alice", { tone: 700, ...(media === "video" ? { hue: 60 } : {}) });
}

async function expectNoMedia(page: Page, side: "alice" | "bob"): Promise<void> {
  const tracks = await page.evaluate(
    (name) => window.peers[name]?.media.snapshot().localStream?.getTracks().length ?? 0,
    side,
  );
  expect(tracks).toBe(0);
}

test("a large picture begins at half its size, and is whole as soon as it can be", async ({ page }) => {
  // How long a picture takes here depends on what else this machine does; everything else is the browser's own word.
  await page.evaluate(() => {
    const { prototype } = RTCPeerConnection;
    const getStats = prototype.getStats;
    prototype.getStats = async function getQuickStats(this: RTCPeerConnection, ...args) {
      const report = await Reflect.apply(getStats, this, args);
      const entries = Array.from(report, ([id, entry]: [string, object]) => {
        const { framesEncoded } = entry as { framesEncoded?: number };
        return [id, framesEncoded === undefined ? entry : { ...entry, totalEncodeTime: framesEncoded / 1_000 }];
      });
      return new Map(entries as [string, object][]);
    };
  });
  await openCall(page, { media: "video", ...withBob });
  const details = async (side: "alice" | "bob") => (await snapshotOf(page, side)).details;
  // The first reading comes before what it brings about.
  await expect.poll(() => details("alice"), settled).toMatchObject({ outgoing: { widthPx: 640, heightPx: 360 } });
  await expect
    .poll(() => details("bob"), { timeout: 30_000 })
    .toMatchObject({ incoming: { widthPx: 1_280, heightPx: 720 } });
});

for (const media of ["voice", "video"] as const) {
  test(`ours and ours: ${media}`, async ({ page }) => {
    await openCall(page, { media, ...withBob });
    await expectMedia(page, "alice", media);
    await expectMedia(page, "bob", media);

    const invite = (await page.evaluate(
      () => window.peers.wire.find((event) => event.type === "m.call.invite")?.content,
    )) as { offer: { sdp: string }; sdp_stream_metadata: object };
    const { sdp } = invite.offer;
    expect(sdp, "candidates go inside the invite").toMatch(/^a=candidate:/mu);
    expect(sdp, "no data channel is offered").not.toContain("m=application");
    for (const [, streamId] of sdp.matchAll(/^a=msid:(\S+)/gmu))
      expect(Object.keys(invite.sdp_stream_metadata)).toContain(streamId);
    // The end of the candidates goes when it is in nobody's way.
    const lastCandidates = () =>
      page.evaluate(() => {
        const sent = window.peers.wire.filter((event) => event.type === "m.call.candidates");
        return ["alice", "bob"].map((side) => {
          const ofSide = sent.filter(({ from }) => from === side);
          return ofSide.flatMap(({ content }) => content["candidates"] as { candidate: string }[]).at(-1)?.candidate;
        });
      });
    await expect.poll(lastCandidates).toEqual(["", ""]);

    await page.evaluate(() => window.peers.alice?.hangUp());
    await expect.poll(() => page.evaluate(() => window.peers.bob?.phase)).toBe("ended");
    await expectNoMedia(page, "alice");
    await expectNoMedia(page, "bob");
  });
}

test("ours calls matrix-js-sdk, and hangs up", async ({ page }) => {
  await openMarkedCall(page, "alice", "voice");
  await page.evaluate(() => window.peers.alice?.hangUp());
  await expect.poll(() => page.evaluate(() => window.peers.them?.call?.state), settled).toBe("ended");
  await expectNoMedia(page, "alice");
  expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
});

test("matrix-js-sdk calls ours, and hangs up", async ({ page }) => {
  await openMarkedCall(page, "them", "video");
  await page.evaluate(() => window.peers.them?.hangUp());
  await expect.poll(() => page.evaluate(() => window.peers.alice?.phase), settled).toBe("ended");
  await expectNoMedia(page, "alice");
  expect(await openCount(page, "tone-1250")).toBe(0);
  expect(await openCount(page, "colour-300"), "the camera's light is out").toBe(0);
  expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
});

test("a camera that goes off and on again, towards matrix-js-sdk", async ({ page }) => {
  await openCall(page, { media: "video", ...withThem("alice") });
  await expectMedia(page, "them", "video");

  await page.evaluate(() => window.peers.alice?.media.setCamera(false));
  expect(await page.evaluate(() => window.peers.alice?.media.snapshot().localStream?.getVideoTracks().length)).toBe(0);
  await expect.poll(() => page.evaluate(() => window.peers.them?.isVideoMuted)).toBe(true);
  await page.evaluate(() => window.peers.alice?.media.setCamera(true));
  await expect.poll(() => page.evaluate(() => window.peers.them?.isVideoMuted)).toBe(false);
  await expectMedia(page, "them", "video");
  expect(await wireTypes(page, "alice"), "a muted camera needs no negotiation").not.toContain("m.call.negotiate");

  await page.evaluate(() => window.peers.them?.setVideoMuted(true));
  await expect.poll(() => page.evaluate(() => window.peers.alice?.media.snapshot().hasRemoteVideo)).toBe(false);
  await page.evaluate(() => window.peers.them?.setMicrophoneMuted(true));
  await expect.poll(() => page.evaluate(() => window.peers.alice?.media.snapshot().isRemoteMuted)).toBe(true);
});

for (const who of ["ours", "theirs"] as const) {
  test(`a voice call with matrix-js-sdk that gains pictures: ${who} first`, async ({ page }) => {
    await openCall(page, { media: "voice", ...withThem("them") });
    await expectMedia(page, "alice", "voice");
    await expectMedia(page, "them", "voice");
    if (who === "ours") {
      await page.evaluate(() => window.peers.alice?.media.setCamera(true));
      await expectMedia(page, "them", "video");
      await page.evaluate(() => window.peers.them?.setVideoMuted(false));
      await expectMedia(page, "alice", "video");
    } else {
      await page.evaluate(() => window.peers.them?.setVideoMuted(false));
      await expectMedia(page, "alice", "video");
      await page.evaluate(() => window.peers.alice?.media.setCamera(true));
      await expectMedia(page, "them", "video");
    }
    await expectMedia(page, "alice", "video");
    await expectMedia(page, "them", "video");
  });
}

test("offers that cross end with both pictures", async ({ page }) => {
  await openCall(page, { media: "voice", ...withBob });
  await expectMedia(page, "alice", "voice");
  await page.evaluate(() =>
    Promise.all([window.peers.alice?.media.setCamera(true), window.peers.bob?.media.setCamera(true)]),
  );
  await expectMedia(page, "alice", "video");
  await expectMedia(page, "bob", "video");
});

test("nonsense from the other side does not end a call", async ({ page }) => {
  await openCall(page, { media: "video", ...withBob });
  await expectMedia(page, "alice", "video");
  await page.evaluate(() => {
    const { alice } = window.peers;
    const inCall = { call_id: alice?.callId };
    alice?.receive("m.call.candidates", {
      ...inCall,
      candidates: [
        { candidate: "candidate:nonsense 1 udp 1 10.0.0.1 x typ host", sdpMid: "0" },
        { candidate: "candidate:1 1 udp 1 10.0.0.1 9 typ host" },
        { candidate: "candidate:1 1 udp 1 10.0.0.1 9 typ host", sdpMid: "97" },
        { candidate: "" },
      ],
    });
    alice?.receive("m.call.negotiate", { ...inCall, description: { type: "offer", sdp: "v=0\r\nnonsense" } });
    alice?.receive("m.call.negotiate", { ...inCall, description: { type: "answer", sdp: "stray" } });
  });
  await expectMedia(page, "alice", "video");
  await expectMedia(page, "bob", "video");
});

const reasons = {
  "they ask": () => window.peers.them?.restart(),
  "we came to another network": () => window.dispatchEvent(new Event("online")),
  "media stay away without a word": () =>
    Promise.all(window.peers.them?.call?.peerConn?.getSenders().map((sender) => sender.replaceTrack(null)) ?? []),
};
for (const [reason, begin] of Object.entries(reasons)) {
  test(`a new path is found with matrix-js-sdk: ${reason}`, async ({ page }) => {
    await openCall(page, { media: "voice", ...withThem("alice") });
    await expectMedia(page, "alice", "voice");
    const microphone = await page.evaluateHandle(() => window.peers.them?.call?.peerConn?.getSenders()[0]?.track);
    await page.evaluate<unknown>(begin);
    const fragments = () =>
      page.evaluate(() => {
        const texts = window.peers.wire.map(({ content }) => JSON.stringify(content));
        return new Set(texts.flatMap((each) => [...each.matchAll(/a=ice-ufrag:(.+?)\\r/gu)].map((match) => match[1])))
          .size;
      });
    // Each side has had two sets of credentials then.
    await expect.poll(fragments, { timeout: 10_000 }).toBe(4);
    await page.evaluate(
      (track) => track && window.peers.them?.call?.peerConn?.getSenders()[0]?.replaceTrack(track),
      microphone,
    );
    await expectMedia(page, "alice", "voice");
    await expectMedia(page, "them", "voice");
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
  });
}

for (const caller of ["alice", "them"] as const) {
  test(`hold each way with matrix-js-sdk: ${caller === "alice" ? "we" : "they"} called`, async ({ page }) => {
    await openMarkedCall(page, caller, "video");
    await page.evaluate(() => window.peers.alice?.setOnHold(true));
    await expectSenses(page, "them", {});
    await expectSenses(page, "alice", {});
    await expect.poll(() => page.evaluate(() => window.peers.them?.isHeld), settled).toBe(true);
    expect((await snapshotOf(page, "alice")).isHeldByPeer, "who holds is not held by that").toBe(false);
    await expect.poll(() => openCount(page, "colour-300"), settled).toBe(0);

    // A mute that came before the end of the hold outlives it.
    await page.evaluate(() => window.peers.alice?.media.setMicrophone(false));
    await page.evaluate(() => window.peers.alice?.setOnHold(false));
    await expectSenses(page, "them", { hue: 300 });
    await expectSenses(page, "alice", { tone: 700, hue: 60 });
    await page.evaluate(() => window.peers.alice?.media.setMicrophone(true));
    await expectSenses(page, "them", { tone: 1_250, hue: 300 });

    await page.evaluate(() => window.peers.them?.setOnHold(true));
    await expect.poll(async () => (await snapshotOf(page, "alice")).isHeldByPeer, settled).toBe(true);
    await expect.poll(() => page.evaluate(() => window.peers.them?.hears().length), settled).toBe(0);
    await page.evaluate(() => window.peers.them?.setOnHold(false));
    await expect.poll(async () => (await snapshotOf(page, "alice")).isHeldByPeer, settled).toBe(false);
    await expectSenses(page, "them", { tone: 1_250, hue: 300 });
    await expectSenses(page, "alice", { tone: 700, hue: 60 });
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
  });

  test(`screens each way with matrix-js-sdk: ${caller === "alice" ? "we" : "they"} called`, async ({ page }) => {
    await openMarkedCall(page, caller, "voice");
    const share = (hue: number, toneHz?: number) =>
      page.evaluate(
        async ([colour, tone]) => {
          const { devices, alice } = window.peers;
          if (devices) devices.nextScreen = { hue: colour ?? 0, ...(tone === undefined ? {} : { toneHz: tone }) };
          const mode = "text" as const;
          await alice?.media.startScreen({ maxHeightPx: 720, frameRate: 15, mode, withSound: tone !== undefined });
        },
        [hue, toneHz],
      );
    const ours = async () => {
      await share(120, 2_200);
      await expectSenses(page, "them", { tone: 1_250, screenTone: 2_200, screenHue: 120 });
      expect((await snapshotOf(page, "alice")).screen).toBe("on");
    };
    const theirs = async () => {
      await page.evaluate(() => {
        if (window.peers.devices) window.peers.devices.nextScreen = { hue: 20, toneHz: 3_100 };
        return window.peers.them?.share(true);
      });
      await expectSenses(page, "alice", { tone: 700, screenTone: 3_100, screenHue: 20 });
    };
    for (const begin of caller === "alice" ? [ours, theirs] : [theirs, ours]) await begin();
    await expectSenses(page, "alice", { tone: 700, screenTone: 3_100, screenHue: 20 });
    await expectSenses(page, "them", { tone: 1_250, screenTone: 2_200, screenHue: 120 });

    await page.evaluate(() => window.peers.alice?.setOnHold(true));
    await expect.poll(() => page.evaluate(() => window.peers.them?.isHeld), settled).toBe(true);
    await expectSenses(page, "alice", {});
    await page.evaluate(() => window.peers.alice?.setOnHold(false));
    await expectSenses(page, "alice", { tone: 700, screenTone: 3_100, screenHue: 20 });
    await expectSenses(page, "them", { tone: 1_250, screenTone: 2_200, screenHue: 120 });

    await page.evaluate(() => window.peers.alice?.media.stopScreen());
    await expectSenses(page, "them", { tone: 1_250 });
    await expectSenses(page, "alice", { tone: 700, screenTone: 3_100, screenHue: 20 });
    const sectionsOf = () =>
      page.evaluate(() => {
        const last = window.peers.wire.findLast((event) => event.type === "m.call.negotiate");
        return JSON.stringify(last?.content).match(/\\nm=/gu)?.length;
      });
    const before = await sectionsOf();
    await share(240);
    await expectSenses(page, "them", { tone: 1_250, screenHue: 240 });
    expect(await sectionsOf(), "the second time uses the places of the first").toBe(before);

    // "Stop sharing" of the system, and theirs by their own button.
    await page.evaluate(() => window.peers.devices?.unplug("screen"));
    await expectSenses(page, "them", { tone: 1_250 });
    expect((await snapshotOf(page, "alice")).screen).toBe("off");
    await page.evaluate(() => window.peers.them?.share(false));
    await expectSenses(page, "alice", { tone: 700 });
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
  });
}

test("screens that are shared by both sides at the same moment", async ({ page }) => {
  await openMarkedCall(page, "alice", "voice");
  await page.evaluate(() =>
    Promise.all([
      window.peers.alice?.media.startScreen({ maxHeightPx: 720, frameRate: 15, mode: "motion", withSound: false }),
      window.peers.them?.share(true),
    ]),
  );
  await expectSenses(page, "them", { tone: 1_250, screenHue: 120 });
  await expectSenses(page, "alice", { tone: 700, screenHue: 120 });
  expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
});

test("devices change and vanish in a call with matrix-js-sdk", async ({ page }) => {
  await openMarkedCall(page, "alice", "video");
  await page.evaluate(() => window.peers.alice?.choices.set({ microphoneId: "tone-1700", cameraId: "colour-200" }));
  await expectSenses(page, "them", { tone: 1_700, hue: 200 });
  await expect.poll(() => openCount(page, "tone-1250"), settled).toBe(0);
  await expect.poll(() => openCount(page, "colour-300"), settled).toBe(0);

  await page.evaluate(() => window.peers.devices?.unplug("tone-1700"));
  await expectSenses(page, "them", { tone: 700, hue: 200 });
  expect((await snapshotOf(page, "alice")).problem).toEqual({ device: "microphone", problem: "unplugged" });
  await page.evaluate(() => window.peers.devices?.unplug("colour-200"));
  await expectSenses(page, "them", { tone: 700 });
  expect(await snapshotOf(page, "alice")).toMatchObject({
    camera: "off",
    problem: { device: "camera", problem: "unplugged" },
  });
  expect(await wireTypes(page, "alice"), "no change of devices is negotiated").not.toContain("m.call.negotiate");

  // Back to a voice call, and to one of pictures with another camera.
  await page.evaluate(() => window.peers.alice?.choices.set({ cameraId: "colour-300" }));
  await page.evaluate(() => window.peers.alice?.media.setCamera(true));
  await expectSenses(page, "them", { tone: 700, hue: 300 });
  await page.evaluate(() => window.peers.alice?.media.setCamera(false));
  expect(await openCount(page, "colour-300"), "the camera's light is out").toBe(0);
  await expectSenses(page, "them", { tone: 700 });
});

test("a peer that says nothing of its streams gets the screen in the camera's place", async ({ page }) => {
  await openCall(page, {
    media: "video",
    ...withThem("alice"),
    hasMarks: true,
    prepare: () => {
      window.peers.onWire = ({ content }) => {
        const { sdp_stream_metadata: _ours, "org.matrix.msc3077.sdp_stream_metadata": _theirs, ...rest } = content;
        return rest;
      };
    },
  });
  await expectSenses(page, "them", { tone: 1_250, hue: 300 });
  await expectSenses(page, "alice", { tone: 700, hue: 60 });
  await page.evaluate(() =>
    window.peers.alice?.media.startScreen({ maxHeightPx: undefined, frameRate: 30, mode: "motion", withSound: true }),
  );
  await expectSenses(page, "them", { tone: 1_250, hue: 120 });
  // The camera may go and come meanwhile: the screen stays.
  await page.evaluate(() => window.peers.alice?.media.setCamera(false));
  await expectSenses(page, "them", { tone: 1_250, hue: 120 });
  await page.evaluate(() => window.peers.alice?.media.setCamera(true));
  await page.evaluate(() => window.peers.alice?.media.stopScreen());
  await expectSenses(page, "them", { tone: 1_250, hue: 300 });
  await page.evaluate(() => window.peers.them?.share(true));
  await expectSenses(page, "alice", { tone: 700, hue: 120 });
  expect(await wireTypes(page, "alice")).not.toContain("m.call.negotiate");
});

test("a peer of the old protocol is talked to, and never asked for what it cannot", async ({ page }) => {
  await openCall(page, {
    media: "voice",
    ...withThem("them"),
    hasMarks: true,
    prepare: () => {
      window.peers.onWire = ({ content }) => {
        const { party_id: _party, sdp_stream_metadata: _streams, capabilities: _capabilities, ...rest } = content;
        return { ...rest, version: 0 };
      };
    },
  });
  await expectSenses(page, "them", { tone: 1_250 });
  await expectSenses(page, "alice", { tone: 700 });
  await page.evaluate(() => window.peers.alice?.media.setCamera(true));
  expect(await openCount(page, "colour-300"), "a camera that cannot be sent is not opened").toBe(0);
  const refusal = await page.evaluate(() =>
    window.peers.alice?.media
      .startScreen({ maxHeightPx: undefined, frameRate: 30, mode: "text", withSound: false })
      .then(
        () => "none",
        (error: Error) => error.message,
      ),
  );
  expect(refusal).toBe("screen: unavailable");
  await page.evaluate(() => window.peers.alice?.restart());
  await page.waitForTimeout(300);
  await expectSenses(page, "them", { tone: 1_250 });
  expect(await wireTypes(page, "alice")).not.toContain("m.call.negotiate");
});

test("descriptions and candidates beyond measure cost nothing", async ({ page }) => {
  await openCall(page, { media: "voice", ...withBob, hasMarks: true });
  await expectSenses(page, "bob", { tone: 1_250 });
  const tookMs = await page.evaluate(async () => {
    const { alice, wire } = window.peers;
    const startMs = performance.now();
    const answer = wire.find((event) => event.type === "m.call.answer")?.content["answer"] as { sdp: string };
    const inCall = {
      call_id: alice?.callId,
      party_id: wire.find((event) => event.from === "bob")?.content["party_id"],
    };
    const negotiate = (sdp: string) =>
      alice?.receive("m.call.negotiate", {
        ...inCall,
        version: "1",
        lifetime: 60_000,
        description: { type: "offer", sdp },
      });
    const section = answer.sdp.slice(answer.sdp.indexOf("m=audio"));
    negotiate(answer.sdp + "a=x-filler:y\r\n".repeat(70_000));
    negotiate(answer.sdp + section.repeat(20));
    negotiate(answer.sdp + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(1_500));
    for (let batch = 0; batch < 100; batch++) {
      const candidates = Array.from({ length: 100 }, (_, index) => ({
        candidate: `candidate:${batch} 1 udp 1 10.${batch}.${index}.1 9 typ host`,
        sdpMid: "0",
      }));
      alice?.receive("m.call.candidates", { ...inCall, version: "1", candidates });
    }
    // Through the queue of the transport, behind all of it.
    await alice?.media.stats();
    return performance.now() - startMs;
  });
  expect(tookMs).toBeLessThan(3_000);
  await expectSenses(page, "bob", { tone: 1_250 });
  await expectSenses(page, "alice", { tone: 700 });
  expect(await page.evaluate(() => window.peers.alice?.phase)).toBe("connected");
});

test("under relay only no address of ours leaves the window", async ({ page }) => {
  await openCall(page, { media: "voice", ...withBob, isRelayOnly: true });
  // Without a relay there is no path; all that would be said has been said after this.
  await page.waitForFunction(() => window.peers.wire.some((event) => event.type === "m.call.candidates"));
  const said = await page.evaluate(() => JSON.stringify(window.peers.wire.filter((event) => event.from === "alice")));
  expect(said).not.toMatch(/typ (?:host|srflx|prflx)/u);
  expect(said).not.toMatch(/c=IN IP4 (?!0\.0\.0\.0)/u);
});

test("telephone tones are heard on the other side", async ({ page }) => {
  await openCall(page, { media: "voice", ...withBob, hasMarks: true });
  await expectSenses(page, "bob", { tone: 1_250 });
  await page.evaluate(() => window.peers.alice?.media.sendTones("5555"));
  // spec: ITU-T Q.23: the digit 5 is 770 Hz with 1,336 Hz.
  await expect
    .poll(
      () =>
        page.evaluate(() => {
          const tones = window.peers.bob?.hears() ?? [];
          return [770, 1_336].every((hertz) => tones.slice(0, 4).some((tone) => Math.abs(tone - hertz) < 15));
        }),
      { intervals: [30], timeout: 5_000 },
    )
    .toBe(true);
});

test("the browser's own devices: lists, level meter, test tone, treatment of the voice, and the screen", async ({
  page,
}) => {
  await openCall(page, { media: "voice", ...withBob });
  await expectMedia(page, "bob", "voice");
  const found = await page.evaluate(async () => {
    const { alice, tools } = window.peers;
    const devices = await tools.listDevices();
    const { localStream } = alice!.media.snapshot();
    const loudest = await tools.measure(localStream!, 1_200);
    const tones = await Promise.all(
      [devices.speakers[0]?.deviceId, "no such speaker"].map((id) =>
        tools.playTestTone(id).then(
          () => "played",
          () => "refused",
        ),
      ),
    );
    return { devices, loudest, tones };
  });
  expect(found.devices.microphones.length).toBeGreaterThan(0);
  expect(found.devices.microphones.map(({ deviceId }) => deviceId)).not.toContain("default");
  expect(found.devices.cameras[0]?.label).not.toBe("");
  expect(found.loudest).toBeGreaterThan(0.3);
  expect(found.tones).toEqual(["played", "refused"]);

  const treatment = () =>
    page.evaluate(() => {
      const settings = window.peers.alice?.media.snapshot().localStream?.getAudioTracks()[0]?.getSettings();
      return [settings?.echoCancellation, settings?.noiseSuppression, settings?.autoGainControl];
    });
  expect(await treatment()).toEqual([true, true, true]);
  await page.evaluate(() => window.peers.alice?.choices.set({ echoCancellation: false }));
  await expect.poll(treatment, settled).toEqual([false, true, true]);
  await page.evaluate(() => window.peers.alice?.choices.set({ noiseSuppression: false, autoGainControl: false }));
  await expect.poll(treatment, settled).toEqual([false, false, false]);
  await expectMedia(page, "bob", "voice");

  await page.evaluate(() =>
    window.peers.alice?.media.startScreen({ maxHeightPx: 360, frameRate: 5, mode: "text", withSound: true }),
  );
  await expect
    .poll(async () => (await snapshotOf(page, "bob")).details, settled)
    .toMatchObject({ path: "direct", incoming: { heightPx: 360 }, audioCodec: "opus" });
  const settings = await page.evaluate(() =>
    window.peers.alice?.media
      .snapshot()
      .screenStream?.getTracks()
      .map((track) => [track.kind, track.contentHint]),
  );
  expect(settings).toEqual([
    ["audio", "music"],
    ["video", "text"],
  ]);
  // The first second of a stream carries frames that were waiting; unlimited it would stay at the screen's own rate.
  await expect
    .poll(async () => (await snapshotOf(page, "bob")).details?.incoming?.framesPerSecond, settled)
    .toBeLessThanOrEqual(6);
});
