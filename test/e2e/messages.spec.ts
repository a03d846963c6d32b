/**
 * Writing, through the real app in two windows: sign-in, invite, messages both ways, notifications, reload, a killed
 * engine and a server that is away.
 */
import { kill } from "node:process";
import { composer, expect, meet, notificationsOf, said, signIn, test, write } from "./people.ts";

test("sign-in says what is wrong, and the right password goes on", async ({ seat, homeserver }) => {
  const alice = await seat("Alice");
  const { page } = alice;
  await page.getByRole("textbox", { name: "Account or server" }).fill(homeserver.baseUrl);
  await page.getByRole("textbox", { name: "User name" }).fill(alice.localpart);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText(/password is wrong/iu)).toBeVisible();
  await signIn(alice, homeserver.baseUrl);
  await expect(page.getByText("No rooms yet")).toBeVisible();
});

test("two people write both ways; the one who looks elsewhere is notified; a reload keeps everything", async ({
  seat,
  homeserver,
}) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await write(alice, "Hello Bob");
  await expect(said(bob, "Hello Bob")).toBeVisible();
  await write(bob, "Hello Alice");
  await expect(said(alice, "Hello Alice")).toBeVisible();
  // Both looked at the room: nobody had to be told.
  expect((await notificationsOf(alice)).filter((text) => text.includes("Hello"))).toEqual([]);

  // Seen for half a second, they count as read.
  await expect(bob.page.getByRole("button", { name: /unread message/u })).toHaveCount(0);

  // Bob closes the room, so the next message has to reach him by notification.
  await bob.page.goto(`${new URL(bob.page.url()).origin}/#/`);
  await expect(composer(bob)).toHaveCount(0);
  await write(alice, "Are you there?");
  await expect.poll(() => notificationsOf(bob)).toContainEqual(expect.stringContaining("Are you there?"));
  await expect(bob.page.getByRole("button", { name: /1 unread message/u })).toBeVisible();

  await bob.page.reload();
  await bob.page.getByRole("list", { name: "Rooms" }).getByRole("button", { name: /Alice/u }).first().click();
  for (const text of ["Hello Bob", "Hello Alice", "Are you there?"]) await expect(said(bob, text)).toHaveCount(1);
  await expect(bob.page.getByRole("button", { name: /1 unread message/u })).toHaveCount(0);
});

test("an engine that is killed in mid-send loses and doubles nothing", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  const texts = Array.from({ length: 12 }, (_, index) => `line ${index}`);
  for (const [index, text] of texts.entries()) {
    const { enginePid } = alice.host;
    if (enginePid === undefined) throw new Error("the host did not tell the engine's process");
    // It takes nothing more, and several are under way when it ends.
    if (index === 6) kill(enginePid, "SIGSTOP");
    await write(alice, text);
    await expect(composer(alice)).toHaveValue("");
    if (index !== 4 && index !== 8) continue;
    kill(enginePid, "SIGKILL");
    // The engine comes back by itself, as another process.
    await expect.poll(() => alice.host.enginePid, { timeout: 20_000 }).not.toBe(enginePid);
    // Also a text that was on no disk yet is sent by the next engine.
    await expect(said(alice, text)).toBeVisible();
    await expect(composer(alice)).toHaveValue("");
  }
  await expect(said(bob, texts.at(-1) ?? "")).toBeVisible({ timeout: 30_000 });
  for (const person of [alice, bob]) {
    for (const text of texts) await expect(said(person, text), `${text} at ${person.name}`).toHaveCount(1);
    expect(
      await person.page
        .getByRole("log")
        .getByText(/^line \d+$/u)
        .allInnerTexts(),
      person.name,
    ).toEqual(texts);
  }
});

test("what is written while the server is away is kept, said so, and sent when it is back", async ({
  seat,
  homeserver,
}) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await homeserver.kill9();
  await write(alice, "written without a server");
  await expect(said(alice, "written without a server")).toBeVisible();
  await expect(alice.page.getByText(/offline|cannot be reached/u).first()).toBeVisible();
  await homeserver.restart();
  await expect(said(bob, "written without a server")).toBeVisible({ timeout: 60_000 });
  await expect(said(alice, "written without a server")).toHaveCount(1);
});
