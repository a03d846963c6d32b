/**
 * The app as its user waits for it: sign-in → list painted, and answer click → connected, in headless Chromium over the
 * browser host against a real Synapse. Floors: the server's own answers to sign-in and first sync; the call's is
 * two bare peer connections in one page.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright";
import { startHostProcess, type HostProcess } from "../../main/tools/host-process.ts";
import { findCallsPage } from "../support/calls-page.ts";
import { startHomeserver, type Homeserver } from "../support/homeserver.ts";
import type { RegisteredUser } from "../support/register-user.ts";
import { ensureChromium } from "../support/setup.ts";
import { callFlags } from "../interop/support/chromium.ts";
import { summarize, type Sample } from "./samples.ts";

const SIGN_INS = 10;
const CALLS = 10;

type Seat = { host: HostProcess; page: Page };

export async function benchApp(): Promise<Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), "lattice-bench-"));
  const browser = await chromium.launch({ executablePath: await ensureChromium(), args: callFlags });
  try {
    await using homeserver = await startHomeserver();
    return [...(await benchSignIn(homeserver, browser, folder)), ...(await benchCalls(homeserver, browser, folder))];
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function open(browser: Browser, dataDir: string): Promise<Seat> {
  const host = await startHostProcess({ dataDir });
  const context = await browser.newContext({ viewport: { width: 1_200, height: 800 } });
  await context.grantPermissions(["microphone", "camera"], { origin: new URL(host.url).origin });
  const page = await context.newPage();
  await page.goto(host.url);
  return { host, page };
}

async function close({ host, page }: Seat): Promise<void> {
  await page.context().close();
  await host.close();
}

/** From the click on "Sign in" to the room's name on the screen. */
async function signIn({ page }: Seat, homeserver: Homeserver, user: RegisteredUser, roomName: string): Promise<number> {
  await page.getByRole("textbox", { name: "Account or server" }).fill(homeserver.baseUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(user.localpart);
  await page.getByLabel("Password").fill(user.password);
  // In the page itself: who looks from outside looks ever more rarely.
  const painted = page.evaluate(timeUntilPainted, roomName);
  await page.getByRole("button", { name: "Sign in" }).click();
  return await painted;
}

/** Runs in the page: resolves with the milliseconds from the next click to the frame that shows the name in the list. */
function timeUntilPainted(name: string): Promise<number> {
  return new Promise((resolve) => {
    let clickedAtMs = 0;
    addEventListener("click", () => (clickedAtMs = performance.now()), { capture: true, once: true });
    const observer = new MutationObserver(() => {
      const lists = document.querySelectorAll<HTMLElement>('[aria-label="Rooms"]');
      if (!Array.from(lists).some(({ textContent }) => textContent?.includes(name))) return;
      observer.disconnect();
      // The frame after the next has it on the screen.
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - clickedAtMs)));
    });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

async function api(
  homeserver: Homeserver,
  user: RegisteredUser,
  path: string,
  body: unknown,
): Promise<{ room_id?: string }> {
  const response = await fetch(`${homeserver.baseUrl}/_matrix/client/v3${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.accessToken}` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { room_id?: string };
}

async function benchSignIn(homeserver: Homeserver, browser: Browser, folder: string): Promise<Sample[]> {
  const user = await homeserver.registerUser("signer");
  await api(homeserver, user, "/createRoom", { name: "The room", preset: "private_chat" });
  const [ours, floor]: [number[], number[]] = [[], []];
  for (let run = 0; run <= SIGN_INS; run += 1) {
    const seat = await open(browser, join(folder, `sign-in-${run}`));
    const oursMs = await signIn(seat, homeserver, user, "The room");
    await close(seat);
    const floorMs = await bareSignIn(homeserver, user);
    if (run === 0) continue;
    ours.push(oursMs);
    floor.push(floorMs);
  }
  const floorSample = summarize("sign-in-to-list", "floor: login and first sync by fetch", floor);
  return [floorSample, summarize("sign-in-to-list", "ours", ours, floorSample)];
}

async function bareSignIn(homeserver: Homeserver, user: RegisteredUser): Promise<number> {
  const start = performance.now();
  const login = await fetch(`${homeserver.baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: user.localpart },
      password: user.password,
    }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const sync = await fetch(`${homeserver.baseUrl}/_matrix/client/v3/sync?timeout=0`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await sync.json();
  return performance.now() - start;
}

/** The page's own measure: from answering until media can flow. */
async function benchCalls(homeserver: Homeserver, browser: Browser, folder: string): Promise<Sample[]> {
  const [alice, bob] = [
    await homeserver.registerUser("alice", undefined, { displayName: "Alice" }),
    await homeserver.registerUser("bob", undefined, { displayName: "Bob" }),
  ];
  const { room_id: roomId = "" } = await api(homeserver, alice, "/createRoom", {
    preset: "trusted_private_chat",
    is_direct: true,
    invite: [bob.userId],
  });
  await api(homeserver, bob, `/join/${encodeURIComponent(roomId)}`, {});
  const [caller, callee] = [await open(browser, join(folder, "alice")), await open(browser, join(folder, "bob"))];
  await signIn(caller, homeserver, alice, "Bob");
  await signIn(callee, homeserver, bob, "Alice");
  await caller.page.getByRole("list", { name: "Rooms" }).getByText("Bob").first().click();
  const [ours, floor]: [number[], number[]] = [[], []];
  for (let run = 0; run <= CALLS; run += 1) {
    await caller.page.getByRole("button", { name: "Video call" }).click();
    await callee.page
      .getByRole("alertdialog", { name: "Incoming call" })
      .getByRole("button", { name: "Answer", exact: true })
      .click();
    const calls = await findCallsPage(() => callee.page.context().pages());
    const oursMs = await connectedMs(calls);
    await calls.getByRole("button", { name: "Hang up" }).click();
    const callerCalls = await findCallsPage(() => caller.page.context().pages());
    if (!callerCalls.isClosed()) await callerCalls.waitForEvent("close");
    const floorMs = await callee.page.evaluate(barePeers);
    if (run === 0) continue;
    ours.push(oursMs);
    floor.push(floorMs);
  }
  await close(caller);
  await close(callee);
  const floorSample = summarize("answer-to-connected", "floor: two bare peers in one page", floor);
  return [floorSample, summarize("answer-to-connected", "ours", ours, floorSample)];
}

async function connectedMs(page: Page): Promise<number> {
  const endMs = performance.now() + 20_000;
  while (performance.now() < endMs) {
    const tookMs = await page.evaluate(async () => {
      const read = (window as unknown as { latticeCallStats?: () => Promise<{ connectedMs: number }> })
        .latticeCallStats;
      return (await read?.())?.connectedMs ?? 0;
    });
    if (tookMs > 0) return tookMs;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the call did not connect");
}

/** Runs in the page: camera and microphone into one peer, its offer to another, until both are connected. */
async function barePeers(): Promise<number> {
  const start = performance.now();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.addEventListener("icecandidate", ({ candidate }) => void to.addIceCandidate(candidate ?? undefined));
  to.addEventListener("icecandidate", ({ candidate }) => void from.addIceCandidate(candidate ?? undefined));
  for (const track of stream.getTracks()) from.addTrack(track, stream);
  const connected = new Promise<void>((resolve) => {
    to.addEventListener("connectionstatechange", () => {
      if (to.connectionState === "connected") resolve();
    });
  });
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
  await connected;
  const tookMs = performance.now() - start;
  for (const track of stream.getTracks()) track.stop();
  from.close();
  to.close();
  return tookMs;
}
