/**
 * Encryption as people meet it, through the real app in several windows: recovery, a second device by emoji and by
 * recovery key, verifying each other, a call; what goes wrong on the way; and all of it by keyboard.
 */
import { expectNoViolations } from "../gallery/axe.ts";
import {
  closeSettings,
  compareEmoji,
  dialog,
  emojiOf,
  expect,
  callsPageOf,
  expectMoving,
  meet,
  openRoom,
  pressByKeyboard,
  openSettings,
  press,
  said,
  setUpRecovery,
  signIn,
  test,
  write,
  type Seat,
  type TakeSeat,
} from "./people.ts";

const WELL_FORMED_KEY = "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d";
const OLD_MESSAGES = ["Written before the second device", "And the answer to it"] as const;

/** The question of a sign-in, and the card of a request on another window. */
const question = (seat: Seat) => dialog(seat, "Is this you?");
const request = ({ page }: Seat) => page.getByRole("region", { name: /asks to be confirmed|wants to verify you/u });

/** A further device of this account, signed in; "Is this you?" stands on its screen. */
async function signInAgain(seat: TakeSeat, of: Seat, homeserverUrl: string): Promise<Seat> {
  const device = await seat(of.name, { of });
  await signIn(device, homeserverUrl);
  await expect(question(device)).toBeVisible();
  return device;
}

/** From the question of the new device to the emoji on both screens. */
async function startComparing(added: Seat, first: Seat): Promise<void> {
  await press(question(added), /^Use another device/u);
  await press(request(first), "Go on");
  await press(dialog(added, "Confirm your device"), "Compare emoji");
  await Promise.all([emojiOf(added), emojiOf(first)]);
}

async function expectHealthy(seat: Seat): Promise<void> {
  const health = await openSettings(seat, "Encryption");
  await expect(health.getByText("All is in order")).toBeVisible();
  await expect(health.getByText(/^None\. Every message/u)).toBeVisible();
  await closeSettings(seat);
}

/** What the server can read of the rooms of an account: the types of events that are not encrypted. */
async function readableOnServer(homeserverUrl: string, seat: Seat): Promise<{ readable: string[]; total: number }> {
  const api = async (method: string, path: string, token?: string, body?: object) => {
    const response = await fetch(`${homeserverUrl}/_matrix/client/v3/${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const identifier = { type: "m.id.user", user: seat.localpart };
  const login = await api("POST", "login", undefined, {
    type: "m.login.password",
    identifier,
    password: seat.password,
  });
  const token = String(login["access_token"]);
  const { joined_rooms: rooms } = (await api("GET", "joined_rooms", token)) as { joined_rooms: string[] };
  const events: { type: string }[] = [];
  for (const roomId of rooms) {
    const page = await api("GET", `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=500`, token);
    events.push(
      ...(page["chunk"] as { type: string; state_key?: string }[]).filter((event) => !("state_key" in event)),
    );
  }
  await api("POST", "logout", token, {});
  const readable = events
    .map(({ type }) => type)
    .filter((type) => type !== "m.room.encrypted" && type !== "m.room.redaction");
  return { readable, total: events.length };
}

test("two people with two devices each: recovery, emoji, history, trust in each other, and a call", async ({
  seat,
  homeserver,
}) => {
  test.setTimeout(240_000);
  const [alice, bob] = await Promise.all([seat("Alice"), seat("Bob")]);
  await meet(alice, bob, homeserver.baseUrl);
  const [, bobsKey] = await Promise.all([setUpRecovery(alice), setUpRecovery(bob)]);
  for (const person of [alice, bob]) {
    await expect(person.page.getByRole("main").getByText("encrypted", { exact: true })).toBeVisible();
  }
  await write(alice, OLD_MESSAGES[0]);
  await expect(said(bob, OLD_MESSAGES[0])).toBeVisible();
  await write(bob, OLD_MESSAGES[1]);
  await expect(said(alice, OLD_MESSAGES[1])).toBeVisible();

  const [alice2, bob2] = await Promise.all([
    signInAgain(seat, alice, homeserver.baseUrl),
    signInAgain(seat, bob, homeserver.baseUrl),
  ]);
  await test.step("Alice's second device cannot read what was said before it is confirmed", async () => {
    await press(question(alice2), /^Skip for now/u);
    await openRoom(alice2, "Bob");
    await expect(alice2.page.getByText(/^Not readable yet\. It was sent before you signed in here/u)).toHaveCount(2);
    await press(alice2.page.getByRole("status"), "Confirm this device");
  });
  await test.step("She compares emoji with her first", async () => {
    await startComparing(alice2, alice);
    await compareEmoji(alice2, alice);
    for (const device of [alice2, alice]) {
      await expect(device.page.getByText("Your devices know each other")).toBeVisible();
      await press(device.page, "Done");
    }
    for (const text of OLD_MESSAGES) await expect(said(alice2, text)).toBeVisible();
    for (const device of [alice2, alice])
      await expect(device.page.getByText("This device is not confirmed")).toHaveCount(0);
  });

  await test.step("Bob's second device is confirmed with the recovery key, not with another one", async () => {
    await press(question(bob2), /^Enter your recovery key/u);
    const field = bob2.page.getByRole("textbox", { name: "Recovery key" });
    const submit = dialog(bob2, "Enter your recovery key").getByRole("button", { name: "Confirm this device" });
    await field.fill(WELL_FORMED_KEY);
    await submit.click();
    await expect(bob2.page.getByText(/^It does not fit/u)).toBeVisible();
    await expect(field).toHaveValue(WELL_FORMED_KEY);
    await expectClean(bob2, "a wrong recovery key");
    await field.fill(bobsKey);
    await field.press("Enter");
    await dialog(bob2, "This device is confirmed").waitFor();
    await press(bob2.page, "Done");
    await openRoom(bob2, "Alice");
    for (const text of OLD_MESSAGES) await expect(said(bob2, text)).toBeVisible();
  });

  await test.step("They verify each other from the room", async () => {
    await press(alice2.page, "About this room");
    await press(alice2.page, "Verify Bob");
    await expect(request(bob2)).toContainText("Alice wants to verify you");
    await press(request(bob2), "Go on");
    // The request went to Bob, and so to both of his devices; the one that answers has it.
    await expect(request(bob)).toHaveCount(0);
    await press(dialog(alice2, "Verify Bob"), "Compare emoji");
    await compareEmoji(alice2, bob2);
    await expect(alice2.page.getByText("Bob is verified")).toBeVisible();
    await expect(bob2.page.getByText("Alice is verified")).toBeVisible();
    for (const person of [alice2, bob2]) {
      await press(person.page, "Done");
      await expect(person.page.getByRole("main").getByText("verified", { exact: true })).toBeVisible();
    }
    // What one device has verified, the other knows.
    await expect(alice.page.getByRole("main").getByText("verified", { exact: true })).toBeVisible();
  });

  await test.step("The second devices call each other", async () => {
    await press(bob2.page, "Video call");
    await press(alice2.page.getByRole("alertdialog", { name: "Incoming call" }), "Answer");
    await Promise.all([expectMoving(alice2, "video"), expectMoving(bob2, "video")]);
    await press(await callsPageOf(alice2), "Hang up");
    await expect((await callsPageOf(bob2)).getByRole("button", { name: "Hang up" })).toHaveCount(0);
  });

  await test.step("Every device is in order, and the server can read nothing", async () => {
    await Promise.all([alice, bob, alice2, bob2].map(expectHealthy));
    const { readable, total } = await readableOnServer(homeserver.baseUrl, alice);
    expect(readable).toEqual([]);
    // Two messages, the verification and the call.
    expect(total).toBeGreaterThan(8);
  });
});

/** Every window that is open now, in light and in dark. */
async function expectClean(seat: Seat, where: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await seat.page.emulateMedia({ colorScheme });
    await expectNoViolations(seat.page, `${where}, ${colorScheme}`);
  }
}

test("what goes wrong ends cleanly; the comparison goes by keyboard alone; a device is signed out", async ({
  seat,
  homeserver,
}) => {
  test.setTimeout(180_000);
  const first = await seat("Alice");
  await first.page.emulateMedia({ reducedMotion: "reduce" });
  await signIn(first, homeserver.baseUrl);
  const added = await signInAgain(seat, first, homeserver.baseUrl);
  await added.page.emulateMedia({ reducedMotion: "reduce" });
  await expectClean(added, "Is this you?");

  await test.step("a request that is taken back leaves no trace", async () => {
    await press(question(added), /^Use another device/u);
    await expect(request(first)).toBeVisible();
    await expectClean(first, "request");
    await dialog(added, "Confirm your device").getByRole("button", { name: "Cancel" }).last().click();
    await expect(request(first)).toHaveCount(0);
    await expect(first.page.getByRole("dialog")).toHaveCount(0);
    await expect(added.page.getByRole("dialog")).toHaveCount(0);
    await expect(added.page.getByText("This device is not confirmed")).toBeVisible();
  });

  await test.step("a comparison that differs is told on both sides, and confirms nothing", async () => {
    await press(added.page, "Confirm this device");
    await startComparing(added, first);
    await press(first.page, "They differ");
    for (const device of [first, added]) {
      await expect(device.page.getByText("Not verified: take care")).toBeVisible();
      await expectClean(device, "they differ");
      await press(dialog(device, "Confirm your device").getByRole("contentinfo"), "Close");
      await expect(device.page.getByRole("dialog")).toHaveCount(0);
    }
    await expect(added.page.getByText("This device is not confirmed")).toBeVisible();
  });

  await test.step("by keyboard alone", async () => {
    await pressByKeyboard(added.page, added.page.getByRole("button", { name: "Confirm this device" }));
    await expect(question(added)).toBeVisible();
    await pressByKeyboard(added.page, added.page.getByRole("button", { name: /^Use another device/u }));
    await expect(request(first)).toBeVisible();
    await pressByKeyboard(first.page, first.page.getByRole("button", { name: "Go on" }));
    await dialog(added, "Confirm your device").getByRole("button", { name: "Compare emoji" }).waitFor();
    await expectClean(added, "choosing a way");
    await pressByKeyboard(added.page, added.page.getByRole("button", { name: "Compare emoji" }));
    expect(await emojiOf(added)).toEqual(await emojiOf(first));
    // A stray Enter must not be taken for an answer.
    await added.page.keyboard.press("Enter");
    await expectClean(added, "emoji");
    for (const device of [added, first])
      await pressByKeyboard(device.page, device.page.getByRole("button", { name: "They are the same" }));
    for (const device of [added, first]) {
      await expect(device.page.getByText("Your devices know each other")).toBeVisible();
      await pressByKeyboard(device.page, device.page.getByRole("button", { name: "Done" }));
      await expect(device.page.getByRole("dialog")).toHaveCount(0);
    }
    await expect(added.page.getByText("This device is not confirmed")).toHaveCount(0);
  });

  await test.step("another device is signed out with the password, and says so", async () => {
    const devices = await openSettings(first, "Devices");
    // The account was registered by a program, whose session is another device without a name of ours.
    const other = devices
      .getByRole("region", { name: "Other devices" })
      .getByRole("listitem")
      .filter({ hasText: "Lattice" });
    await expect(other).toHaveCount(1);
    await expect(other).toContainText("Confirmed");
    await other.getByRole("button", { expanded: false }).click();
    await expectClean(first, "devices");
    await press(other, "Sign out");
    await press(first.page.getByRole("alertdialog"), "Sign out");
    const asked = dialog(first, "Your account password");
    await asked.getByLabel("Password").fill("not the password");
    await press(asked, "Continue");
    await expect(asked.getByText("This is not the password of your account.")).toBeVisible();
    await asked.getByLabel("Password").fill(first.password);
    await press(asked, "Continue");
    await expect(other).toHaveCount(0);
    await expect(first.page.getByRole("alertdialog")).toHaveCount(0);
    await expect(added.page.getByText("The server ended this session.")).toBeVisible();
  });
});
