/**
 * The whole app in a real Electron against a real homeserver: sign in, read, write, be notified, start again, call.
 * Nothing is pretended but camera and microphone. The other person is a plain client of the homeserver's API, or a
 * second app.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, type Page } from "@playwright/test";
import { startHomeserver, type Homeserver } from "../support/homeserver.ts";
import type { RegisteredUser } from "../support/register-user.ts";
import { test, type RunningApp } from "./app.ts";
import { electronBinary, hasOwnDesktop } from "./global-setup.ts";
import { callsPage, smallPage } from "./windows.ts";

const run = promisify(execFile);
const real = { page: "real", engine: "real" } as const;

let homeserver: Homeserver | undefined;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  if (electronBinary()) homeserver = await startHomeserver();
});
test.afterAll(() => homeserver?.stop());
test.setTimeout(120_000);

function server(): Homeserver {
  if (!homeserver) throw new Error("there is no homeserver");
  return homeserver;
}

/** Asks the homeserver as a user. */
async function ask(
  user: RegisteredUser,
  method: string,
  path: string,
  body: unknown = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${server().baseUrl}/_matrix/client/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}`, "content-type": "application/json" },
    ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  return answer;
}
const say = (user: RegisteredUser, roomId: string, body: string) =>
  ask(user, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${Math.random().toString(36).slice(2)}`, {
    msgtype: "m.text",
    body,
  });

async function signIn(page: Page, user: RegisteredUser, name: string): Promise<void> {
  await page.getByRole("textbox", { name: "Account or server" }).fill(server().baseUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(user.localpart);
  await page.getByLabel("Password").fill(user.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: `Account: ${name}` }).waitFor();
}
const composer = (page: Page) => page.getByRole("textbox", { name: /^Message / });
const said = (page: Page, text: string) => page.getByRole("log").getByText(text, { exact: true });

/** What the page's policy stopped, and what the page complained about. */
function watchPage(app: RunningApp): string[] {
  const complaints: string[] = [];
  app.page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  app.page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}

async function shownTitles(): Promise<number> {
  return Number((await run("dunstctl", ["count", "displayed"])).stdout.trim());
}

test("sign in, accept, be notified, answer, and start again with everything there", async ({ launch }) => {
  const alice = await server().registerUser(undefined, undefined, { displayName: "Alice" });
  const bob = await server().registerUser(undefined, undefined, { displayName: "Bob" });
  const app = await launch(real);
  const complaints = watchPage(app);
  await signIn(app.page, alice, "Alice");
  const { room_id: roomId } = (await ask(bob, "POST", "/createRoom", {
    is_direct: true,
    invite: [alice.userId],
    preset: "trusted_private_chat",
  })) as { room_id: string };
  await app.page.getByRole("button", { name: "Accept the invite to Bob" }).click();
  await composer(app.page).waitFor();
  await say(bob, roomId, "Hello Alice");
  await expect(said(app.page, "Hello Alice")).toBeVisible();

  if (hasOwnDesktop()) await run("dunstctl", ["close-all"]);
  await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide());
  // Playwright keeps every page awake and focused; the page has to be told that it is not looked at.
  await app.page.evaluate(() => {
    document.hasFocus = () => false;
    globalThis.dispatchEvent(new Event("blur"));
  });
  await app.page.waitForTimeout(500);
  await say(bob, roomId, "Are you there?");
  if (hasOwnDesktop()) {
    await expect.poll(shownTitles, { timeout: 20_000 }).toBe(1);
    await run("dunstctl", ["action"]);
    await expect
      .poll(() => app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.isVisible()))
      .toBe(true);
  } else {
    await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.show());
  }
  await expect(said(app.page, "Are you there?")).toBeVisible();
  await composer(app.page).fill("Yes, from Electron");
  await composer(app.page).press("Enter");
  const bodies = async () => {
    const { chunk } = (await ask(bob, "GET", `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=5`)) as {
      chunk: { content: { body?: string } }[];
    };
    return chunk.map((event) => event.content.body);
  };
  await expect.poll(bodies).toContain("Yes, from Electron");
  expect(complaints).toEqual([]);

  const again = await app.restart();
  await expect(again.page.getByRole("button", { name: "Account: Alice" })).toBeVisible();
  await again.page.getByText("Bob").first().click();
  await expect(said(again.page, "Yes, from Electron")).toBeVisible();
});

test("a video call, answered in the small window, shows and sounds on both sides, and a screen can be chosen in it", async ({
  launch,
}) => {
  const people = await Promise.all(
    ["Alice", "Bob"].map(async (name) => ({
      name,
      user: await server().registerUser(undefined, undefined, { displayName: name }),
    })),
  );
  const [alice, bob] = people as [(typeof people)[0], (typeof people)[0]];
  const { room_id: roomId } = (await ask(bob.user, "POST", "/createRoom", {
    is_direct: true,
    invite: [alice.user.userId],
    preset: "trusted_private_chat",
  })) as { room_id: string };
  await ask(alice.user, "POST", `/join/${encodeURIComponent(roomId)}`);
  await ask(bob.user, "PUT", `/user/${bob.user.userId}/account_data/m.direct`, { [alice.user.userId]: [roomId] });
  await ask(alice.user, "PUT", `/user/${alice.user.userId}/account_data/m.direct`, { [bob.user.userId]: [roomId] });
  const [first, second] = [await launch(real), await launch(real)];
  await signIn(first.page, alice.user, "Alice");
  await signIn(second.page, bob.user, "Bob");
  await first.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide());
  await second.page.getByText("Alice").first().click();
  await second.page.getByRole("button", { name: "Video call" }).first().click();
  const small = await smallPage(first);
  // The window may be gone before the click has been reported; what comes of it is looked at below.
  await small
    .getByRole("button", { name: "Answer", exact: true })
    .click({ noWaitAfter: true })
    .catch(() => undefined);
  const [ofFirst, ofSecond] = [await callsPage(first), await callsPage(second)];
  for (const page of [ofFirst, ofSecond]) {
    await expect.poll(async () => (await statsOf(page)).framesDecoded, { timeout: 30_000 }).toBeGreaterThan(10);
    await expect.poll(async () => (await statsOf(page)).totalAudioEnergy, { timeout: 30_000 }).toBeGreaterThan(0);
  }
  // The picker stands above the call, and a cancel changes nothing about it.
  const share = ofFirst.evaluate(() =>
    navigator.mediaDevices.getDisplayMedia({ video: true }).then(
      () => "granted",
      () => "refused",
    ),
  );
  await ofFirst.getByRole("dialog", { name: "Share your screen" }).getByRole("button", { name: "Cancel" }).click();
  expect(await share).toBe("refused");
  // The rooms' window may go anywhere meanwhile.
  await first.page.reload();
  const framesBefore = await framesOf(ofFirst);
  await expect.poll(() => framesOf(ofFirst)).toBeGreaterThan(framesBefore + 10);
  // Whoever closes the window hangs up, and at once: the other side does not wait for a page that may come back.
  const startedMs = performance.now();
  await first.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice: call")!
      .close(),
  );
  await expect(ofSecond.getByRole("button", { name: "Hang up" })).toHaveCount(0);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

const statsOf = (page: Page) =>
  page.evaluate(async () => {
    const read = (
      globalThis as unknown as {
        latticeCallStats?: () => Promise<{ framesDecoded: number; totalAudioEnergy: number }>;
      }
    ).latticeCallStats;
    return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0 };
  });
const framesOf = async (page: Page): Promise<number> => (await statsOf(page)).framesDecoded;

type CallEvent = { type: string; content: { call_id?: string; reason?: string } };

/** Alice in the app, and Bob, in a direct room where both have joined; nothing is encrypted. */
async function inDirectRoom(launch: (options: typeof real) => Promise<RunningApp>) {
  const alice = await server().registerUser(undefined, undefined, { displayName: "Alice" });
  const bob = await server().registerUser(undefined, undefined, { displayName: "Bob" });
  const { room_id: roomId } = (await ask(bob, "POST", "/createRoom", {
    is_direct: true,
    invite: [alice.userId],
    preset: "trusted_private_chat",
  })) as { room_id: string };
  await ask(alice, "POST", `/join/${encodeURIComponent(roomId)}`);
  await ask(alice, "PUT", `/user/${alice.userId}/account_data/m.direct`, { [bob.userId]: [roomId] });
  const app = await launch(real);
  await signIn(app.page, alice, "Alice");
  const callEvents = async (): Promise<CallEvent[]> => {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=30`;
    const { chunk } = (await ask(bob, "GET", path)) as { chunk: CallEvent[] };
    return chunk.filter((event) => event.type.startsWith("m.call.")).toReversed();
  };
  const sendCall = (user: RegisteredUser, type: string, content: object) =>
    ask(user, "PUT", `/rooms/${encodeURIComponent(roomId)}/send/${type}/${Math.random().toString(36).slice(2)}`, {
      version: "1",
      ...content,
    });
  /** Calls Bob, and waits until he could know. */
  const placeCall = async (): Promise<string> => {
    await app.page.getByText("Bob").first().click();
    await app.page.getByRole("button", { name: "Voice call" }).first().click();
    await expect.poll(async () => (await callEvents()).map((event) => event.type)).toContain("m.call.invite");
    return (await callEvents()).find((event) => event.type === "m.call.invite")!.content.call_id!;
  };
  /** Why the caller's side hung up. */
  const hangUpOf = async (callId: string) =>
    (await callEvents()).find((event) => event.type === "m.call.hangup" && event.content.call_id === callId)?.content
      .reason;
  return { alice, bob, app, sendCall, placeCall, hangUpOf };
}

test("what rings on the desktop goes within a second of the answer on another device", async ({ launch }, testInfo) => {
  test.skip(!hasOwnDesktop(), "needs the desktop that the tests start on Linux");
  const { alice, bob, app, sendCall } = await inDirectRoom(launch);
  await app.page.getByText("Bob").first().waitFor();
  await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.hide());
  const windowCount = () =>
    app.electron.evaluate(
      ({ BrowserWindow }) => BrowserWindow.getAllWindows().filter((window) => window.isVisible()).length,
    );
  for (const [index, type] of ["m.call.answer", "m.call.reject"].entries()) {
    await run("dunstctl", ["close-all"]);
    const call_id = `ring${index}`;
    await sendCall(bob, "m.call.invite", {
      call_id,
      party_id: "bobsparty",
      lifetime: 90_000,
      invitee: alice.userId,
      offer: { type: "offer", sdp: "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" },
    });
    await expect.poll(shownTitles).toBe(1);
    await expect.poll(windowCount).toBe(1);
    await sendCall(alice, type, {
      call_id,
      party_id: "otherdevice",
      ...(type === "m.call.answer" ? { answer: { type: "answer", sdp: "v=0\r\n" } } : {}),
    });
    const startedMs = performance.now();
    await expect.poll(async () => (await shownTitles()) + (await windowCount()), { intervals: [20] }).toBe(0);
    const tookMs = Math.round(performance.now() - startedMs);
    testInfo.annotations.push({ type: type.slice(7), description: `gone after ${tookMs} ms` });
    expect(tookMs).toBeLessThan(1_000);
  }
});

test("a call whose window dies is hung up", async ({ launch }) => {
  const { app, placeCall, hangUpOf } = await inDirectRoom(launch);
  const callId = await placeCall();
  await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .find((window) => window.getTitle() === "Lattice: call")!
      .webContents.forcefullyCrashRenderer(),
  );
  await expect.poll(() => hangUpOf(callId), { timeout: 20_000 }).toBe("user_hangup");
});

test("a call whose engine dies says so, and is hung up when the engine is back", async ({ launch }) => {
  const { app, placeCall, hangUpOf } = await inDirectRoom(launch);
  const callId = await placeCall();
  const calls = await callsPage(app);
  await calls.getByRole("button", { name: "Hang up" }).first().waitFor();
  const { stdout } = await run("ps", ["-o", "pid=,args=", "--ppid", String(app.electron.process().pid)]);
  const engine = stdout.split("\n").find((line) => line.includes("entry.utility.js"));
  process.kill(Number.parseInt(engine ?? "", 10), "SIGKILL");
  await expect(calls.getByText("Lattice had to restart its engine, and the call ended.")).toBeVisible();
  await expect(calls.getByRole("button", { name: "Hang up" })).toHaveCount(0);
  await expect.poll(() => hangUpOf(callId), { timeout: 30_000 }).toBe("unknown_error");
});
