/**
 * Restoring from the key backup: everything comes back, what is looked at first, and neither a damaged key nor a
 * failing server nor a restart stops the rest.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackupDecryptionKey, Curve25519PublicKey, PkEncryption } from "@matrix-org/matrix-sdk-crypto-wasm";
import { describe, expect, onTestFinished, test } from "vitest";
import { openBackup } from "../../../main/engine/crypto/backup.ts";
import { openBackupRestore, type RestoreOptions } from "../../../main/engine/crypto/backup-restore.ts";
import { openCrossSigning } from "../../../main/engine/crypto/cross-signing.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import {
  hurriedClock,
  makeRoomKeys,
  offline,
  serverError,
  sessionsOf,
  startCryptoServer,
  startMachine,
  type CryptoTestServer,
  type MachineOptions,
} from "../../support/crypto-server.ts";

const ALICE = "@alice:test";
const ROOMS = ["!one:test", "!two:test", "!three:test"] as const;

const KEYS_PER_ROOM = 12;
const ALL_KEYS = KEYS_PER_ROOM * ROOMS.length;

/** A backup with keys in each room, and a second device that holds the private key of it. */
async function withHistory(options: RestoreOptions = {}, store: MachineOptions = {}) {
  const server = startCryptoServer();
  const first = await startMachine(server, ALICE, "A1", { clock: hurriedClock() });
  await openCrossSigning(first.context).bootstrap();
  const firstBackup = openBackup(first.context);
  await firstBackup.create();
  const sessions = new Map<string, string[]>();
  for (const room of ROOMS) sessions.set(room, await makeRoomKeys(first, room, KEYS_PER_ROOM));
  await firstBackup.upload();
  const clock = hurriedClock();
  const machine = await startMachine(server, ALICE, "A2", { ...store, clock });
  const backup = openBackup(machine.context);
  expect(await backup.offerKey((await firstBackup.privateKey()) ?? "")).toBe(true);
  const restoring = openBackupRestore(machine.context, backup, options);
  server.calls.length = 0;
  return { server, first, clock, machine, backup, restoring, sessions };
}

const all = (sessions: ReadonlyMap<string, readonly string[]>): Set<string> => new Set([...sessions.values()].flat());
const askedRooms = (server: CryptoTestServer): unknown[] =>
  server.calls.filter((call) => call.name === "backupKeys").map((call) => (call.body as JsonObject)["roomId"] ?? "all");
const roomsOf = (server: CryptoTestServer) => {
  const backup = server.users.get(ALICE)?.backups.get("1");
  if (!backup) throw new Error("there is no backup");
  return backup.rooms;
};
const fetchedSessions = (server: CryptoTestServer): unknown[] =>
  server.calls.filter((call) => call.name === "backupKeys").map((call) => (call.body as JsonObject)["sessionId"]);

describe("all of it", () => {
  test("comes back, the rooms that are looked at first, with progress", async () => {
    const { server, machine, backup, restoring, sessions } = await withHistory();
    const shown: number[] = [];
    const { changed } = machine.context;
    machine.context.changed = (...what) => {
      changed(...what);
      const { restoring: progress } = backup.view();
      if (progress) shown.push(progress.doneCount);
      if (progress) expect(progress.totalCount).toBe(ALL_KEYS);
    };
    expect(restoring.isDue()).toBe(true);
    const result = await restoring.restore({ first: [ROOMS[2], ROOMS[1]] });
    expect(result).toEqual({ importedCount: ALL_KEYS, failedCount: 0, isComplete: true });
    expect(await sessionsOf(machine)).toEqual(all(sessions));
    expect(askedRooms(server)).toEqual([ROOMS[2], ROOMS[1], "all"]);
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBe(ALL_KEYS);
    expect(backup.view().restoring).toBeUndefined();
    expect(backup.view()).toMatchObject({ keyCount: ALL_KEYS, backedUpCount: ALL_KEYS });
    expect(restoring.isDue()).toBe(false);
    expect(restoring.isComplete("1")).toBe(true);
  });

  test("is not sent back: what came from the backup is in it", async () => {
    const { server, backup, restoring } = await withHistory();
    await restoring.restore();
    await backup.upload();
    expect(server.countCalls("putBackupKeys")).toBe(0);
  });

  test("a room that is asked for while it runs comes next", async () => {
    const { server, restoring } = await withHistory();
    server.setIntercept((call) => {
      if (call.name === "backupKeys" && askedRooms(server).length === 1) void restoring.restore({ first: [ROOMS[1]] });
    });
    await restoring.restore({ first: [ROOMS[2], ROOMS[0]] });
    expect(askedRooms(server)).toEqual([ROOMS[2], ROOMS[1], ROOMS[0], "all"]);
  });

  test("goes on through failures of the server", async () => {
    const { server, machine, restoring, sessions } = await withHistory();
    let failures = 6;
    server.setIntercept((call) => {
      if (call.name === "backupKeys" && (failures -= 1) >= 0) throw failures % 2 === 0 ? offline() : serverError();
    });
    await restoring.restore({ first: [ROOMS[0]] });
    expect(await sessionsOf(machine)).toEqual(all(sessions));
  });

  test("goes on after a restart where it was", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lattice-restore-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const store = { folder, profileKey: randomBytes(32) };
    const { server, machine, restoring, sessions, clock } = await withHistory({}, store);
    server.setIntercept((call) => {
      // Long enough for the progress to be written.
      clock.skip(60_000);
      if (call.name === "backupKeys" && (call.body as JsonObject)["roomId"] === ROOMS[1]) machine.stop();
    });
    await expect(restoring.restore({ first: [ROOMS[0], ROOMS[1]] })).rejects.toMatchObject({ code: "cancelled" });
    expect(await sessionsOf(machine)).toEqual(new Set(sessions.get(ROOMS[0])));
    server.setIntercept(undefined);
    server.calls.length = 0;
    const again = await startMachine(server, ALICE, "A2", { ...store, olm: machine.olm, clock });
    const backup = openBackup(again.context);
    await backup.check();
    const goingOn = openBackupRestore(again.context, backup);
    expect(goingOn.isDue()).toBe(true);
    const result = await goingOn.restore({ first: [ROOMS[0], ROOMS[1]] });
    expect(askedRooms(server)).toEqual([ROOMS[1], "all"]);
    expect(result.importedCount).toBe(2 * KEYS_PER_ROOM);
    expect(await sessionsOf(machine)).toEqual(all(sessions));
    expect(goingOn.isDue()).toBe(false);
  });

  test("stops where the user says so, and does not begin again by itself", async () => {
    const { server, machine, restoring } = await withHistory();
    server.setIntercept((call) => {
      if (call.name === "backupKeys" && askedRooms(server).length === 2) restoring.cancel();
    });
    await expect(restoring.restore({ first: [...ROOMS] })).rejects.toMatchObject({ code: "cancelled" });
    expect((await sessionsOf(machine)).size).toBeLessThan(ALL_KEYS);
    expect(restoring.isDue()).toBe(false);
    server.setIntercept(undefined);
    await restoring.restore();
    expect((await sessionsOf(machine)).size).toBe(ALL_KEYS);
  });

  test("without the private key nothing is fetched, and it is said why", async () => {
    const { server, machine } = await withHistory();
    const third = await startMachine(server, ALICE, "A3");
    const restoring = openBackupRestore(third.context, openBackup(third.context));
    await expect(restoring.restore()).rejects.toMatchObject({ code: "encryption-not-ready" });
    expect(server.countCalls("backupKeys")).toBe(0);
    expect(machine.context.signal.aborted).toBe(false);
  });

  test("of a very large backup, the rooms that are known come one by one", async () => {
    const { server, machine, restoring, sessions } = await withHistory({ knownRooms: () => [...ROOMS] });
    const real = machine.context.server.backupInfo;
    machine.context.server.backupInfo = async (...question) => {
      const info = await real(...question);
      return info && { ...info, count: 1_000_000 };
    };
    const result = await restoring.restore({ first: [ROOMS[1]] });
    expect(askedRooms(server)).toEqual([ROOMS[1], ROOMS[0], ROOMS[2]]);
    expect(result).toEqual({ importedCount: ALL_KEYS, failedCount: 0, isComplete: false });
    expect(await sessionsOf(machine)).toEqual(all(sessions));
  });
});

describe("what is no key", () => {
  test("is counted and left out, and the others come", async () => {
    const { server, machine, restoring, sessions } = await withHistory();
    const stored = roomsOf(server);
    const good = [...(stored.get(ROOMS[0])?.values() ?? [])][0] as { session_data: JsonObject };
    const publicKey = server.users.get(ALICE)?.backups.get("1")?.authData["public_key"] as string;
    const forged = (plain: string) => {
      const message = PkEncryption.fromKey(new Curve25519PublicKey(publicKey)).encryptString(plain).toBase64();
      return {
        ...good,
        session_data: { ephemeral: message.ephemeralKey, mac: message.mac, ciphertext: message.ciphertext },
      };
    };
    const foreign = PkEncryption.fromKey(
      new Curve25519PublicKey(BackupDecryptionKey.createRandomKey().megolmV1PublicKey.publicKeyBase64),
    )
      .encryptString("{}")
      .toBase64();
    const bad: unknown[] = [
      null,
      1,
      "x",
      [],
      {},
      { session_data: null },
      { session_data: [] },
      { session_data: { ephemeral: 1, mac: 2, ciphertext: 3 } },
      { session_data: { ephemeral: "", mac: "", ciphertext: "" } },
      { session_data: { ...good.session_data, mac: "AAAAAAAAAAA" } },
      { session_data: { ...good.session_data, ciphertext: "!" } },
      { session_data: { ...good.session_data, ciphertext: "A".repeat(100_000) } },
      { session_data: { ephemeral: foreign.ephemeralKey, mac: foreign.mac, ciphertext: foreign.ciphertext } },
      forged("not JSON"),
      forged("null"),
      forged("[]"),
      forged("{}"),
      forged('{"__proto__":{"algorithm":"m.megolm.v1.aes-sha2"}}'),
      forged(
        '{"algorithm":"m.megolm.v1.aes-sha2","sender_key":1,"session_key":2,"sender_claimed_keys":3,"forwarding_curve25519_key_chain":4}',
      ),
      forged(`{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`),
    ];
    for (const [index, session] of bad.entries()) stored.get(ROOMS[0])?.set(`bad${index}`, session as JsonObject);
    stored.get(ROOMS[1])?.set("__proto__", null as unknown as JsonObject);
    stored.set("not a room id", new Map([["x", forged("{}") as JsonObject]]));
    const result = await restoring.restore({ first: ["!nowhere:test"] });
    expect(await sessionsOf(machine)).toEqual(all(sessions));
    expect(result.importedCount).toBe(ALL_KEYS);
    expect(result.failedCount).toBe(bad.length + 2);
  });

  test("answers of any shape restore nothing and break nothing", async () => {
    const { machine, restoring } = await withHistory();
    const answers = [
      {},
      { rooms: null },
      { rooms: [] },
      { rooms: { x: null } },
      { rooms: { "!x:test": { sessions: [] } } },
      { sessions: 1 },
    ];
    for (const answer of answers) {
      machine.context.server.backupKeys = async () => JSON.parse(JSON.stringify(answer)) as JsonObject;
      expect((await restoring.restore({ first: [ROOMS[0]] })).importedCount).toBe(0);
    }
  });
});

describe("a single session", () => {
  test("comes when a message waits for it", async () => {
    const { server, machine, restoring, sessions } = await withHistory();
    const wanted = sessions.get(ROOMS[0])?.[3] ?? "";
    restoring.requestSession(ROOMS[0], wanted);
    restoring.requestSession(ROOMS[0], wanted);
    await expect.poll(() => sessionsOf(machine)).toEqual(new Set([wanted]));
    expect(fetchedSessions(server)).toEqual([wanted]);
  });

  test("that is not there is not asked for again for a while, and longer each time", async () => {
    const { server, restoring, clock } = await withHistory();
    const ask = async () => {
      const before = server.countCalls("backupKeys");
      restoring.requestSession(ROOMS[0], "nowhere");
      await new Promise((resolve) => setTimeout(resolve, 30));
      return server.countCalls("backupKeys") - before;
    };
    expect(await ask()).toBe(1);
    expect(await ask()).toBe(0);
    clock.skip(6_000);
    expect(await ask()).toBe(1);
    clock.skip(6_000);
    expect(await ask()).toBe(0);
    restoring.forgetAbsences();
    expect(await ask()).toBe(1);
  });

  test("of many, the newest wishes are fetched first, one at a time", async () => {
    const { server, machine, restoring, sessions } = await withHistory();
    let running = 0;
    server.setIntercept(async (call) => {
      if (call.name !== "backupKeys") return;
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
    });
    const wanted = sessions.get(ROOMS[1]) ?? [];
    for (const session of wanted) restoring.requestSession(ROOMS[1], session);
    await expect.poll(async () => (await sessionsOf(machine)).size, { timeout: 10_000 }).toBe(wanted.length);
    expect(fetchedSessions(server)).toEqual(wanted.toReversed());
  });

  test("is not asked for where no backup is in use", async () => {
    const { server } = await withHistory();
    const third = await startMachine(server, ALICE, "A3");
    const backup = openBackup(third.context);
    await backup.check();
    openBackupRestore(third.context, backup).requestSession(ROOMS[0], "x");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(server.countCalls("backupKeys")).toBe(0);
  });
});
