/** The life of an OlmMachine on a file: made, keys exchanged and shared, closed, opened again, and nothing forgotten. (row I4) */
import { join } from "node:path";
import {
  BackupDecryptionKey,
  CollectStrategy,
  DeviceId,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RoomId,
  StoreHandle,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  installIndexedDbGlobals,
  openIndexedDb,
  openIndexedDbRouter,
} from "../../../../main/engine/crypto/indexeddb/index.ts";
import { startOlmServer, trustAll } from "./olm-server.ts";
import { temporaryFolder } from "./support.ts";

const router = openIndexedDbRouter();
const ROOM = "!room:example.org";
const KEY = new Uint8Array(32).fill(7);

beforeAll(async () => {
  installIndexedDbGlobals(router.indexedDB);
  await initAsync();
});
afterAll(() => {
  for (const name of Object.getOwnPropertyNames(globalThis))
    if (name.startsWith("IDB") || name === "indexedDB") Reflect.deleteProperty(globalThis, name);
});

async function openMachine(path: string, userId: string, deviceId: string, key = KEY) {
  const file = openIndexedDb({ path });
  const unmount = router.mount(userId, file);
  const release = () => {
    unmount();
    file.close();
  };
  try {
    const store = await StoreHandle.openWithKey(userId, key);
    const machine = await OlmMachine.initFromStore(new UserId(userId), new DeviceId(deviceId), store);
    return {
      machine,
      file,
      close() {
        machine.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function encrypt(machine: OlmMachine, body: string, eventId: string): Promise<string> {
  const content = JSON.stringify({ msgtype: "m.text", body });
  const encrypted = await machine.encryptRoomEvent(new RoomId(ROOM), "m.room.message", content);
  return JSON.stringify({
    type: "m.room.encrypted",
    event_id: eventId,
    sender: machine.userId.toString(),
    origin_server_ts: 1,
    content: JSON.parse(encrypted) as unknown,
  });
}

async function decrypt(machine: OlmMachine, event: string): Promise<unknown> {
  const decrypted = await machine.decryptRoomEvent(event, new RoomId(ROOM), trustAll());
  return (JSON.parse(decrypted.event) as { content: { body: unknown } }).content.body;
}

async function share(server: ReturnType<typeof startOlmServer>, from: OlmMachine, to: OlmMachine): Promise<void> {
  const users = () => [new UserId(to.userId.toString())];
  await from.updateTrackedUsers(users());
  await server.flush(from);
  const claim = await from.getMissingSessions(users());
  if (claim) await server.send(from, claim);
  const settings = new EncryptionSettings();
  settings.sharingStrategy = CollectStrategy.allDevices();
  for (const request of await from.shareRoomKey(new RoomId(ROOM), users(), settings)) await server.send(from, request);
  await server.deliver(to);
  await server.flush(to);
}

test("two machines talk, restart from their files, and go on", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const server = startOlmServer();
  const open = (user: string) => openMachine(join(folder, `${user}.db`), `@${user}:example.org`, user.toUpperCase());
  let [alice, bob] = [await open("alice"), await open("bob")];
  const identity = alice.machine.identityKeys.curve25519.toBase64();
  await server.flush(alice.machine);
  await server.flush(bob.machine);
  await share(server, alice.machine, bob.machine);
  const first = await encrypt(alice.machine, "one", "$1");
  expect(await decrypt(bob.machine, first)).toBe("one");

  alice.close();
  bob.close();
  [alice, bob] = [await open("alice"), await open("bob")];
  expect(alice.machine.identityKeys.curve25519.toBase64()).toBe(identity);
  expect(await decrypt(bob.machine, first)).toBe("one");
  // The outbound session went on counting, and Bob's key fits what comes after.
  const second = await encrypt(alice.machine, "two", "$2");
  expect(await decrypt(bob.machine, second)).toBe("two");
  // The other way, over the Olm session that Alice began.
  await share(server, bob.machine, alice.machine);
  expect(await decrypt(alice.machine, await encrypt(bob.machine, "three", "$3"))).toBe("three");
  expect((await bob.machine.roomKeyCounts()).total).toBe(2);
  const names = (await router.indexedDB.databases()).map(({ name }) => name).toSorted();
  expect(names).toEqual([
    "@alice:example.org::matrix-sdk-crypto",
    "@alice:example.org::matrix-sdk-crypto-meta",
    "@bob:example.org::matrix-sdk-crypto",
    "@bob:example.org::matrix-sdk-crypto-meta",
  ]);
  alice.close();
  bob.close();
});

test("cross-signing, backup and its recovery are kept", { timeout: 60_000 }, async () => {
  const path = join(temporaryFolder(), "carol.db");
  const open = () => openMachine(path, "@carol:example.org", "CAROL");
  const server = startOlmServer();
  let carol = await open();
  await server.flush(carol.machine);
  const bootstrap = await carol.machine.bootstrapCrossSigning(true);
  const { body } = bootstrap.uploadSigningKeysRequest as unknown as { body: string };
  const keys = JSON.parse(body) as Record<string, unknown>;
  server.storeCrossSigning(
    "@carol:example.org",
    keys["master_key"],
    keys["self_signing_key"],
    keys["user_signing_key"],
  );
  await server.send(carol.machine, bootstrap.uploadSignaturesRequest);
  const settings = new EncryptionSettings();
  await carol.machine.shareRoomKey(new RoomId(ROOM), [], settings);
  const backupKey = BackupDecryptionKey.createRandomKey();
  await carol.machine.enableBackupV1(backupKey.megolmV1PublicKey.publicKeyBase64, "1");
  await carol.machine.saveBackupDecryptionKey(backupKey, "1");
  const upload = await carol.machine.backupRoomKeys();
  expect(upload).toBeDefined();
  await server.send(carol.machine, upload as never);
  expect(server.backups).toHaveLength(1);

  carol.close();
  carol = await open();
  const status = await carol.machine.crossSigningStatus();
  expect([status.hasMaster, status.hasSelfSigning, status.hasUserSigning]).toEqual([true, true, true]);
  expect(await carol.machine.isBackupEnabled()).toBe(true);
  const kept = await carol.machine.getBackupKeys();
  expect([kept.backupVersion, kept.decryptionKey?.toBase64()]).toEqual(["1", backupKey.toBase64()]);
  expect(await carol.machine.backupRoomKeys()).toBeUndefined();
  const counts = await carol.machine.roomKeyCounts();
  expect([counts.total, counts.backedUp]).toEqual([1, 1]);
  const exported = JSON.parse(await carol.machine.exportRoomKeys(() => true)) as { room_id: string }[];
  expect(exported.map((key) => key.room_id)).toEqual([ROOM]);
  carol.close();
});

test("the wrong store key opens nothing, and harms nothing", { timeout: 60_000 }, async () => {
  const path = join(temporaryFolder(), "dan.db");
  const open = (key?: Uint8Array<ArrayBuffer>) => openMachine(path, "@dan:example.org", "DAN", key);
  const first = await open();
  const identity = first.machine.identityKeys.ed25519.toBase64();
  first.close();
  await expect(open(new Uint8Array(32).fill(8))).rejects.toThrow();
  await expect(open(new Uint8Array(31))).rejects.toThrow();
  const again = await open();
  expect(again.machine.identityKeys.ed25519.toBase64()).toBe(identity);
  again.close();
});

test("exported room keys are imported, counted and found after a restart", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const source = await openMachine(join(folder, "eve.db"), "@eve:example.org", "EVE");
  const settings = new EncryptionSettings();
  for (let at = 0; at < 200; at++) await source.machine.shareRoomKey(new RoomId(`!r${at}:example.org`), [], settings);
  const exported = await source.machine.exportRoomKeys(() => true);
  source.close();
  const path = join(folder, "fay.db");
  const target = await openMachine(path, "@fay:example.org", "FAY");
  const result = await target.machine.importExportedRoomKeys(exported, () => undefined);
  expect([result.importedCount, result.totalCount]).toEqual([200, 200]);
  target.close();
  const again = await openMachine(path, "@fay:example.org", "FAY");
  expect((await again.machine.roomKeyCounts()).total).toBe(200);
  again.close();
});
