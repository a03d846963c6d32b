/**
 * Calls through the real app in two windows each, with fake cameras and microphones: picture and sound must move on
 * both sides, in the window of calls, whatever happens to the rooms' window.
 */
import { callsPageOf, expect, expectMoving, meet, test, type Seat } from "./people.ts";

const incoming = ({ page }: Seat) => page.getByRole("alertdialog", { name: "Incoming call" });
const answer = (seat: Seat) => incoming(seat).getByRole("button", { name: "Answer", exact: true }).click();

for (const media of ["video", "voice"] as const) {
  test(`a ${media} call rings, connects, moves on both sides, and ends for both`, async ({ seat, homeserver }) => {
    const [alice, bob] = [await seat("Alice"), await seat("Bob")];
    await meet(alice, bob, homeserver.baseUrl);
    await bob.page.getByRole("button", { name: media === "video" ? "Video call" : "Voice call" }).click();
    await answer(alice);
    await Promise.all([expectMoving(alice, media), expectMoving(bob, media)]);
    const [ofAlice, ofBob] = [await callsPageOf(alice), await callsPageOf(bob)];
    await ofAlice.getByRole("button", { name: "Mute" }).click();
    await expect(ofAlice.getByRole("button", { name: "Unmute" })).toBeVisible();
    // The rooms' window says that there is a call, leads to it, and holds none of it.
    const bar = alice.page.getByRole("region", { name: "Call with Bob" });
    await expect(bar.getByRole("timer")).toBeVisible();
    await bar.getByRole("button", { name: "Show the call" }).click();
    await expect(alice.page.getByRole("button", { name: "Voice call" })).toBeDisabled();
    await ofAlice.getByRole("button", { name: "Hang up" }).click();
    // Nothing is left to show; the one who was hung up on reads it for a while.
    await expect.poll(() => ofAlice.isClosed()).toBe(true);
    await expect(ofBob.getByText("Alice ended the call").first()).toBeVisible();
    if (media === "voice") await ofBob.getByRole("button", { name: "Dismiss" }).click();
    await expect.poll(() => ofBob.isClosed(), { timeout: 15_000 }).toBe(true);
    await expect(bar).toHaveCount(0);
  });
}

test("a declined call ends for its caller, and a withdrawn one stops ringing", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await bob.page.getByRole("button", { name: "Voice call" }).click();
  await incoming(alice).getByRole("button", { name: "Decline" }).click();
  await expect((await callsPageOf(bob)).getByText("Alice declined the call").first()).toBeVisible();

  await alice.page.getByRole("button", { name: "Voice call" }).click();
  await expect(incoming(bob)).toBeVisible();
  await (await callsPageOf(alice)).getByRole("button", { name: "Hang up" }).click();
  await expect(incoming(bob)).toHaveCount(0);
});

test("a call goes on while the rooms' window is reloaded, which leads to it and ends it", async ({
  seat,
  homeserver,
}) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await bob.page.getByRole("button", { name: "Voice call" }).click();
  await answer(alice);
  await expectMoving(bob, "voice");
  const ofAlice = await callsPageOf(alice);
  await alice.page.reload();
  const bar = alice.page.getByRole("region", { name: "Call with Bob" });
  await bar.getByRole("button", { name: "Show the call" }).click();
  // The same window: another call would have lost its sound.
  await Promise.all([expectMoving(alice, "voice"), expectMoving(bob, "voice")]);
  expect(await callsPageOf(alice)).toBe(ofAlice);
  expect(alice.context.pages()).toHaveLength(2);

  // The way back, from the call to the room.
  await alice.page.goto(`${new URL(alice.page.url()).origin}/#/`);
  await ofAlice.getByRole("button", { name: "More" }).click();
  await ofAlice.getByRole("menuitem", { name: "Go to the room" }).click();
  await expect(alice.page.getByRole("textbox", { name: /^Message / })).toBeVisible();
  await bar.getByRole("button", { name: "Hang up" }).click();
  await expect.poll(() => ofAlice.isClosed()).toBe(true);
  await expect((await callsPageOf(bob)).getByRole("button", { name: "Hang up" })).toHaveCount(0);
});

test("a window of calls that is closed or reloaded hangs up for both", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  for (const end of ["close", "reload"] as const) {
    await bob.page.getByRole("button", { name: "Voice call" }).click();
    await answer(alice);
    await expectMoving(bob, "voice");
    const [ofAlice, ofBob] = [await callsPageOf(alice), await callsPageOf(bob)];
    if (end === "close") await ofAlice.close();
    else await ofAlice.reload();
    await expect(ofBob.getByRole("button", { name: "Hang up" })).toHaveCount(0, { timeout: 20_000 });
    await ofBob.getByRole("button", { name: "Dismiss" }).click();
    if (end === "reload") await ofAlice.getByRole("button", { name: "Close the window" }).click();
    await expect.poll(() => ofAlice.isClosed() && ofBob.isClosed(), { timeout: 15_000 }).toBe(true);
  }
});

test("where the browser opens no window, the call is held beside the rooms", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await alice.context.addInitScript(() => {
    window.open = () => null;
  });
  await alice.page.reload();
  await meet(alice, bob, homeserver.baseUrl);
  await bob.page.getByRole("button", { name: "Video call" }).click();
  await answer(alice);
  await expectMoving(bob, "video");
  expect(alice.context.pages()).toHaveLength(1);
  await alice.page.getByRole("button", { name: "Make the call small" }).click();
  await alice.page.getByRole("region", { name: "Call with Bob" }).getByRole("button", { name: "Hang up" }).click();
  await expect((await callsPageOf(bob)).getByRole("button", { name: "Hang up" })).toHaveCount(0);
});
