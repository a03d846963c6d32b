/**
 * The store's promises: whole transactions, refusal of newer databases, sealed tokens, one engine for a folder.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeviceId, RoomId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import { openAccountStore } from "../../../main/engine/store/account-store.ts";
import { lockProfile } from "../../../main/engine/store/profile-lock.ts";

const profileKey = randomBytes(32);
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lattice-store-"));
  path = join(folder, "account.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const room = "!room:example.org" as RoomId;
const pending = (txnId: string) => ({
  txnId: txnId as TxnId,
  roomId: room,
  type: "m.room.message",
  content: { body: txnId },
  createdAtMs: 1,
});

test("a throw inside a transaction leaves nothing of it", () => {
  const store = openAccountStore(path, profileKey);
  expect(() =>
    store.write((tx) => {
      store.outbox.add(tx, pending("txn-one-1"));
      throw new Error("half way");
    }),
  ).toThrow("half way");
  expect(store.outbox.readRoom(room)).toEqual([]);
  store.close();
});

test("a database from a newer version is refused, and not one byte of it changes", () => {
  openAccountStore(path, profileKey).close();
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA journal_mode = DELETE; PRAGMA user_version = 9999;");
  raw.close();
  const before = readFileSync(path);
  expect(() => openAccountStore(path, profileKey)).toThrowError(expect.objectContaining({ code: "store-newer" }));
  // The header's change counters move with the journal mode only; the schema and the data stay.
  const after = new DatabaseSync(path);
  expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 9999 });
  expect(after.prepare("PRAGMA quick_check").get()).toEqual({ quick_check: "ok" });
  after.close();
  expect(readFileSync(path).length).toBe(before.length);
});

test("a file that is no database is reported as damaged, and left as it is", () => {
  writeFileSync(path, "this is not a database, but it is somebody's file".repeat(100));
  const before = readFileSync(path);
  expect(() => openAccountStore(path, profileKey)).toThrowError(expect.objectContaining({ code: "store-corrupt" }));
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("tokens are unreadable in the file, and gone with another key", () => {
  const store = openAccountStore(path, profileKey);
  const account = {
    userId: "@alice:example.org" as UserId,
    deviceId: "DEVICE" as DeviceId,
    homeserverUrl: "https://example.org",
  };
  store.write((tx) =>
    store.account.create(tx, account, { accessToken: "canary-access", refreshToken: "canary-refresh" }),
  );
  expect(store.account.readTokens()).toEqual({ accessToken: "canary-access", refreshToken: "canary-refresh" });
  store.close();
  for (const name of ["account.db", "account.db-wal"]) {
    const bytes = tryRead(join(folder, name));
    expect(bytes.includes("canary")).toBe(false);
  }
  const other = openAccountStore(path, randomBytes(32));
  expect(other.account.readTokens()).toBeUndefined();
  other.close();
});

function tryRead(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

test("the outbox keeps its order, and lets wedged events pass by", () => {
  const store = openAccountStore(path, profileKey);
  store.write((tx) => {
    for (const txnId of ["txn-aaaa", "txn-bbbb", "txn-cccc"]) store.outbox.add(tx, pending(txnId));
    store.outbox.add(tx, pending("txn-aaaa"));
  });
  expect(store.outbox.readRoom(room).map((each) => each.txnId)).toEqual(["txn-aaaa", "txn-bbbb", "txn-cccc"]);
  store.write((tx) => store.outbox.setWedge(tx, "txn-aaaa" as TxnId, { code: "forbidden", message: "no" }));
  expect(store.outbox.readHead(room)?.txnId).toBe("txn-bbbb");
  expect(store.outbox.read("txn-aaaa" as TxnId)?.wedge).toEqual({ code: "forbidden", message: "no" });
  store.close();
});

test("one engine for a folder, and no stale lock", () => {
  const lock = join(folder, "engine.lock");
  const unlock = lockProfile(lock);
  expect(() => lockProfile(lock)).toThrowError(expect.objectContaining({ code: "rejected" }));
  unlock();
  lockProfile(lock)();
});
