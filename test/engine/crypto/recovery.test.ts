/**
 * Recovery as a user meets it: set up once, entered on a further device, replaced, reset. Each command fails at
 * each of its requests in turn and is repeated: there is one identity, one backup in use, and the key opens it all.
 */
import { DeviceId, UserId, type OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { describe, expect, test } from "vitest";
import { encodeRecoveryKey, makeRecoveryKeyBytes } from "../../../main/engine/crypto/recovery-key.ts";
import { openRecovery, type Recovery } from "../../../main/engine/crypto/recovery.ts";
import {
  hurriedClock,
  makeRoomKeys,
  offline,
  sessionsOf,
  startCryptoServer,
  startMachine,
  type CryptoTestServer,
  type TestMachine,
} from "../../support/crypto-server.ts";

const ALICE = "@alice:test";
const ROOM = "!room:test";
const secretNames = [
  "m.cross_signing.master",
  "m.cross_signing.self_signing",
  "m.cross_signing.user_signing",
  "m.megolm_backup.v1",
];

type Signed = { machine: TestMachine; recovery: Recovery; server: CryptoTestServer };

async function signIn(server: CryptoTestServer, deviceId: string): Promise<Signed> {
  const machine = await startMachine(server, ALICE, deviceId, { clock: hurriedClock() });
  return listen({ server, machine, recovery: openRecovery(machine.context, { firstRooms: () => [ROOM] }) });
}

/** What parts.ts does: hands on what the machine reports. */
function listen(signed: Signed): Signed {
  const { machine, recovery } = signed;
  machine.olm.registerUserIdentityUpdatedCallback(async (userId: UserId) => {
    if (userId.toString() === ALICE) await recovery.noteOwnIdentity().catch(() => undefined);
  });
  machine.olm.registerReceiveSecretCallback(async () => recovery.noteSecret());
  return signed;
}

async function setUp(server = startCryptoServer()) {
  const first = await signIn(server, "A1");
  const recoveryKey = await first.recovery.makeRecoveryKey();
  await first.recovery.setUpRecovery({ recoveryKey });
  return { ...first, recoveryKey };
}

const record = (server: CryptoTestServer) => {
  const found = server.users.get(ALICE);
  if (!found) throw new Error("there is no such user");
  return found;
};
const masterOf = (server: CryptoTestServer): string =>
  Object.keys(record(server).crossSigning.master_key?.["keys"] ?? {}).join();
const keyCount = (server: CryptoTestServer): number =>
  [...record(server).accountData.keys()].filter((type) => type.startsWith("m.secret_storage.key.")).length;
const settled = (recovery: Recovery) => expect.poll(() => recovery.view().nextStep);
const isSigned = async (olm: OlmMachine, deviceId: string) =>
  (await olm.getDevice(new UserId(ALICE), new DeviceId(deviceId)))?.isCrossSignedByOwner() ?? false;

/**
 * Runs `command` again and again, on a recovery that knows nothing but what is stored, with the server failing one
 * request later each time; ends with the run that came through.
 */
async function failEverywhere(
  signed: Signed,
  command: (recovery: Recovery) => Promise<void>,
): Promise<{ failures: number }> {
  for (let failures = 0; ; failures += 1) {
    let left = failures;
    signed.server.setIntercept(() => {
      left -= 1;
      if (left < 0) throw offline();
    });
    try {
      await command(openRecovery(signed.machine.context));
      signed.server.setIntercept(undefined);
      return { failures };
    } catch (error) {
      expect(error).toMatchObject({ code: "offline" });
    }
  }
}

describe("set-up", () => {
  test("makes identity, storage and backup, and all secrets are in it", async () => {
    const { server, recovery, machine } = await setUp();
    await settled(recovery).toBe("none");
    const here = { isHere: true, isStored: true };
    expect(recovery.view()).toEqual({
      nextStep: "none",
      isDeviceVerified: true,
      hasRecovery: true,
      hasPassphrase: false,
      secrets: { masterKey: here, selfSigningKey: here, userSigningKey: here, backupKey: here },
      backup: { state: "active", version: "1", keyCount: 0, backedUpCount: 0 },
      hasIdentityChanged: false,
    });
    for (const name of secretNames) expect(record(server).accountData.has(name)).toBe(true);
    expect(machine.changes).toContain("encryption");
  });

  test("says what comes next: create, then nothing; for a further device, verify", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    expect(first.recovery.view().nextStep).toBe("none");
    first.recovery.start();
    await settled(first.recovery).toBe("create");
    await first.recovery.setUpRecovery({ recoveryKey: await first.recovery.makeRecoveryKey() });
    await settled(first.recovery).toBe("none");
    const second = await signIn(server, "A2");
    second.recovery.start();
    await settled(second.recovery).toBe("verify");
    expect(second.recovery.view()).toMatchObject({
      hasRecovery: true,
      isDeviceVerified: false,
      backup: { state: "key-missing" },
    });
  });

  test("says that recovery is missing where it is only that", async () => {
    const server = startCryptoServer();
    const { recovery } = await signIn(server, "A1");
    await recovery.bootstrap({});
    recovery.start();
    await settled(recovery).toBe("recovery");
    await recovery.setUpRecovery({ recoveryKey: await recovery.makeRecoveryKey() });
    await settled(recovery).toBe("none");
    expect(server.countCalls("uploadSigningKeys")).toBe(1);
  });

  test("asks for the password where the server does, and goes on with it", async () => {
    const server = startCryptoServer();
    server.setPassword(ALICE, "secret");
    const { recovery } = await signIn(server, "A1");
    const recoveryKey = await recovery.makeRecoveryKey();
    await expect(recovery.setUpRecovery({ recoveryKey })).rejects.toMatchObject({ code: "password-needed" });
    expect(record(server).backups.size).toBe(0);
    expect(keyCount(server)).toBe(0);
    await recovery.setUpRecovery({ recoveryKey, password: "secret" });
    await settled(recovery).toBe("none");
  });

  test("failing at every one of its requests and repeated: one identity, one storage, one backup", async () => {
    const server = startCryptoServer();
    const signed = await signIn(server, "A1");
    const recoveryKey = encodeRecoveryKey(makeRecoveryKeyBytes());
    const { failures } = await failEverywhere(signed, (recovery) => recovery.setUpRecovery({ recoveryKey }));
    expect(failures).toBeGreaterThan(15);
    expect(record(server).backups.size).toBe(1);
    expect(keyCount(server)).toBe(1);
    expect(
      new Set(server.calls.filter((call) => call.name === "uploadSigningKeys").map((call) => JSON.stringify(call.body)))
        .size,
    ).toBe(1);
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    expect(second.recovery.view().isDeviceVerified).toBe(true);
  });

  test("repeated after success changes nothing", async () => {
    const { server, recovery, recoveryKey } = await setUp();
    const before = JSON.stringify([...record(server).accountData]);
    await recovery.setUpRecovery({ recoveryKey });
    expect(JSON.stringify([...record(server).accountData])).toBe(before);
    expect(record(server).backups.size).toBe(1);
  });

  test("two at once are one after the other", async () => {
    const server = startCryptoServer();
    const { recovery } = await signIn(server, "A1");
    const recoveryKey = await recovery.makeRecoveryKey();
    await Promise.all([recovery.setUpRecovery({ recoveryKey }), recovery.setUpRecovery({ recoveryKey })]);
    expect(record(server).backups.size).toBe(1);
    expect(server.countCalls("uploadSigningKeys")).toBe(1);
  });

  test("of an account that is set up is refused on a device that is not verified, and touches nothing", async () => {
    const { server } = await setUp();
    const second = await signIn(server, "A2");
    const before = [masterOf(server), JSON.stringify([...record(server).accountData]), record(server).backups.size];
    const recoveryKey = await second.recovery.makeRecoveryKey();
    await expect(second.recovery.setUpRecovery({ recoveryKey })).rejects.toMatchObject({
      code: "encryption-not-ready",
    });
    expect([masterOf(server), JSON.stringify([...record(server).accountData]), record(server).backups.size]).toEqual(
      before,
    );
  });

  test.each(["", "correct horse", "x".repeat(10_000)])(
    "with what is no recovery key is refused",
    async (recoveryKey) => {
      const server = startCryptoServer();
      const { recovery } = await signIn(server, "A1");
      await expect(recovery.setUpRecovery({ recoveryKey })).rejects.toMatchObject({ code: "wrong-recovery-key" });
      expect(server.countCalls("uploadSigningKeys")).toBe(0);
    },
  );

  test("with a new key takes the old one's place", async () => {
    const { server, recovery, recoveryKey } = await setUp();
    const master = masterOf(server);
    const next = await recovery.makeRecoveryKey();
    await recovery.setUpRecovery({ recoveryKey: next });
    expect(masterOf(server)).toBe(master);
    const second = await signIn(server, "A2");
    await expect(second.recovery.recover(recoveryKey)).rejects.toMatchObject({ code: "wrong-recovery-key" });
    await second.recovery.recover(next);
    expect(second.recovery.view().isDeviceVerified).toBe(true);
  });
});

describe("a further device", () => {
  test("with the recovery key is verified, and has the history", async () => {
    const { server, machine, recovery, recoveryKey } = await setUp();
    const sessions = await makeRoomKeys(machine, ROOM, 5);
    await recovery.upload();
    const second = await signIn(server, "A2");
    await second.recovery.recover(` ${recoveryKey.replaceAll(" ", "")}\n`);
    expect(second.recovery.view()).toMatchObject({ isDeviceVerified: true, backup: { state: "active" } });
    await expect.poll(() => sessionsOf(second.machine)).toEqual(new Set(sessions));
    await machine.sync();
    expect(await isSigned(machine.olm, "A2")).toBe(true);
    await settled(second.recovery).toBe("none");
  });

  test("with the passphrase as well", async () => {
    const server = startCryptoServer();
    const first = await signIn(server, "A1");
    await first.recovery.setUpRecovery({ recoveryKey: await first.recovery.makeRecoveryKey("correct horse") });
    await expect.poll(() => first.recovery.view().hasPassphrase).toBe(true);
    const second = await signIn(server, "A2");
    await expect(second.recovery.recover("correct house")).rejects.toMatchObject({ code: "wrong-recovery-key" });
    await second.recovery.recover("correct horse");
    expect(second.recovery.view().isDeviceVerified).toBe(true);
  });

  test("with a wrong key gets nothing at all, and asks for no keys", async () => {
    const { server, machine, recovery } = await setUp();
    await makeRoomKeys(machine, ROOM, 2);
    await recovery.upload();
    const second = await signIn(server, "A2");
    await expect(second.recovery.recover(encodeRecoveryKey(makeRecoveryKeyBytes()))).rejects.toMatchObject({
      code: "wrong-recovery-key",
    });
    expect(await sessionsOf(second.machine)).toEqual(new Set());
    expect(second.recovery.view()).toMatchObject({
      isDeviceVerified: false,
      secrets: { masterKey: { isHere: false }, backupKey: { isHere: false } },
    });
    expect(server.countCalls("backupKeys")).toBe(0);
    expect(server.calls.filter((call) => call.deviceId === "A2" && call.name === "setAccountData")).toEqual([]);
  });

  test("failing at every one of its requests and repeated is verified in the end", async () => {
    const { server, machine, recovery, recoveryKey } = await setUp();
    const sessions = await makeRoomKeys(machine, ROOM, 3);
    await recovery.upload();
    const before = JSON.stringify([...record(server).accountData]);
    const second = await signIn(server, "A2");
    await failEverywhere(second, (again) => again.recover(recoveryKey));
    expect(await isSigned(second.machine.olm, "A2")).toBe(true);
    await expect.poll(() => sessionsOf(second.machine)).toEqual(new Set(sessions));
    expect(JSON.stringify([...record(server).accountData])).toBe(before);
  });

  test("whose account's identity is another by now has its history, and is told why it is not verified", async () => {
    const { server, machine, recovery, recoveryKey } = await setUp();
    const sessions = await makeRoomKeys(machine, ROOM, 2);
    await recovery.upload();
    const stored = [...record(server).accountData];
    const backups = new Map(record(server).backups);
    const intruder = await signIn(server, "A9");
    await intruder.recovery.resetIdentity({ recoveryKey: await intruder.recovery.makeRecoveryKey() });
    record(server).accountData = new Map(stored);
    record(server).backups = backups;
    const second = await signIn(server, "A2");
    await expect(second.recovery.recover(recoveryKey)).rejects.toMatchObject({ code: "identity-changed" });
    expect(second.recovery.view()).toMatchObject({
      isDeviceVerified: false,
      secrets: { masterKey: { isHere: false } },
    });
    await expect.poll(() => sessionsOf(second.machine)).toEqual(new Set(sessions));
  });

  test("secrets that are no keys are refused, and nothing of them is kept", async () => {
    const { server, recoveryKey } = await setUp();
    const { openSecretStorage } = await import("../../../main/engine/crypto/secret-storage.ts");
    const second = await signIn(server, "A2");
    const unlocked = await openSecretStorage(second.machine.context).unlock(recoveryKey);
    for (const value of ["", "x", "\u0000", "A".repeat(10_000), "null", "{}"]) {
      await unlocked.store("m.megolm_backup.v1", value || " ");
      await unlocked.store("m.cross_signing.self_signing", value || " ");
      await expect(second.recovery.recover(recoveryKey)).rejects.toMatchObject({ code: "identity-changed" });
      expect(second.recovery.view()).toMatchObject({
        isDeviceVerified: false,
        secrets: { selfSigningKey: { isHere: false }, backupKey: { isHere: false } },
      });
    }
  });

  test("stores what was made without the key at hand", async () => {
    const { server, recovery, recoveryKey } = await setUp();
    await recovery.replaceBackup();
    await expect.poll(() => recovery.view().secrets.backupKey).toEqual({ isHere: true, isStored: false });
    await recovery.recover(recoveryKey);
    await expect.poll(() => recovery.view().secrets.backupKey).toEqual({ isHere: true, isStored: true });
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    expect(second.recovery.view().backup).toMatchObject({ state: "active", version: "2" });
  });
});

describe("a new backup", () => {
  test("takes the place of one whose key is lost; identity and recovery key stay", async () => {
    const { server, machine, recovery, recoveryKey } = await setUp();
    const sessions = await makeRoomKeys(machine, ROOM, 3);
    await recovery.upload();
    const master = masterOf(server);
    // Another's backup: ours is gone, with its key.
    const backup = record(server).backups.get("1");
    if (!backup) expect.unreachable();
    backup.authData = { public_key: "A".repeat(43), signatures: {} };
    recovery.start();
    await expect.poll(() => recovery.view().backup.state).toBe("untrusted");
    await recovery.replaceBackup(recoveryKey);
    expect([...record(server).backups.keys()]).toEqual(["2"]);
    expect(masterOf(server)).toBe(master);
    await recovery.upload();
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    await expect.poll(() => sessionsOf(second.machine)).toEqual(new Set(sessions));
  });

  test("is not made with a wrong recovery key", async () => {
    const { server, recovery } = await setUp();
    await expect(recovery.replaceBackup(encodeRecoveryKey(makeRecoveryKeyBytes()))).rejects.toMatchObject({
      code: "wrong-recovery-key",
    });
    expect([...record(server).backups.keys()]).toEqual(["1"]);
  });

  test("failing at every one of its requests and repeated: one new version, and the old one gone", async () => {
    const signed = await setUp();
    const { server, recoveryKey } = signed;
    const backup = record(server).backups.get("1");
    if (!backup) expect.unreachable();
    backup.authData = { public_key: "A".repeat(43), signatures: {} };
    await failEverywhere(signed, (recovery) => recovery.replaceBackup(recoveryKey));
    expect([...record(server).backups.keys()]).toEqual(["2"]);
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    expect(second.recovery.view().backup).toMatchObject({ state: "active", version: "2" });
  });

  test("leaves the old one where keys of it were not fetched yet", async () => {
    const { server, recoveryKey } = await setUp();
    const second = await signIn(server, "A2");
    server.setIntercept((call) => {
      if (call.name === "backupKeys") throw offline();
    });
    await second.recovery.recover(recoveryKey);
    await second.recovery.replaceBackup(recoveryKey);
    expect([...record(server).backups.keys()]).toEqual(["1", "2"]);
  });
});

describe("a reset of the identity", () => {
  test("makes all anew, with a new key; the device that did it needs nothing more", async () => {
    const { server, machine, recovery, recoveryKey } = await setUp();
    const sessions = await makeRoomKeys(machine, ROOM, 3);
    await recovery.upload();
    const master = masterOf(server);
    const next = await recovery.makeRecoveryKey();
    await recovery.resetIdentity({ recoveryKey: next });
    expect(masterOf(server)).not.toBe(master);
    await settled(recovery).toBe("none");
    expect(recovery.view()).toMatchObject({
      isDeviceVerified: true,
      hasIdentityChanged: false,
      backup: { state: "active", version: "2" },
    });
    await recovery.upload();
    const second = await signIn(server, "A2");
    await expect(second.recovery.recover(recoveryKey)).rejects.toMatchObject({ code: "wrong-recovery-key" });
    await second.recovery.recover(next);
    await expect.poll(() => sessionsOf(second.machine)).toEqual(new Set(sessions));
  });

  test("failing at every one of its requests and repeated: one new identity, and no alarm", async () => {
    const signed = await setUp();
    const { server } = signed;
    const first = masterOf(server);
    const recoveryKey = encodeRecoveryKey(makeRecoveryKeyBytes());
    const masters = new Set<string>([first]);
    const { failures } = await failEverywhere(signed, async (recovery) => {
      try {
        await recovery.resetIdentity({ recoveryKey });
      } finally {
        masters.add(masterOf(server));
      }
    });
    expect(failures).toBeGreaterThan(15);
    expect(masters.size).toBe(2);
    expect([...record(server).backups.keys()].length).toBeLessThanOrEqual(2);
    signed.recovery.start();
    await settled(signed.recovery).toBe("none");
    expect(signed.recovery.view().hasIdentityChanged).toBe(false);
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    expect(second.recovery.view()).toMatchObject({ isDeviceVerified: true, backup: { state: "active" } });
  });

  test("is told to every other own device, which is verified no more", async () => {
    const { server, recoveryKey, machine } = await setUp();
    const second = await signIn(server, "A2");
    await second.recovery.recover(recoveryKey);
    await settled(second.recovery).toBe("none");
    const first = openRecovery(machine.context);
    await first.resetIdentity({ recoveryKey: await first.makeRecoveryKey() });
    await second.machine.sync();
    await settled(second.recovery).toBe("verify");
    expect(second.recovery.view()).toMatchObject({ hasIdentityChanged: true, isDeviceVerified: false });
    await second.recovery.acknowledgeIdentityChange();
    expect(second.recovery.view().hasIdentityChanged).toBe(false);
    // Its keys do not go to the new backup before it is verified again.
    await makeRoomKeys(second.machine, ROOM, 1);
    await second.recovery.upload();
    expect(record(server).backups.get("2")?.rooms).toEqual(new Map());
    expect(second.recovery.view().backup.state).not.toBe("active");
  });
});

test("the key of the backup comes from another own device, once this one is verified, and with it the history", async () => {
  const { server, machine, recovery } = await setUp();
  const sessions = await makeRoomKeys(machine, ROOM, 3);
  await recovery.upload();
  const second = await signIn(server, "A2");
  second.recovery.start();
  await settled(second.recovery).toBe("verify");
  await machine.sync();
  // As a verification by emoji ends: the first device signs the second, the second trusts the identity.
  const device = await machine.olm.getDevice(new UserId(ALICE), new DeviceId("A2"));
  if (!device) expect.unreachable();
  await machine.context.outgoing.sendOne(await device.verify());
  const identity = await second.machine.olm.getIdentity(new UserId(ALICE));
  if (!identity) expect.unreachable();
  await second.machine.context.outgoing.sendOne(await identity.verify());
  await expect
    .poll(
      async () => {
        await second.machine.sync();
        await machine.sync();
        return sessionsOf(second.machine);
      },
      { timeout: 10_000 },
    )
    .toEqual(new Set(sessions));
  expect(second.recovery.view()).toMatchObject({
    isDeviceVerified: true,
    nextStep: "none",
    backup: { state: "active" },
  });
});

test("what the server cannot answer now is asked again, and until then nothing is said to be missing", async () => {
  const server = startCryptoServer();
  const { recovery } = await signIn(server, "A1");
  let failures = 3;
  server.setIntercept(() => {
    expect(recovery.view().nextStep).toBe("none");
    if ((failures -= 1) >= 0) throw offline();
  });
  recovery.start();
  await settled(recovery).toBe("create");
});
