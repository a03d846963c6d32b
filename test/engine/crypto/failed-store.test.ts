/**
 * The key store's disk fails while the machine works: what the machine could not keep is not believed, the next one goes
 * on from the last commit, and nobody hammers a disk that stays full. With a real full disk: test/faults/full-disk.
 */
import { DeviceLists, RoomId as WasmRoomId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { AccountId, DeviceId, RoomId } from "../../../preload/contract/ids.ts";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { Logger } from "../../../main/engine/base/logger.ts";
import { openCrypto } from "../../../main/engine/crypto/crypto.ts";
import { openMachine } from "../../../main/engine/crypto/machine.ts";
import type { SyncBody, SyncToken } from "../../../main/engine/matrix/sync-body.ts";
import { openAccountStore } from "../../../main/engine/store/account-store.ts";
import { startCryptoServer } from "../../support/crypto-server.ts";
import { ALICE, person } from "./signed-in.ts";

const DEVICE = "A1" as DeviceId;
const ROOM = "!room:test" as RoomId;
const FULL = { code: "disk-full" };

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lattice-crypto-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** While `isFull`, no key store can commit. `fillsUp`: it gets so when commits are to be synced again that were not. */
function failingDisk({ fillsUp = false } = {}) {
  const disk = { isFull: false };
  const exec = DatabaseSync.prototype.exec;
  const spy = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function (this: DatabaseSync, sql) {
    if (fillsUp && sql.includes("synchronous = FULL")) disk.isFull = true;
    if (disk.isFull && sql.includes("COMMIT") && this.location()?.endsWith("crypto.db")) {
      throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
    }
    exec.call(this, sql);
  });
  onTestFinished(() => spy.mockRestore());
  return disk;
}

function openTestMachine(folder: string, onFailed = () => {}) {
  const path = join(folder, "crypto.db");
  const storeKey = new Uint8Array(32).fill(7);
  return openMachine({ ownUserId: ALICE, ownDeviceId: DEVICE, storeName: folder, path, storeKey, onFailed });
}

/** A response that makes the machine write: the server has fewer keys than it should. */
const syncBody = (keyCount: number): SyncBody => ({
  nextBatch: "s1" as SyncToken,
  ...{ accountData: [], joined: [], invited: [], knocked: [], left: [], toDevice: [] },
  ...{ deviceListsChanged: [], deviceListsLeft: [], unusedFallbackKeyTypes: undefined },
  oneTimeKeyCounts: { signed_curve25519: keyCount },
});

function openTestCrypto(folder: string) {
  const store = openAccountStore(join(folder, "account.db"), randomBytes(32));
  const ending = new AbortController();
  const logged: string[] = [];
  const crypto = openCrypto({
    accountId: folder as AccountId,
    ownUserId: ALICE,
    ownDeviceId: DEVICE,
    folder,
    profileKey: new Uint8Array(32),
    store,
    server: startCryptoServer().client(ALICE, DEVICE),
    clock: systemClock,
    log: new Logger((_level, _owner, message) => void logged.push(message)),
    signal: ending.signal,
    roomOrder: () => [],
    personOf: person,
    loadMembers: async () => {},
    // As whoever looks at the page does: each change is a reason to look again.
    changed: (...what) => {
      if (what.includes("encryption")) void crypto.view().catch(() => undefined);
    },
    keysArrived: () => {},
    trustChanged: () => {},
    retryDecryption: () => {},
    verified: () => {},
  });
  const close = async (): Promise<void> => {
    ending.abort();
    await crypto.close();
    store.close();
  };
  const timesFailed = () => logged.filter((message) => message === "the key store has failed").length;
  return { crypto, close, timesFailed };
}

test("a machine whose disk has failed answers nothing more, and the next is as the last commit left it", async () => {
  const disk = failingDisk();
  const folder = newFolder();
  let timesTold = 0;
  const first = await openTestMachine(folder, () => void (timesTold += 1));
  const fingerprint = first.olm.identityKeys.ed25519.toBase64();
  disk.isFull = true;
  const receiving = first.olm.receiveSyncChanges("[]", new DeviceLists(), new Map([["signed_curve25519", 3]]));
  await expect(receiving).rejects.toMatchObject(FULL);
  expect(first.failure()).toMatchObject(FULL);
  disk.isFull = false;
  expect(() => first.olm.crossSigningStatus()).toThrow("The disk is full");
  await vi.waitFor(() => expect(timesTold).toBe(1));
  first.close();
  const next = await openTestMachine(folder);
  expect(next.olm.identityKeys.ed25519.toBase64()).toBe(fingerprint);
  await next.olm.invalidateGroupSession(new WasmRoomId(ROOM));
  expect(next.failure()).toBeUndefined();
  next.close();
  expect(timesTold).toBe(1);
});

test("a disk that is full from the start is called full, and not a damaged store", async () => {
  const disk = failingDisk();
  const folder = newFolder();
  disk.isFull = true;
  await expect(openTestMachine(folder)).rejects.toMatchObject(FULL);
  disk.isFull = false;
  (await openTestMachine(folder)).close();
});

test("a disk that stays full is told, and tried again only by who waits between tries", async () => {
  const disk = failingDisk();
  const folder = newFolder();
  const { crypto, close, timesFailed } = openTestCrypto(folder);
  await crypto.receiveSync(syncBody(50));
  disk.isFull = true;
  await expect(crypto.receiveSync(syncBody(3))).rejects.toMatchObject(FULL);
  await sleep(200);
  expect(await crypto.view()).toMatchObject({ state: "failed", error: FULL });
  expect(timesFailed()).toBe(1);
  await expect(crypto.receiveSync(syncBody(3))).rejects.toMatchObject(FULL);
  await sleep(200);
  expect(timesFailed()).toBe(2);

  disk.isFull = false;
  await crypto.receiveSync(syncBody(3));
  expect(await crypto.view()).toMatchObject({ state: "ready" });
  await close();
});

test("what is only logged when it fails is not taken for kept", async () => {
  const disk = failingDisk();
  const { crypto, close } = openTestCrypto(newFolder());
  await crypto.receiveSync(syncBody(50));
  disk.isFull = true;
  const rooms = [{ roomId: ROOM, content: { algorithm: "m.megolm.v1.aes-sha2" } }];
  await expect(crypto.rememberRooms(rooms)).rejects.toMatchObject(FULL);
  disk.isFull = false;
  await vi.waitFor(() => expect(crypto.state().name).toBe("failed"));
  await crypto.rememberRooms(rooms);
  const kept = await (await crypto.parts()).olm.getRoomSettings(new WasmRoomId(ROOM));
  expect(kept).toBeDefined();
  await close();
});

/** How each commit of a key store was made, in order: "FULL" is on the disk at once. */
function watchCommits() {
  const commits: string[] = [];
  const levels = new Map<DatabaseSync, string>();
  const exec = DatabaseSync.prototype.exec;
  const spy = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function (this: DatabaseSync, sql) {
    exec.call(this, sql);
    if (this.location()?.endsWith("crypto.db") !== true) return;
    const level = /synchronous = (\w+)/u.exec(sql)?.[1];
    if (level !== undefined) levels.set(this, level);
    if (sql === "COMMIT") commits.push(levels.get(this) ?? "");
  });
  onTestFinished(() => spy.mockRestore());
  return commits;
}
const manyRooms = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    roomId: `!room-${index}:test` as RoomId,
    content: { algorithm: "m.megolm.v1.aes-sha2" },
  }));

test("the rooms of one response reach the disk together, and before they count as remembered", async () => {
  const { crypto, close } = openTestCrypto(newFolder());
  await crypto.receiveSync(syncBody(50));
  const { olm } = await crypto.parts();
  const commits = watchCommits();
  await crypto.rememberRooms(manyRooms(20));
  expect(commits).toEqual([...Array.from({ length: 20 }, () => "NORMAL"), "FULL"]);
  expect(await olm.getRoomSettings(new WasmRoomId("!room-19:test"))).toBeDefined();
  commits.length = 0;
  await crypto.rememberRooms(manyRooms(20));
  expect(commits).toEqual([]);
  await close();
});

test("what else the machine writes while rooms are remembered is on the disk at once", async () => {
  const { crypto, close } = openTestCrypto(newFolder());
  await crypto.receiveSync(syncBody(50));
  const commits = watchCommits();
  const remembering = crypto.rememberRooms(manyRooms(50));
  await crypto.receiveSync(syncBody(3));
  const commitsThen = [...commits];
  await remembering;
  expect(commitsThen).toContain("FULL");
  expect(commits.slice(commitsThen.length)).toContain("NORMAL");
  expect(commits.at(-1)).toBe("FULL");
  await close();
});

test("rooms whose sync fails are not taken for remembered", async () => {
  const { crypto, close } = openTestCrypto(newFolder());
  await crypto.receiveSync(syncBody(50));
  const disk = failingDisk({ fillsUp: true });
  await expect(crypto.rememberRooms(manyRooms(3))).rejects.toMatchObject(FULL);
  disk.isFull = false;
  await close();
});
