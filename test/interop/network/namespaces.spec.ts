/**
 * A cable that is pulled for 10 s: our engine's and our window's half of a call in one network namespace, another
 * side in a second one, media straight between them. The browser sees its network go and come back, which a silent
 * relay cannot show. Media is proven by a tone and a colour of each side's own. spec: voip; RFC 8445, ICE restart.
 */
import { fileURLToPath } from "node:url";
import { chromium, expect, test, type Page } from "@playwright/test";
import { openLinkedNamespaces, type LinkedNamespaces } from "../../support/network-namespaces.ts";
import { ensureChromium } from "../../support/setup.ts";
import { callFlags } from "../support/chromium.ts";
import { openBundle } from "../support/page-bundle.ts";
import { expectMarker, measureCut } from "./call-checks.ts";
import { installProbe, MARKERS, readProbe, type Marker } from "./call-probe.ts";

const PAGE = fileURLToPath(new URL("pages/one-peer.page.ts", import.meta.url));
const MAX_GAP_MS = 2_000;

let network: LinkedNamespaces;

test.beforeAll(async () => {
  const opened = await openLinkedNamespaces(await ensureChromium());
  if ("missing" in opened) process.stdout.write(`!!! SKIPPED calls over a pulled cable: ${opened.missing}\n`);
  test.skip("missing" in opened, "no network namespaces here");
  if (!("missing" in opened)) network = opened;
});

test.afterAll(async () => {
  await network?.[Symbol.asyncDispose]();
});

async function openPeer(launcher: string, who: "alice" | "bob" | "sdk-bob", marker: Marker) {
  const browser = await chromium.launch({ executablePath: launcher, args: callFlags });
  const context = await browser.newContext();
  await installProbe(context, marker);
  const page = await context.newPage();
  let deliver: (type: string, content: Record<string, unknown>) => Promise<void> = async () => {};
  await page.exposeFunction("sendWire", (type: string, content: Record<string, unknown>) => deliver(type, content));
  await openBundle(page, PAGE);
  await page.evaluate((asked) => window.openPeer(asked), who);
  const sendTo = (to: Page) => {
    deliver = (type, content) => to.evaluate((event) => window.onePeer.receive(...event), [type, content] as const);
  };
  return { browser, page, sendTo, [Symbol.asyncDispose]: () => browser.close() };
}

/** What the page knows of the call's end: a phase of ours, a state of matrix-js-sdk's. */
const isRinging = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const peer = window.onePeer;
    return "phase" in peer ? peer.phase === "ringing" : peer.hasInvite;
  });

test("a call with matrix-js-sdk survives a cable that is pulled for 10 s", async () => {
  await using alice = await openPeer(network.launchers[0], "alice", MARKERS.alice);
  await using bob = await openPeer(network.launchers[1], "sdk-bob", MARKERS.bob);
  alice.sendTo(bob.page);
  bob.sendTo(alice.page);
  await alice.page.evaluate(() => window.onePeer.place("video"));
  await expect.poll(() => isRinging(bob.page)).toBe(true);
  await bob.page.evaluate(() => window.onePeer.answer("video"));
  const bothHearAndSee = () =>
    Promise.all([expectMarker(alice.page, MARKERS.bob, "Alice"), expectMarker(bob.page, MARKERS.alice, "Bob")]);
  await bothHearAndSee();
  expect(await readProbe(alice.page)).toMatchObject({ localType: "host" });
  const [toUs, toThem] = await measureCut({
    listeners: [
      { page: alice.page, toneHz: MARKERS.bob.toneHz },
      { page: bob.page, toneHz: MARKERS.alice.toneHz },
    ],
    cut: () => network.pull(),
    mend: () => network.plugIn(),
    cutMs: 10_000,
    afterMs: MAX_GAP_MS,
  });
  for (const gap of [toUs, toThem]) {
    expect(gap?.leaked).toEqual({ heardCount: 0, frameCount: 0 });
    expect(gap?.soundAfterCutMs).toBeLessThan(MAX_GAP_MS);
  }
  expect(toThem?.pictureAfterCutMs).toBeLessThan(MAX_GAP_MS);
  // Theirs comes within some seconds more: its sender waits to be asked for a whole picture.
  await bothHearAndSee();
});
