/**
 * Calls over a real Synapse between the whole app (engine, port, browser host, renderer) as Alice and
 * matrix-js-sdk as Bob: voice and video, each side calling, declining and giving up. Proven by decoded frames
 * and the energy of the sound on both sides. spec: voip.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { build } from "../../main/tools/build.ts";
import { startHostProcess } from "../../main/tools/host-process.ts";
import type { HostProcess } from "../../main/tools/host-process.ts";
import { startHomeserver } from "../support/homeserver.ts";
import type { Homeserver } from "../support/homeserver.ts";
import type { RegisteredUser } from "../support/register-user.ts";
import { findCallsPage } from "../support/calls-page.ts";
import { openBundle } from "./support/page-bundle.ts";

const SDK_PAGE = fileURLToPath(new URL("pages/sdk-user.page.ts", import.meta.url));
const SET_UP_TIMEOUT_MS = 240_000;

type Media = "voice" | "video";

let homeserver: Homeserver;
let host: HostProcess;
let folder: string;
let alice: RegisteredUser;
let bob: RegisteredUser;
let roomId: string;
let ours: Page;
let theirs: Page;

async function api(
  user: RegisteredUser,
  method: string,
  path: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const reply = await fetch(`${homeserver.baseUrl}/_matrix/client/v3/${path}`, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as Record<string, unknown>;
}

test.beforeAll(async ({ browser }) => {
  test.setTimeout(SET_UP_TIMEOUT_MS);
  await build();
  homeserver = await startHomeserver();
  alice = await homeserver.registerUser("alice", "correct horse", { displayName: "Alice" });
  bob = await homeserver.registerUser("bob", "battery staple", { displayName: "Bob" });
  const created = await api(alice, "POST", "createRoom", {
    preset: "trusted_private_chat",
    is_direct: true,
    invite: [bob.userId],
  });
  roomId = String(created["room_id"]);
  await api(bob, "POST", `rooms/${encodeURIComponent(roomId)}/join`, {});
  await api(alice, "PUT", `user/${encodeURIComponent(alice.userId)}/account_data/m.direct`, { [bob.userId]: [roomId] });

  folder = await mkdtemp(join(tmpdir(), "lattice-interop-"));
  host = await startHostProcess({ dataDir: folder });
  const context = await browser.newContext();
  await context.grantPermissions(["notifications", "microphone", "camera"], { origin: new URL(host.url).origin });
  ours = await context.newPage();
  await ours.goto(host.url);
  await ours.getByRole("textbox", { name: "Account or server" }).fill(homeserver.baseUrl);
  await ours.getByRole("textbox", { name: "User name" }).fill(alice.localpart);
  await ours.getByLabel("Password").fill(alice.password);
  await ours.getByRole("button", { name: "Sign in" }).click();
  await ours.getByRole("list", { name: "Rooms" }).getByRole("button").filter({ hasText: "Bob" }).first().click();
  await ours.getByRole("button", { name: "Video call" }).waitFor();

  theirs = await (await browser.newContext()).newPage();
  await openBundle(theirs, SDK_PAGE);
  await theirs.evaluate((login) => window.sdkUser.start(login), {
    baseUrl: homeserver.baseUrl,
    user: bob.localpart,
    password: bob.password,
  });
});

test.afterAll(async () => {
  await ours?.context().close();
  await theirs?.context().close();
  await host?.close();
  await homeserver?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test.afterEach(async () => {
  // The last words of a call go away before the next one.
  const calls = ours
    .context()
    .pages()
    .filter((page) => page !== ours);
  for (const page of calls) await expect(page.getByRole("button", { name: "Hang up" })).toHaveCount(0);
  await Promise.all(calls.map((page) => page.close()));
  await expect(ours.getByRole("button", { name: "Video call" })).toBeEnabled();
});

/** The window of calls of the app. */
const callsPage = () => findCallsPage(() => ours.context().pages());

const statsOf = async (side: "ours" | "theirs") =>
  side === "ours"
    ? (await callsPage()).evaluate(
        async () => (await window.latticeCallStats?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0 },
      )
    : theirs.evaluate(() => window.sdkUser.stats());

async function expectMedia(side: "ours" | "theirs", media: Media): Promise<void> {
  const before = await statsOf(side);
  await expect
    .poll(
      async () => {
        const now = await statsOf(side);
        return {
          sound: now.totalAudioEnergy > before.totalAudioEnergy,
          picture: media === "voice" ? now.framesDecoded === 0 : now.framesDecoded > before.framesDecoded + 5,
        };
      },
      { message: `${side} sees and hears`, timeout: 30_000 },
    )
    .toEqual({ sound: true, picture: true });
}

const theirState = () => theirs.evaluate(() => window.sdkUser.callState);
const incomingCard = () => ours.getByRole("alertdialog", { name: "Incoming call" });

for (const media of ["voice", "video"] as const) {
  test(`the app calls matrix-js-sdk: ${media}`, async () => {
    await ours.getByRole("button", { name: media === "video" ? "Video call" : "Voice call" }).click();
    await expect.poll(theirState).toBe("ringing");
    expect(await theirs.evaluate(() => window.sdkUser.callKind)).toBe(media);
    await theirs.evaluate(() => window.sdkUser.answer());
    await expectMedia("ours", media);
    await expectMedia("theirs", media);
    await (await callsPage()).getByRole("button", { name: "Hang up" }).click();
    await expect.poll(theirState).toBe("ended");
    expect(await theirs.evaluate(() => window.sdkUser.errors)).toEqual([]);
  });

  test(`matrix-js-sdk calls the app: ${media}`, async () => {
    await theirs.evaluate(([room, kind]) => window.sdkUser.place(room, kind), [roomId, media] as const);
    await incomingCard().getByRole("button", { name: "Answer", exact: true }).click();
    await expectMedia("ours", media);
    await expectMedia("theirs", media);
    expect(await theirs.evaluate(() => window.sdkUser.errors)).toEqual([]);
    await theirs.evaluate(() => window.sdkUser.hangUp());
    await expect((await callsPage()).getByText("Bob ended the call")).toBeVisible();
  });
}

test("what is declined or given up stops ringing on the other side", async () => {
  await theirs.evaluate((room) => window.sdkUser.place(room, "voice"), roomId);
  await incomingCard().getByRole("button", { name: "Decline" }).click();
  await expect.poll(theirState).toBe("ended");

  await ours.getByRole("button", { name: "Voice call" }).click();
  await expect.poll(theirState).toBe("ringing");
  await theirs.evaluate(() => window.sdkUser.reject());
  await expect((await callsPage()).getByText("Bob declined the call")).toBeVisible();

  await theirs.evaluate((room) => window.sdkUser.place(room, "video"), roomId);
  await expect(incomingCard()).toBeVisible();
  await theirs.evaluate(() => window.sdkUser.hangUp());
  await expect(incomingCard()).toBeHidden();

  await ours.getByRole("button", { name: "Video call" }).click();
  await expect.poll(theirState).toBe("ringing");
  await (await callsPage()).getByRole("button", { name: "Hang up" }).click();
  await expect.poll(theirState).toBe("ended");
});
