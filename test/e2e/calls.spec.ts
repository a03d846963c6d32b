/**
 * Calls through the real app in two windows, with fake cameras and microphones: picture and sound must move on both
 * sides.
 */
import { expect, expectMoving, meet, test, type Seat } from "./people.ts";

const incoming = ({ page }: Seat) => page.getByRole("alertdialog", { name: "Incoming call" });
const hangUp = ({ page }: Seat) => page.getByRole("button", { name: "Hang up" });

for (const media of ["video", "voice"] as const) {
  test(`a ${media} call rings, connects, moves on both sides, and ends for both`, async ({ seat, homeserver }) => {
    const [alice, bob] = [await seat("Alice"), await seat("Bob")];
    await meet(alice, bob, homeserver.baseUrl);
    await bob.page.getByRole("button", { name: media === "video" ? "Video call" : "Voice call" }).click();
    await incoming(alice).getByRole("button", { name: "Answer", exact: true }).click();
    await Promise.all([expectMoving(alice, media), expectMoving(bob, media)]);
    await alice.page.getByRole("button", { name: "Mute" }).click();
    await expect(alice.page.getByRole("button", { name: "Unmute" })).toBeVisible();
    await hangUp(alice).click();
    await expect(hangUp(alice)).toHaveCount(0);
    await expect(hangUp(bob)).toHaveCount(0);
  });
}

test("a declined call ends for its caller, and a withdrawn one stops ringing", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await bob.page.getByRole("button", { name: "Voice call" }).click();
  await incoming(alice).getByRole("button", { name: "Decline" }).click();
  await expect(bob.page.getByText("Alice declined the call").first()).toBeVisible();

  await alice.page.getByRole("button", { name: "Voice call" }).click();
  await expect(incoming(bob)).toBeVisible();
  await hangUp(alice).click();
  await expect(incoming(bob)).toHaveCount(0);
});

test("a window that is reloaded in a call hangs up for both", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await bob.page.getByRole("button", { name: "Voice call" }).click();
  await incoming(alice).getByRole("button", { name: "Answer", exact: true }).click();
  await expectMoving(bob, "voice");
  await alice.page.reload();
  await expect(hangUp(bob)).toHaveCount(0, { timeout: 20_000 });
});
