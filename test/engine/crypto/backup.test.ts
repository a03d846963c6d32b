/**
 * Key backup: keys go to a backup that is trusted and to no other, whatever the server says and when; a key that
 * comes from elsewhere is used where it fits.
 */
import { BackupDecryptionKey, DeviceId, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { describe, expect, test } from "vitest";
import { openBackup, publicKeyOfPrivate } from "../../../main/engine/crypto/backup.ts";
import { openCrossSigning } from "../../../main/engine/crypto/cross-signing.ts";
import { EngineError } from "../../../main/engine/base/errors.ts";
import type { JsonObject, JsonValue } from "../../../main/engine/matrix/json.ts";
import {
  hurriedClock,
  makeRoomKeys,
  offline,
  serverError,
  startCryptoServer,
  startMachine,
  type CryptoTestServer,
} from "../../support/crypto-server.ts";

const ALICE = "@alice:test";
const ROOM = "!room:test";
const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";

async function signIn(server: CryptoTestServer, deviceId: string) {
  const clock = hurriedClock();
  const machine = await startMachine(server, ALICE, deviceId, { clock });
  return { clock, machine, signing: openCrossSigning(machine.context), backup: openBackup(machine.context) };
}

async function withBackup() {
  const server = startCryptoServer();
  const first = await signIn(server, "A1");
  await first.signing.bootstrap();
  await first.backup.create();
  return { server, ...first };
}

const backupsOf = (server: CryptoTestServer) => [...(server.users.get(ALICE)?.backups ?? [])];
const newest = (server: CryptoTestServer) => {
  const last = backupsOf(server).at(-1);
  if (!last) throw new Error("there is no backup");
  return { version: last[0], ...last[1] };
};
const sessionsIn = (server: CryptoTestServer): string[] =>
  [...newest(server).rooms.values()].flatMap((room) => [...room.keys()]);
/** A backup whose private key someone else holds. */
const makeForeign = (server: CryptoTestServer, authData?: JsonObject, algorithm = ALGORITHM): Promise<string> => {
  const key = BackupDecryptionKey.createRandomKey();
  const publicKey = key.megolmV1PublicKey.publicKeyBase64;
  return server
    .client(ALICE, "A1")
    .createBackup({ algorithm, authData: authData ?? { public_key: publicKey, signatures: {} } });
};

describe("a new backup", () => {
  test("is signed by identity and device, in use, and its private key is here", async () => {
    const { server, backup, machine } = await withBackup();
    expect(backup.view()).toMatchObject({ state: "active", version: "1" });
    const { authData } = newest(server);
    expect(Object.keys((authData["signatures"] as { [user: string]: JsonObject })[ALICE] ?? {})).toHaveLength(2);
    expect(publicKeyOfPrivate((await backup.privateKey()) ?? "")).toBe(authData["public_key"]);
    expect(machine.changes).toContain("encryption");
  });

  test("a kill at any of its requests, then a repeat: one backup", async () => {
    for (let failing = 0; failing < 4; failing += 1) {
      const server = startCryptoServer();
      const { machine, signing, backup } = await signIn(server, "A1");
      await signing.bootstrap();
      let left = failing;
      server.setIntercept(() => {
        left -= 1;
        if (left < 0) throw offline();
      });
      await backup.create().catch(() => undefined);
      server.setIntercept(undefined);
      const again = openBackup(machine.context);
      await again.check();
      if (again.view().state === "none") await again.create();
      expect(again.view().state).toBe("active");
      expect(backupsOf(server)).toHaveLength(1);
    }
  });

  test("whose answer got lost is found again", async () => {
    const server = startCryptoServer();
    const { machine, signing, backup } = await signIn(server, "A1");
    await signing.bootstrap();
    const real = machine.context.server.createBackup;
    machine.context.server.createBackup = async (made, options) => {
      await real(made, options);
      throw offline();
    };
    await expect(backup.create()).rejects.toMatchObject({ code: "offline" });
    machine.context.server.createBackup = real;
    const again = openBackup(machine.context);
    await again.create();
    expect(again.view()).toMatchObject({ state: "active", version: "1" });
    expect(backupsOf(server)).toHaveLength(1);
  });
});

describe("upload", () => {
  test("brings all keys there, in batches, and counts them", async () => {
    const { server, backup, machine } = await withBackup();
    const sessions = await makeRoomKeys(machine, ROOM, 130);
    await backup.upload();
    expect(new Set(sessionsIn(server))).toEqual(new Set(sessions));
    expect(backup.view()).toMatchObject({ keyCount: 130, backedUpCount: 130 });
    expect(server.countCalls("putBackupKeys")).toBeGreaterThan(1);
    await backup.upload();
    expect(new Set(sessionsIn(server)).size).toBe(130);
  });

  test("goes by itself soon after new keys, also after those that come while it runs", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 1);
    let isLate = true;
    server.setIntercept(async (call) => {
      if (call.name !== "putBackupKeys" || !isLate) return;
      isLate = false;
      await makeRoomKeys(machine, "!late:test", 1);
      backup.uploadSoon();
    });
    backup.uploadSoon();
    backup.uploadSoon();
    await expect.poll(() => sessionsIn(server).length).toBe(2);
  });

  test("goes on after failures, after a restart too", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 3);
    let failures = 4;
    server.setIntercept((call) => {
      if (call.name === "putBackupKeys" && (failures -= 1) >= 0) throw failures % 2 === 0 ? offline() : serverError();
    });
    await backup.upload();
    expect(sessionsIn(server)).toHaveLength(3);
    await makeRoomKeys(machine, ROOM, 2);
    const again = openBackup(machine.context);
    await again.check();
    await again.upload();
    expect(sessionsIn(server)).toHaveLength(5);
    // What was there already was not sent again.
    const sent = server.calls.findLast((call) => call.name === "putBackupKeys");
    expect(JSON.stringify(sent?.body).match(/"session_data"/gu)).toHaveLength(2);
  });

  test("that is refused for good says why, and does not go round in circles", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 1);
    server.setIntercept((call) => {
      if (call.name === "putBackupKeys") throw new EngineError("rejected", "Too large.", { errcode: "M_TOO_LARGE" });
    });
    await backup.upload();
    expect(backup.view().error).toMatchObject({ code: "rejected", errcode: "M_TOO_LARGE" });
    expect(server.countCalls("putBackupKeys")).toBe(1);
  });
});

describe("another backup than before", () => {
  test("that nobody we trust has signed gets not one key, also in the middle of an upload", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 250);
    let putCount = 0;
    server.setIntercept(async (call) => {
      if (call.name !== "putBackupKeys" || (putCount += 1) !== 2) return;
      await makeForeign(server);
    });
    await backup.upload();
    expect(backup.view()).toMatchObject({ state: "untrusted", version: "2" });
    expect(sessionsIn(server)).toEqual([]);
    await makeRoomKeys(machine, ROOM, 1);
    await backup.upload();
    await backup.check();
    expect(sessionsIn(server)).toEqual([]);
  });

  test("with the old version's name and another key gets none either", async () => {
    const { server, backup, machine } = await withBackup();
    const foreign = BackupDecryptionKey.createRandomKey();
    const record = server.users.get(ALICE)?.backups.get("1");
    if (!record) expect.unreachable();
    record.authData = { ...record.authData, public_key: foreign.megolmV1PublicKey.publicKeyBase64 };
    const again = openBackup(machine.context);
    await makeRoomKeys(machine, ROOM, 1);
    await again.check();
    await again.upload();
    expect(again.view().state).toBe("untrusted");
    expect(sessionsIn(server)).toEqual([]);
    expect(backup.view().state).toBe("active");
  });

  test("that an own verified device made is used, and gets all keys anew", async () => {
    const { server, backup, machine, signing } = await withBackup();
    const sessions = await makeRoomKeys(machine, ROOM, 3);
    await backup.upload();
    const second = await signIn(server, "A2");
    await second.signing.importSecrets(
      (await signing.exportSecrets()) as NonNullable<Awaited<ReturnType<typeof signing.exportSecrets>>>,
    );
    await second.backup.create();
    await machine.sync();
    await makeRoomKeys(machine, ROOM, 1);
    await backup.upload();
    expect(backup.view()).toMatchObject({ state: "key-missing", version: "2" });
    for (const session of sessions) expect(sessionsIn(server)).toContain(session);
    expect(sessionsIn(server)).toHaveLength(4);
  });

  test("none at all: nothing is uploaded, and nothing breaks", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 1);
    server.users.get(ALICE)?.backups.clear();
    await backup.upload();
    expect(backup.view()).toMatchObject({ state: "none", version: undefined });
    await backup.create();
    await backup.upload();
    expect(sessionsIn(server)).toHaveLength(1);
  });

  test("a server that refuses the version that it names is not asked without end", async () => {
    const { server, backup, machine } = await withBackup();
    await makeRoomKeys(machine, ROOM, 1);
    let refusals = 0;
    server.setIntercept((call) => {
      if (call.name !== "putBackupKeys") return;
      refusals += 1;
      if (refusals > 5) server.users.get(ALICE)?.backups.clear();
      throw new EngineError("forbidden", "No.", { errcode: "M_WRONG_ROOM_KEYS_VERSION" });
    });
    await backup.upload();
    expect(backup.view().state).toBe("none");
    expect(refusals).toBeLessThanOrEqual(7);
  });
});

describe("what the server calls a backup", () => {
  const hostile: JsonValue[] = [
    null,
    1,
    "",
    "x",
    "A".repeat(42),
    "A".repeat(44),
    "!".repeat(43),
    [],
    {},
    ["A".repeat(43)],
    "A".repeat(1_000_000),
  ];

  test("without a public key, or with anything in its place, is not used", async () => {
    for (const public_key of hostile) {
      const server = startCryptoServer();
      const { signing, backup, machine } = await signIn(server, "A1");
      await signing.bootstrap();
      await makeRoomKeys(machine, ROOM, 1);
      await makeForeign(server, { public_key });
      await backup.check();
      await backup.upload();
      expect(backup.view()).toMatchObject({ state: "untrusted", version: "1" });
      expect(server.countCalls("putBackupKeys")).toBe(0);
    }
  });

  test("with signatures of any shape is not trusted", async () => {
    const good = BackupDecryptionKey.createRandomKey().megolmV1PublicKey.publicKeyBase64;
    const server = startCryptoServer();
    const { signing, backup, machine } = await signIn(server, "A1");
    await signing.bootstrap();
    await makeRoomKeys(machine, ROOM, 1);
    const master = Object.keys(server.users.get(ALICE)?.crossSigning.master_key?.["keys"] ?? {})[0] ?? "";
    for (const signatures of [
      ...hostile,
      { [ALICE]: { [master]: "A".repeat(86) } },
      { [ALICE]: { [master]: 1 } },
      { [ALICE]: [] },
      { "@eve:test": {} },
    ]) {
      await makeForeign(server, { public_key: good, signatures });
      await backup.check();
      await backup.upload();
      expect(backup.view().state).toBe("untrusted");
    }
    await makeForeign(server, { public_key: good }, "m.megolm_backup.v2.unknown");
    await backup.check();
    expect(backup.view()).toMatchObject({ state: "untrusted", error: { code: "rejected" } });
    expect(server.countCalls("putBackupKeys")).toBe(0);
  });

  test("is waited for by a device that is not verified yet, and not called foreign", async () => {
    const { server } = await withBackup();
    const second = await signIn(server, "A2");
    await second.signing.queryOwnKeys();
    await makeRoomKeys(second.machine, ROOM, 1);
    await second.backup.check();
    await second.backup.upload();
    expect(second.backup.view().state).toBe("key-missing");
    expect(sessionsIn(server)).toEqual([]);
  });
});

describe("a private key from elsewhere", () => {
  test("is used where it is the backup's, and dropped where it is not", async () => {
    const { server, backup } = await withBackup();
    const second = await signIn(server, "A2");
    await second.backup.check();
    const foreign = BackupDecryptionKey.createRandomKey().toBase64();
    for (const wrong of [foreign, "", "!", "A".repeat(42), "A".repeat(1_000_000), "\u0000"]) {
      expect(await second.backup.offerKey(wrong)).toBe(false);
      expect(await second.backup.heldKey()).toBeUndefined();
    }
    expect(await second.backup.offerKey((await backup.privateKey()) ?? "")).toBe(true);
    expect(second.backup.view().state).toBe("active");
  });

  test("comes from an own verified device that was asked for it", async () => {
    const { server, machine, signing } = await withBackup();
    const second = await signIn(server, "A2");
    const secrets = await signing.exportSecrets();
    if (!secrets) expect.unreachable();
    await second.signing.importSecrets(secrets);
    await second.backup.check();
    expect(second.backup.view().state).toBe("key-missing");
    await machine.sync();
    expect(await second.machine.olm.requestMissingSecretsIfNeeded()).toBe(true);
    await second.machine.context.outgoing.flush();
    // Each hears of the other once: the session between them is made here, and no later sync comes to serve who waits.
    await machine.sync();
    await second.machine.sync();
    expect(await second.backup.takeInbox()).toBe(true);
    expect(second.backup.view().state).toBe("active");
    expect((await second.machine.olm.getSecretsFromInbox("m.megolm_backup.v1")).size).toBe(0);
  });

  test("is not given to a device that is not verified", async () => {
    const { server, machine } = await withBackup();
    const second = await signIn(server, "A2");
    await second.backup.check();
    await machine.sync();
    // It does not ask by itself; what it would ask with is sent in its name.
    await second.machine.context.server.sendToDevice(
      "m.secret.request",
      "ask",
      JSON.stringify({
        messages: {
          [ALICE]: {
            A1: { action: "request", name: "m.megolm_backup.v1", request_id: "1", requesting_device_id: "A2" },
          },
        },
      }),
    );
    for (let turn = 0; turn < 4; turn += 1) {
      await machine.sync();
      await second.machine.sync();
    }
    expect(await second.backup.takeInbox()).toBe(false);
    const device = await machine.olm.getDevice(new UserId(ALICE), new DeviceId("A2"));
    expect(device?.isVerified()).toBe(false);
    expect(
      server.calls.filter(
        (call) =>
          call.name === "sendToDevice" && call.deviceId === "A1" && JSON.stringify(call.body).includes("ciphertext"),
      ),
    ).toEqual([]);
  });
});
