/** Trust in users and rooms, the stop before a send, shields of messages, and causes of those that stay closed. */
import {
  DecryptionErrorCode,
  ShieldColor,
  ShieldStateCode,
  UserId as WasmUserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { describe, expect, test } from "vitest";
import type { UserId } from "../../../preload/contract/ids.ts";
import { shieldSchema, undecryptableCauseSchema } from "../../../preload/contract/views.ts";
import { causeOf, openTrust, shieldOf, type UndecryptableFacts } from "../../../main/engine/crypto/trust.ts";
import { startCryptoServer } from "../../support/crypto-server.ts";
import { ALICE, BOB, breathe, CAROL, person, pump, replaceIdentity, signIn, type SignedIn } from "./signed-in.ts";

async function aliceAndBob() {
  const server = startCryptoServer();
  const bob = await signIn(server, BOB, "BOBS", { isFirst: true, tracks: [ALICE] });
  const alice = await signIn(server, ALICE, "ALICES", { isFirst: true, tracks: [BOB] });
  await bob.track(ALICE);
  await pump(alice, bob);
  return { server, alice, bob };
}

async function verify(alice: SignedIn, bob: SignedIn): Promise<void> {
  const { flowId } = await alice.verifications.request(bob.userId);
  await pump(alice, bob);
  await bob.verifications.accept(flowId);
  await pump(alice, bob);
  await alice.verifications.startEmoji(flowId);
  await pump(alice, bob);
  for (const one of [alice, bob]) await one.verifications.confirm(flowId, true);
  await pump(alice, bob);
  expect(await alice.isVerified(bob.userId)).toBe(true);
}

describe("users and rooms", () => {
  test("a user without an identity, one that nobody verified, and a verified one", async () => {
    const { alice, bob } = await aliceAndBob();
    expect(await alice.trust.userTrust(CAROL)).toEqual({
      key: CAROL,
      person: person(CAROL),
      identity: "none",
      wasVerified: false,
      devices: [],
    });
    expect(await alice.trust.userTrust(BOB)).toMatchObject({
      identity: "unverified",
      wasVerified: false,
      devices: [{ deviceId: "BOBS", displayName: "BOBS of @bob:test", trust: "signed" }],
    });
    expect(await alice.trust.roomTrust([ALICE, BOB])).toEqual({ trust: "normal", identityChanges: [] });
    await verify(alice, bob);
    expect(await alice.trust.userTrust(BOB)).toMatchObject({
      identity: "verified",
      wasVerified: true,
      devices: [{ trust: "verified" }],
    });
    expect(await alice.trust.roomTrust([ALICE, BOB])).toEqual({ trust: "verified", identityChanges: [] });
    expect(await alice.trust.roomTrust([ALICE, BOB, CAROL])).toEqual({ trust: "normal", identityChanges: [] });
    expect(await alice.trust.roomTrust([ALICE])).toEqual({ trust: "normal", identityChanges: [] });
    await expect(alice.trust.assertCanSend([ALICE, BOB, CAROL])).resolves.toBeUndefined();
  });

  test("the fingerprint is the device's key in groups of four", async () => {
    const { alice, bob } = await aliceAndBob();
    const [device] = (await alice.trust.userTrust(BOB)).devices;
    expect(device?.fingerprint).toMatch(/^(?:[A-Za-z0-9+/]{4} ){10}[A-Za-z0-9+/]{1,4}$/u);
    expect(device?.fingerprint?.replaceAll(" ", "")).toBe(bob.olm.identityKeys.ed25519.toBase64());
  });

  test("a changed identity stops sending until it is acknowledged", async () => {
    const { server, alice } = await aliceAndBob();
    await alice.trust.assertCanSend([BOB]);
    await replaceIdentity(server, BOB, "BOBS");
    await alice.sync();
    expect(alice.changes).toContain("trust");
    expect(await alice.trust.userTrust(BOB)).toMatchObject({ identity: "changed", wasVerified: false });
    expect(await alice.trust.roomTrust([ALICE, BOB])).toEqual({
      trust: "warning",
      identityChanges: [{ userId: BOB, wasVerified: false }],
    });
    await expect(alice.trust.assertCanSend([ALICE, BOB, CAROL])).rejects.toMatchObject({
      code: "identity-changed",
      message: expect.stringContaining("The identity of bob has changed"),
    });
    await alice.trust.acknowledge(BOB);
    expect(await alice.trust.userTrust(BOB)).toMatchObject({ identity: "unverified" });
    await alice.trust.assertCanSend([ALICE, BOB]);
    // The next change is a change again.
    await replaceIdentity(server, BOB, "BOBS");
    await alice.sync();
    await expect(alice.trust.assertCanSend([BOB])).rejects.toMatchObject({ code: "identity-changed" });
  });

  test("a verified user's change is a violation, which only his word or ours ends", async () => {
    const { server, alice, bob } = await aliceAndBob();
    await verify(alice, bob);
    await replaceIdentity(server, BOB, "BOBS");
    await alice.sync();
    expect(await alice.trust.roomTrust([ALICE, BOB])).toEqual({
      trust: "warning",
      identityChanges: [{ userId: BOB, wasVerified: true }],
    });
    await expect(alice.trust.assertCanSend([BOB])).rejects.toMatchObject({ code: "identity-changed" });
    await alice.trust.acknowledge(BOB);
    expect(await alice.trust.userTrust(BOB)).toMatchObject({ identity: "unverified", wasVerified: false });
    expect(await alice.trust.roomTrust([ALICE, BOB])).toEqual({ trust: "normal", identityChanges: [] });
    await alice.trust.assertCanSend([BOB]);
  });

  test("the change counts as soon as the answer of the key query is in, before anyone syncs", async () => {
    const { server, alice } = await aliceAndBob();
    await alice.trust.assertCanSend([BOB]);
    await replaceIdentity(server, BOB, "BOBS");
    await alice.context.outgoing.sendOne(alice.olm.queryKeysForUsers([new WasmUserId(BOB)]));
    await expect(alice.trust.assertCanSend([BOB])).rejects.toMatchObject({ code: "identity-changed" });
  });

  test("many changes are named in one short sentence", async () => {
    const { server, alice } = await aliceAndBob();
    const names = ["dan", "eve", "fay", "gus"].map((name) => `@${name}:test` as UserId);
    for (const userId of names) await signIn(server, userId, "X", { isFirst: true });
    await alice.track(...names);
    for (const userId of names) await replaceIdentity(server, userId, "X");
    await alice.sync();
    await expect(alice.trust.assertCanSend(names)).rejects.toMatchObject({
      message: expect.stringContaining("dan, eve, fay and 1 more have changed"),
    });
  });

  test("a change of our own identity makes all others look different", async () => {
    const { server, alice, bob } = await aliceAndBob();
    await verify(alice, bob);
    expect((await alice.trust.roomTrust([BOB])).trust).toBe("verified");
    await replaceIdentity(server, ALICE, "ALICES");
    await alice.sync();
    expect((await alice.trust.stateOf(ALICE)).identity).toBe("changed");
    expect((await alice.trust.roomTrust([BOB])).trust).not.toBe("verified");
  });

  test("a device that the server adds to a user is there, unsigned, before the next send", async () => {
    const { server, alice } = await aliceAndBob();
    await signIn(server, BOB, "PLANTED");
    await alice.sync();
    const { identity, devices } = await alice.trust.userTrust(BOB);
    expect(identity).toBe("unverified");
    expect(devices.map(({ deviceId, trust }) => [deviceId, trust])).toEqual([
      ["BOBS", "signed"],
      ["PLANTED", "unsigned"],
    ]);
  });

  test("acknowledging somebody unknown is refused", async () => {
    const { alice } = await aliceAndBob();
    await expect(alice.trust.acknowledge(CAROL)).rejects.toMatchObject({ code: "not-found" });
  });

  test("an answer that was on its way when the user changed is not kept", async () => {
    const { alice } = await aliceAndBob();
    let reads = 0;
    let release: (() => void) | undefined;
    const olm = {
      async getIdentity() {
        reads += 1;
        if (reads === 1) await new Promise<void>((resolve) => void (release = resolve));
        return undefined;
      },
    };
    const trust = openTrust({
      context: { ...alice.context, olm: olm as unknown as typeof alice.olm },
      personOf: person,
    });
    const first = trust.stateOf(BOB);
    await breathe();
    trust.identityUpdated(BOB);
    release?.();
    await first;
    await trust.stateOf(BOB);
    await trust.stateOf(BOB);
    expect(reads).toBe(2);
    trust.devicesUpdated([BOB]);
    await trust.stateOf(BOB);
    expect(reads).toBe(3);
  });
});

describe("shields", () => {
  test("each state of the machine has its own, and no colour is none", () => {
    const codes = [
      [ShieldStateCode.AuthenticityNotGuaranteed, "authenticity-not-guaranteed"],
      [ShieldStateCode.UnknownDevice, "unknown-device"],
      [ShieldStateCode.UnsignedDevice, "unsigned-device"],
      [ShieldStateCode.UnverifiedIdentity, "unverified-identity"],
      [ShieldStateCode.VerificationViolation, "verification-violation"],
      [ShieldStateCode.MismatchedSender, "mismatched-sender"],
    ] as const;
    for (const color of [ShieldColor.Red, ShieldColor.Grey]) {
      for (const [code, shield] of codes) expect(shieldOf({ color, code })).toBe(shield);
    }
    for (const [code] of codes) expect(shieldOf({ color: ShieldColor.None, code })).toBeUndefined();
    expect(new Set(codes.map(([, shield]) => shield)).size + 1).toBe(shieldSchema.options.length);
  });

  test("a coloured shield of an unknown kind still says something", () => {
    expect(shieldOf({ color: ShieldColor.Red, code: undefined })).toBe("authenticity-not-guaranteed");
  });
});

describe("causes", () => {
  const here: UndecryptableFacts = {
    membershipThen: "join",
    isHistorical: false,
    isDeviceVerified: true,
    isBackupUsable: true,
  };
  const missing = (withheldCode?: string) => ({ code: DecryptionErrorCode.MissingRoomKey, withheldCode });

  test.each([
    ["a key that may still come", missing(), here, "missing-key"],
    [
      "a key that starts too late",
      { code: DecryptionErrorCode.UnknownMessageIndex, withheldCode: undefined },
      here,
      "key-too-new",
    ],
    ["before we joined", missing(), { ...here, membershipThen: "leave" }, "sent-before-we-joined"],
    ["while we were banned", missing(), { ...here, membershipThen: "ban" }, "sent-before-we-joined"],
    ["while we were invited", missing(), { ...here, membershipThen: "invite" }, "missing-key"],
    [
      "before we joined, said by the sender",
      missing("io.element.msc4268.history_not_shared"),
      { ...here, membershipThen: "leave" },
      "sent-before-we-joined",
    ],
    ["withheld from unverified devices", missing("m.unverified"), here, "withheld-unverified"],
    [
      "withheld, and before this device",
      missing("m.unverified"),
      { ...here, isHistorical: true },
      "withheld-unverified",
    ],
    ["withheld from this device", missing("m.blacklisted"), here, "withheld"],
    ["no way to hand it over", missing("m.no_olm"), here, "withheld"],
    ["a reason that nobody knows", missing("org.example.mood"), here, "withheld"],
    ["history, with a backup that works", missing(), { ...here, isHistorical: true }, "missing-key"],
    [
      "history, on an unverified device",
      missing(),
      { ...here, isHistorical: true, isBackupUsable: false, isDeviceVerified: false },
      "history-unverified-device",
    ],
    [
      "history, on an unverified device, and no backup to open",
      missing(),
      { ...here, isHistorical: true, isBackupUsable: false, isDeviceVerified: false, hasBackup: false },
      "history-without-backup",
    ],
    [
      "history without a backup",
      missing(),
      { ...here, isHistorical: true, isBackupUsable: false },
      "history-without-backup",
    ],
    [
      "history, with a backup that is broken",
      missing(),
      { ...here, isHistorical: true, isBackupUsable: false, hasBackup: true },
      "missing-key",
    ],
    [
      "history, of which the key starts too late",
      { code: DecryptionErrorCode.UnknownMessageIndex, withheldCode: undefined },
      { ...here, isHistorical: true, isBackupUsable: false },
      "history-without-backup",
    ],
    [
      "an unsigned device",
      { code: DecryptionErrorCode.UnsignedSenderDevice, withheldCode: undefined },
      here,
      "unsigned-device",
    ],
    [
      "an unknown device",
      { code: DecryptionErrorCode.UnknownSenderDevice, withheldCode: undefined },
      here,
      "unknown-device",
    ],
    [
      "a changed identity",
      { code: DecryptionErrorCode.SenderIdentityVerificationViolation, withheldCode: undefined },
      here,
      "verification-violation",
    ],
    [
      "another sender",
      { code: DecryptionErrorCode.MismatchedSender, withheldCode: undefined },
      here,
      "mismatched-sender",
    ],
    [
      "other keys",
      { code: DecryptionErrorCode.MismatchedIdentityKeys, withheldCode: undefined },
      here,
      "mismatched-sender",
    ],
    ["anything else", { code: DecryptionErrorCode.UnableToDecrypt, withheldCode: undefined }, here, "malformed"],
  ])("%s", (_name, error, facts, cause) => {
    expect(undecryptableCauseSchema.options).toContain(cause);
    expect(causeOf(error, facts)).toBe(cause);
  });
});
