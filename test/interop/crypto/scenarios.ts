/**
 * What two people do with encryption, told once for whatever clients they use: see person.ts.
 * Called with our engine on either side (play.ts), across two servers (federation.hs.test.ts), and with
 * matrix-js-sdk on both sides (peer.faults.test.ts). Invariant: each scenario makes its own rooms, and its
 * own devices where it needs more than one; it may leave a user more trusted than before, never less.
 */
import { expect } from "vitest";
import type { Person, PersonEvent, PersonGap, PersonVerification } from "./person.ts";

/** A user whose first device has set up cross-signing, secret storage and backup. */
export type Player = {
  person: Person;
  recoveryKey: string;
  /** Signs in once more. The device ends with the test. */
  signIn(deviceName: string): Promise<Person>;
};

export type Cast = { alice: Player; bob: Player };

export type Scenario = (cast: Cast) => Promise<void>;

const can = (person: Person, ability: PersonGap): boolean => !person.lacks.has(ability);

const UNREADABLE = "m.room.encrypted";

const withId =
  (eventId: string) =>
  (event: PersonEvent): boolean =>
    event.eventId === eventId;

const isReadable = (event: PersonEvent): boolean => event.cause === undefined && event.type !== UNREADABLE;

/** Waits until the event can be read. */
const readable = (who: Person, roomId: string, eventId: string): Promise<PersonEvent> =>
  who.untilEvent(roomId, `${eventId}, readable`, (event) => withId(eventId)(event) && isReadable(event));

/** Waits until the event is there and known to be unreadable. */
const unreadable = (who: Person, roomId: string, eventId: string): Promise<PersonEvent> =>
  who.untilEvent(roomId, `${eventId}, unreadable`, (event) => withId(eventId)(event) && event.cause !== undefined);

/** An encrypted room in which both are, and know each other's devices. */
async function roomOfTwo(
  host: Person,
  guest: Person,
  options: Parameters<Person["createRoom"]>[0] = {},
): Promise<string> {
  const roomId = await host.createRoom({ invite: [guest.userId], ...options });
  await guest.join(roomId);
  const members = [host.userId, guest.userId];
  await host.untilJoined(roomId, members);
  await guest.untilJoined(roomId, members);
  await host.untilDevice(guest.userId, guest.deviceId);
  await guest.untilDevice(host.userId, host.deviceId);
  return roomId;
}

/** Sends a text, which the other reads. Gives it as the other sees it. */
async function say(from: Person, to: Person, roomId: string, text: string): Promise<PersonEvent> {
  const eventId = await from.sendText(roomId, text);
  const event = await readable(to, roomId, eventId);
  expect(event).toMatchObject({ sender: from.userId, isEncrypted: true, type: "m.room.message" });
  // It is the server's event that has one: this is no message in the clear.
  expect(event.sessionId).toEqual(expect.any(String));
  expect(event.content).toMatchObject({ msgtype: "m.text", body: text });
  return event;
}

/** Signs in once more; every one of `others` knows the new device. */
async function newDevice(player: Player, deviceName: string, ...others: readonly Person[]): Promise<Person> {
  const device = await player.signIn(deviceName);
  await player.person.untilDevice(device.userId, device.deviceId);
  for (const other of others) await other.untilDevice(device.userId, device.deviceId);
  return device;
}

/** A request, accepted. */
async function agree(
  asking: Person,
  asked: Person,
  roomId: string | undefined,
): Promise<[PersonVerification, PersonVerification]> {
  const target =
    roomId === undefined
      ? ({ with: "device", userId: asked.userId, deviceId: asked.deviceId } as const)
      : ({ with: "user", userId: asked.userId, roomId } as const);
  const ours = await asking.requestVerification(target);
  const theirs = await asked.incomingVerification({ userId: asking.userId, deviceId: asking.deviceId });
  await theirs.accept();
  await ours.until("ready");
  return [ours, theirs];
}

/** Both are shown the same seven emoji. */
async function compareEmoji(starting: PersonVerification, other: PersonVerification): Promise<void> {
  await starting.startEmoji();
  const [shown, alsoShown] = [await starting.until("emoji"), await other.until("emoji")];
  expect(shown.emoji).toHaveLength(7);
  expect(alsoShown.emoji).toEqual(shown.emoji);
}

async function bothDone(...sides: readonly PersonVerification[]): Promise<void> {
  for (const side of sides) await side.until("done");
}

/** One side shows a QR code, the other scans it, and the first confirms. */
async function passQrCode(showing: PersonVerification, scanning: PersonVerification): Promise<void> {
  const bytes = await showing.qrCode();
  expect(Buffer.from(bytes.subarray(0, 6)).toString("latin1")).toBe("MATRIX");
  await scanning.scan(bytes);
  await showing.until("scanned");
  await showing.confirm();
  await bothDone(showing, scanning);
}

const flipped = (bytes: Uint8Array, place: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, index) => (index === place ? byte ^ 1 : byte));

const messages: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob, { isDirect: true });
  const hello = await say(alice, bob, roomId, "hello <b>&amp;</b> \u202e \u0000 👋🏽");
  expect(hello).toMatchObject({ isEdited: false, isRedacted: false, cause: undefined, shield: undefined });
  const back = await say(bob, alice, roomId, "hello yourself");
  expect(back.shield).toBeUndefined();
  for (const [writer, reader] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    if (can(writer, "changes")) await changes(writer, reader, roomId);
  }
};

/** Someone replies, edits, likes and redacts; the other sees it. */
async function changes(writer: Person, reader: Person, roomId: string): Promise<void> {
  const asked = await say(reader, writer, roomId, "what did you say?");
  const replyId = await writer.reply(roomId, asked.eventId, "as I said");
  const reply = await readable(reader, roomId, replyId);
  expect(reply.content["body"]).toBe("as I said");

  await writer.edit(roomId, replyId, "as I said, and mean");
  const edited = await reader.untilEvent(roomId, "the edit", (event) => withId(replyId)(event) && event.isEdited);
  expect(edited).toMatchObject({ content: { body: "as I said, and mean" }, cause: undefined, shield: undefined });

  await writer.react(roomId, asked.eventId, "👍");
  if (can(reader, "reactions")) {
    const liked = await reader.untilEvent(
      roomId,
      "the reaction",
      (event) => withId(asked.eventId)(event) && event.reactions.length > 0,
    );
    expect(liked.reactions).toEqual([{ sender: writer.userId, key: "👍" }]);
  }

  await writer.redact(roomId, replyId);
  for (const person of [writer, reader]) {
    const gone = await person.untilEvent(
      roomId,
      "the redaction",
      (event) => withId(replyId)(event) && event.isRedacted,
    );
    expect(gone.content).toEqual({});
  }
}

const files: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob);
  const bytes = Uint8Array.from({ length: 200_003 }, (_, index) => (index * 7919) % 251);
  const picture = Uint8Array.from({ length: 999 }, (_, index) => index % 13);
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const eventId = await from.sendFile(roomId, {
      name: "holiday ☀.png",
      contentType: "image/png",
      bytes,
      thumbnail: { contentType: "image/jpeg", bytes: picture },
    });
    const event = await readable(to, roomId, eventId);
    expect(event.content).toMatchObject({ body: "holiday ☀.png", info: { mimetype: "image/png", size: bytes.length } });
    expect(event.isEncrypted).toBe(true);
    expect(event.content).not.toHaveProperty("url");
    expect(Buffer.from(await to.downloadFile(roomId, eventId)).equals(bytes)).toBe(true);
    expect(Buffer.from(await to.downloadFile(roomId, eventId, "thumbnail")).equals(picture)).toBe(true);
  }
};

const rotation: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob, { rotationMessages: 2, historyVisibility: "joined" });
  const sessions: (string | undefined)[] = [];
  for (const text of ["one", "two", "three"]) sessions.push((await say(alice, bob, roomId, text)).sessionId);
  expect(sessions[1]).toBe(sessions[0]);
  expect(sessions[2]).not.toBe(sessions[0]);

  await alice.startNewRoomKey(roomId);
  sessions.push((await say(alice, bob, roomId, "four")).sessionId);
  expect(new Set(sessions).size).toBe(3);

  // What is said while someone is away is not for him, nor with a key that he has.
  await bob.leave(roomId);
  await alice.untilJoined(roomId, [alice.userId]);
  const behind = await readable(alice, roomId, await alice.sendText(roomId, "behind his back"));
  expect(sessions).not.toContain(behind.sessionId);
  await alice.invite(roomId, bob.userId);
  await bob.join(roomId);
  await alice.untilJoined(roomId, [alice.userId, bob.userId]);
  await say(alice, bob, roomId, "welcome back");
  expect((await bob.timeline(roomId)).some(withId(behind.eventId))).toBe(false);
};

const lateDevice: Scenario = async ({ alice: { person: alice, recoveryKey: othersKey }, bob }) => {
  const roomId = await roomOfTwo(alice, bob.person);
  const early = await say(alice, bob.person, roomId, "before the device");
  // With the same room key, the part that came from its sender would prove the part from the backup.
  await alice.startNewRoomKey(roomId);
  await bob.person.untilBackedUp();

  const late = await newDevice(bob, "late", alice);
  expect((await unreadable(late, roomId, early.eventId)).cause).toBe("history-unverified-device");
  await say(alice, late, roomId, "after the device");
  expect(await alice.deviceTrust(late.userId, late.deviceId)).toBe("unsigned");
  // What it sends itself is marked, for nobody has signed it.
  expect((await say(late, alice, roomId, "from the device")).shield).toBe("unsigned-device");

  // A wrong key opens nothing; the right one opens all.
  const misspelt = bob.recoveryKey.replace(/.$/u, (last) => (last === "1" ? "2" : "1"));
  for (const wrong of [othersKey, misspelt, "not a key", "\0"]) {
    await expect(late.recover(wrong)).rejects.toThrow(/recovery.key/u);
  }
  expect((await late.identity()).isDeviceVerified).toBe(false);
  expect(isReadable(await unreadable(late, roomId, early.eventId))).toBe(false);

  await late.recover(bob.recoveryKey);
  expect(await late.restoreBackup()).toBeGreaterThan(0);
  const healed = await readable(late, roomId, early.eventId);
  expect(healed.content["body"]).toBe("before the device");
  expect(healed.shield).toBe("authenticity-not-guaranteed");
  await bob.person.untilDeviceTrust(late.userId, late.deviceId, "verified");
  expect(await late.identity()).toMatchObject({ isDeviceVerified: true, hasPrivateKeys: true });
  expect((await late.identity()).backupVersion).toBe((await bob.person.identity()).backupVersion);
};

const emojiWithOwnDevice: Scenario = async ({ alice, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice.person, bob);
  const early = await say(bob, alice.person, roomId, "before the second device");
  await alice.person.untilBackedUp();
  const second = await newDevice(alice, "second", bob);
  await unreadable(second, roomId, early.eventId);

  const [ours, theirs] = await agree(second, alice.person, undefined);
  expect(await theirs.state()).toMatchObject({ isSelf: true, otherDeviceId: second.deviceId });
  await compareEmoji(theirs, ours);
  await ours.confirm();
  await theirs.confirm();
  await bothDone(ours, theirs);

  // The secrets come by themselves, and with them the backup.
  await second.untilIdentity("the secrets", (state) => state.hasPrivateKeys && state.backupVersion !== undefined);
  await readable(second, roomId, early.eventId);
  for (const person of [alice.person, second]) {
    await person.untilDeviceTrust(alice.person.userId, second.deviceId, "verified");
    await person.untilDeviceTrust(alice.person.userId, alice.person.deviceId, "verified");
  }
  expect((await say(second, bob, roomId, "from the second device")).shield).toBeUndefined();
};

/** A new device and an old one, by QR code. */
const qrCodeWithOwnDevice =
  (newDeviceDoes: "shows" | "scans"): Scenario =>
  async ({ alice }) => {
    const added = await newDevice(alice, `${newDeviceDoes} the code`);
    const [ours, theirs] = await agree(added, alice.person, undefined);
    await (newDeviceDoes === "shows" ? passQrCode(ours, theirs) : passQrCode(theirs, ours));
    await added.untilIdentity("the secrets", (state) => state.isDeviceVerified && state.hasPrivateKeys);
    await alice.person.untilDeviceTrust(added.userId, added.deviceId, "verified");
  };

const ownDevicesAsked: Scenario = async ({ alice }) => {
  const added = await newDevice(alice, "asks all");
  const ours = await added.requestVerification({ with: "own-devices" });
  const theirs = await alice.person.incomingVerification({ userId: added.userId, deviceId: added.deviceId });
  await theirs.accept();
  await ours.until("ready");
  await compareEmoji(ours, theirs);
  await theirs.confirm();
  await ours.confirm();
  await bothDone(ours, theirs);
  await alice.person.untilDeviceTrust(added.userId, added.deviceId, "verified");
};

const verificationsThatEnd: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob, { isDirect: true });
  const before = await alice.userTrust(bob.userId);

  const declined = await alice.requestVerification({ with: "user", userId: bob.userId, roomId });
  const declining = await bob.incomingVerification({ userId: alice.userId });
  await declining.cancel();
  expect((await declined.until("cancelled")).cancel).toEqual({ code: "m.user", byUs: false });
  expect((await declining.until("cancelled")).cancel).toEqual({ code: "m.user", byUs: true });

  const [ours, theirs] = await agree(alice, bob, roomId);
  await compareEmoji(ours, theirs);
  await theirs.mismatch();
  expect((await ours.until("cancelled")).cancel).toEqual({ code: "m.mismatched_sas", byUs: false });
  expect((await theirs.until("cancelled")).cancel).toEqual({ code: "m.mismatched_sas", byUs: true });
  await expect(ours.until("done")).rejects.toThrow("m.mismatched_sas");

  // A code that is none, and one with another key in it: the scanning side sees that.
  const [showing, scanning] = await agree(bob, alice, roomId);
  const bytes = await showing.qrCode();
  const otherKey = flipped(bytes, bytes.length - 40);
  for (const wrong of [new Uint8Array(0), new TextEncoder().encode("MATRIX"), bytes.subarray(0, -20), otherKey]) {
    await expect(scanning.scan(wrong)).rejects.toThrow();
  }
  if ((await showing.state()).phase !== "cancelled") await showing.cancel();
  await scanning.until("cancelled");

  // One with another secret in it: only the showing side can see that, and it never asks its user.
  const [shown, fooled] = await agree(bob, alice, roomId);
  const secret = await shown.qrCode();
  await fooled.scan(flipped(secret, secret.length - 1));
  await expect(shown.until("scanned")).rejects.toThrow("m.key_mismatch");
  expect((await fooled.until("cancelled")).cancel).toEqual({ code: "m.key_mismatch", byUs: false });
  expect(await alice.userTrust(bob.userId)).toBe(before);

  // None of them stands in the way of the next.
  const [next] = await agree(alice, bob, roomId);
  await next.cancel();
};

/** The one who was asked starts the emoji. */
const emojiWithUser: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob, { isDirect: true });
  const [ours, theirs] = await agree(alice, bob, roomId);
  expect(await ours.state()).toMatchObject({ isSelf: false, otherUserId: bob.userId });
  await compareEmoji(theirs, ours);
  await theirs.confirm();
  await ours.confirm();
  await bothDone(ours, theirs);
  await alice.untilUserTrust(bob.userId, "verified");
  await bob.untilUserTrust(alice.userId, "verified");
  await alice.untilDeviceTrust(bob.userId, bob.deviceId, "verified");
  expect((await say(bob, alice, roomId, "it is me")).shield).toBeUndefined();
};

/** Bob resets, twice: to Alice he is changed, until she takes that as it is, or verifies him again. */
const resetAndQrCodes: Scenario = async ({ alice: { person: alice }, bob }) => {
  const roomId = await roomOfTwo(alice, bob.person, { isDirect: true });
  await say(bob.person, alice, roomId, "as ever");
  const oldKey = bob.recoveryKey;
  for (const showing of [alice, bob.person]) {
    bob.recoveryKey = await bob.person.resetIdentity();
    await alice.untilUserTrust(bob.person.userId, "changed");
    if (showing === alice) {
      await alice.acknowledgeIdentity(bob.person.userId);
      await alice.untilUserTrust(bob.person.userId, "unverified");
      await say(alice, bob.person, roomId, "whoever you are");
    }
    const [ours, theirs] = await agree(alice, bob.person, roomId);
    await (showing === alice ? passQrCode(ours, theirs) : passQrCode(theirs, ours));
    await alice.untilUserTrust(bob.person.userId, "verified");
    await bob.person.untilUserTrust(alice.userId, "verified");
  }
  await say(alice, bob.person, roomId, "good to know");

  const added = await newDevice(bob, "after the reset");
  await expect(added.recover(oldKey)).rejects.toThrow(/recovery.key/u);
  await added.recover(bob.recoveryKey);
  await alice.untilDeviceTrust(added.userId, added.deviceId, "verified");
};

const keyFile: Scenario = async ({ alice: { person: alice }, bob }) => {
  const roomId = await roomOfTwo(alice, bob.person);
  const early = await say(alice, bob.person, roomId, "for the file");
  const text = await bob.person.exportKeys("päss phrase");
  expect(text).toMatch(/^-----BEGIN MEGOLM SESSION DATA-----\n[\s\S]*-----END MEGOLM SESSION DATA-----\s*$/u);

  const reader = await newDevice(bob, "reads the file", alice);
  await unreadable(reader, roomId, early.eventId);
  await expect(reader.importKeys(text, "pass phrase")).rejects.toThrow();
  await expect(reader.importKeys("not a key file", "päss phrase")).rejects.toThrow();
  const lines = text.split("\n");
  const cut = [...lines.slice(0, 2), ...lines.slice(3)].join("\n");
  await expect(reader.importKeys(cut, "päss phrase")).rejects.toThrow();
  await unreadable(reader, roomId, early.eventId);

  await reader.importKeys(text, "päss phrase");
  const healed = await readable(reader, roomId, early.eventId);
  expect(healed).toMatchObject({ content: { body: "for the file" }, shield: "authenticity-not-guaranteed" });
};

const withheld: Scenario = async ({ alice: { person: alice }, bob }) => {
  const roomId = await roomOfTwo(alice, bob.person);
  const unsigned = await newDevice(bob, "never verified", alice);
  await say(alice, unsigned, roomId, "for everyone");
  try {
    await alice.setDevicePolicy("signed");
    await alice.startNewRoomKey(roomId);
    const secret = await say(alice, bob.person, roomId, "for signed devices");
    expect((await unreadable(unsigned, roomId, secret.eventId)).cause).toBe("withheld-unverified");
    // And what such a device says is not read either, or is marked.
    const loose = await unsigned.sendText(roomId, "psst");
    if (can(alice, "refuses-unsigned")) {
      expect((await unreadable(alice, roomId, loose)).cause).toBe("unsigned-device");
    } else {
      expect((await readable(alice, roomId, loose)).shield).toBe("unsigned-device");
    }
    await readable(bob.person, roomId, loose);
  } finally {
    await alice.setDevicePolicy("everyone");
  }
  await alice.startNewRoomKey(roomId);
  await say(alice, unsigned, roomId, "for everyone again");
};

const outage: Scenario = async ({ alice: { person: alice }, bob: { person: bob } }) => {
  const roomId = await roomOfTwo(alice, bob);
  await bob.goOffline();
  try {
    await alice.startNewRoomKey(roomId);
    const sent = [await alice.sendText(roomId, "one"), await alice.sendText(roomId, "two")];
    expect((await bob.timeline(roomId)).some((event) => sent.includes(event.eventId))).toBe(false);
    await bob.goOnline();
    for (const eventId of sent) await readable(bob, roomId, eventId);
  } finally {
    await bob.goOnline();
  }
  await say(bob, alice, roomId, "three");
};

/** In an order that works: trust that a scenario builds on is made by those before. */
export const scenarios: readonly (readonly [name: string, play: Scenario])[] = [
  ["messages both ways, edited, replied to, liked and redacted", messages],
  ["files and thumbnails both ways", files],
  ["room keys rotate when due, and when someone leaves", rotation],
  ["a device that comes late reads what comes after, and the rest with the recovery key", lateDevice],
  ["a message to someone who is away arrives when he is back", outage],
  ["keys go into a file and out of it", keyFile],
  ["devices that nobody signed get nothing where they should not", withheld],
  ["verifications are declined, do not match, or show the wrong code", verificationsThatEnd],
  ["users verify each other by emoji", emojiWithUser],
  ["an own device is verified by emoji and gets secrets and history", emojiWithOwnDevice],
  ["a new device asks all others", ownDevicesAsked],
  ["a new device shows a code", qrCodeWithOwnDevice("shows")],
  ["a new device scans a code", qrCodeWithOwnDevice("scans")],
  ["a reset identity is seen, and verified again by QR code, either showing it", resetAndQrCodes],
];
