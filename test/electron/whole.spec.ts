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

test("a video call between two apps shows and sounds on both sides", async ({ launch }) => {
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
  await second.page.getByText("Alice").first().click();
  await second.page.getByRole("button", { name: "Video call" }).first().click();
  await first.page
    .getByRole("button", { name: /^Answer/u })
    .first()
    .click();
  for (const { page } of [first, second]) {
    const stats = () =>
      page.evaluate(async () => {
        const read = (
          globalThis as unknown as {
            latticeCallStats?: () => Promise<{ framesDecoded: number; totalAudioEnergy: number }>;
          }
        ).latticeCallStats;
        return (await read?.()) ?? { framesDecoded: 0, totalAudioEnergy: 0 };
      });
    await expect.poll(async () => (await stats()).framesDecoded, { timeout: 30_000 }).toBeGreaterThan(10);
    await expect.poll(async () => (await stats()).totalAudioEnergy, { timeout: 30_000 }).toBeGreaterThan(0);
  }
  await first.page.getByRole("button", { name: "Hang up" }).first().click();
  await expect(second.page.getByRole("button", { name: "Hang up" })).toHaveCount(0);
});
