/**
 * Calls in a real Chromium: our call machine and call media against themselves and against matrix-js-sdk's
 * MatrixCall, in both roles, for voice and video. Proven by what arrives: decoded frames and the energy of the sound.
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
      { message: `${side} sees and hears`, timeout: 20_000 },
    )
    .toEqual({ sound: true, picture: true });
}

async function expectNoMedia(page: Page, side: "alice" | "bob"): Promise<void> {
  const tracks = await page.evaluate(
    (name) => window.peers[name]?.media.snapshot().localStream?.getTracks().length ?? 0,
    side,
  );
  expect(tracks).toBe(0);
}

for (const media of ["voice", "video"] as const) {
  test(`ours and ours: ${media}`, async ({ page }) => {
    await openBundle(page, PAGE);
    await page.evaluate((kind) => {
      window.peers.openOurs();
      window.peers.alice?.place(kind);
    }, media);
    await page.waitForFunction(() => window.peers.bob?.phase === "ringing");
    await page.evaluate((kind) => window.peers.bob?.answer(kind), media);
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
    const candidates = await page.evaluate(() =>
      window.peers.wire
        .filter((event) => event.type === "m.call.candidates")
        .map((event) => [event.from, event.content["candidates"]]),
    );
    for (const side of ["alice", "bob"]) {
      const ofSide = (candidates as [string, { candidate: string }[]][])
        .filter(([from]) => from === side)
        .flatMap(([, list]) => list);
      expect(ofSide.at(-1)?.candidate, `${side} ends its candidates`).toBe("");
    }

    await page.evaluate(() => window.peers.alice?.hangUp());
    await expect.poll(() => page.evaluate(() => window.peers.bob?.phase)).toBe("ended");
    await expectNoMedia(page, "alice");
    await expectNoMedia(page, "bob");
  });

  test(`ours calls matrix-js-sdk: ${media}`, async ({ page }) => {
    await openBundle(page, PAGE);
    await page.evaluate((kind) => {
      window.peers.openTheirs();
      window.peers.alice?.place(kind);
    }, media);
    await page.waitForFunction(() => window.peers.them?.hasInvite);
    expect(await page.evaluate(() => window.peers.them?.kind)).toBe(media);
    await page.evaluate(() => window.peers.them?.answer());
    await expectMedia(page, "alice", media);
    await expectMedia(page, "them", media);
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);

    await page.evaluate(() => window.peers.alice?.hangUp());
    await expect.poll(() => page.evaluate(() => window.peers.them?.call?.state)).toBe("ended");
  });

  test(`matrix-js-sdk calls ours: ${media}`, async ({ page }) => {
    await openBundle(page, PAGE);
    await page.evaluate((kind) => {
      window.peers.openTheirs();
      window.peers.them?.place(kind);
    }, media);
    await page.waitForFunction(() => window.peers.alice?.phase === "ringing");
    await page.evaluate((kind) => window.peers.alice?.answer(kind), media);
    await expectMedia(page, "alice", media);
    await expectMedia(page, "them", media);
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);

    await page.evaluate(() => window.peers.them?.hangUp());
    await expect.poll(() => page.evaluate(() => window.peers.alice?.phase)).toBe("ended");
    await expectNoMedia(page, "alice");
  });
}

test("a camera that goes off and on again, towards matrix-js-sdk", async ({ page }) => {
  await openBundle(page, PAGE);
  await page.evaluate(() => {
    window.peers.openTheirs();
    window.peers.alice?.place("video");
  });
  await page.waitForFunction(() => window.peers.them?.hasInvite);
  await page.evaluate(() => window.peers.them?.answer());
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
    await openBundle(page, PAGE);
    await page.evaluate(() => {
      window.peers.openTheirs();
      window.peers.them?.place("voice");
    });
    await page.waitForFunction(() => window.peers.alice?.phase === "ringing");
    await page.evaluate(() => window.peers.alice?.answer("voice"));
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
  await openBundle(page, PAGE);
  await page.evaluate(() => {
    window.peers.openOurs();
    window.peers.alice?.place("voice");
  });
  await page.waitForFunction(() => window.peers.bob?.phase === "ringing");
  await page.evaluate(() => window.peers.bob?.answer("voice"));
  await expectMedia(page, "alice", "voice");
  await page.evaluate(() =>
    Promise.all([window.peers.alice?.media.setCamera(true), window.peers.bob?.media.setCamera(true)]),
  );
  await expectMedia(page, "alice", "video");
  await expectMedia(page, "bob", "video");
});

test("nonsense from the other side does not end a call", async ({ page }) => {
  await openBundle(page, PAGE);
  await page.evaluate(() => {
    window.peers.openOurs();
    window.peers.alice?.place("video");
  });
  await page.waitForFunction(() => window.peers.bob?.phase === "ringing");
  await page.evaluate(() => window.peers.bob?.answer("video"));
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

test("hold and its end, asked for by matrix-js-sdk", async ({ page }) => {
  await openBundle(page, PAGE);
  await page.evaluate(() => {
    window.peers.openTheirs();
    window.peers.alice?.place("video");
  });
  await page.waitForFunction(() => window.peers.them?.hasInvite);
  await page.evaluate(() => window.peers.them?.answer());
  await expectMedia(page, "them", "video");
  await page.evaluate(() => window.peers.them?.setOnHold(true));
  await expect
    .poll(async () => {
      const before = await statsOf(page, "them");
      await page.waitForTimeout(500);
      return (await statsOf(page, "them")).framesDecoded - before.framesDecoded;
    })
    .toBe(0);
  await page.evaluate(() => window.peers.them?.setOnHold(false));
  await expectMedia(page, "them", "video");
  await expectMedia(page, "alice", "video");
});

for (const who of ["alice", "them"] as const) {
  test(`a new path is found with matrix-js-sdk: ${who === "them" ? "theirs" : "ours"} asks`, async ({ page }) => {
    await openBundle(page, PAGE);
    await page.evaluate(() => {
      window.peers.openTheirs();
      window.peers.them?.place("voice");
    });
    await page.waitForFunction(() => window.peers.alice?.phase === "ringing");
    await page.evaluate(() => window.peers.alice?.answer("voice"));
    await expectMedia(page, "alice", "voice");
    await page.evaluate((side) => window.peers[side]?.restart(), who);
    const fragments = () =>
      page.evaluate(() => {
        const texts = window.peers.wire.map(({ content }) => JSON.stringify(content));
        return new Set(texts.flatMap((each) => [...each.matchAll(/a=ice-ufrag:(.+?)\\r/gu)].map((match) => match[1])))
          .size;
      });
    // Each side has had two sets of credentials then.
    await expect.poll(fragments).toBe(4);
    await expectMedia(page, "alice", "voice");
    await expectMedia(page, "them", "voice");
    expect(await page.evaluate(() => window.peers.them?.errors)).toEqual([]);
  });
}
