/**
 * Secret storage: what is stored can be read with the right key, by us and by matrix-js-sdk; with a wrong one, or
 * after someone has changed a byte, nothing can. Account data comes from the server and may be anything.
 */
import fc from "fast-check";
import { calculateKeyCheck } from "matrix-js-sdk/lib/secret-storage.js";
import decryptPeer from "matrix-js-sdk/lib/utils/decryptAESSecretStorageItem.js";
import encryptPeer from "matrix-js-sdk/lib/utils/encryptAESSecretStorageItem.js";
import { describe, expect, test } from "vitest";
import {
  encodeRecoveryKey,
  makePassphraseInfo,
  makeRecoveryKeyBytes,
  deriveRecoveryKey,
} from "../../../main/engine/crypto/recovery-key.ts";
import { isSecretStorageType, openSecretStorage } from "../../../main/engine/crypto/secret-storage.ts";
import { readObject, type JsonObject, type JsonValue } from "../../../main/engine/matrix/json.ts";
import {
  startCryptoServer,
  startMachine,
  type CryptoTestServer,
  type TestMachine,
} from "../../support/crypto-server.ts";

const ALICE = "@alice:test";
const MASTER = "m.cross_signing.master";
const secret = "b3ZlciB0aGUgaGlsbHMgYW5kIGZhciBhd2F5IQ";

async function start(): Promise<{
  server: CryptoTestServer;
  machine: TestMachine;
  storage: ReturnType<typeof openSecretStorage>;
}> {
  const server = startCryptoServer();
  const machine = await startMachine(server, ALICE, "A");
  return { server, machine, storage: openSecretStorage(machine.context) };
}

/** Account data as the server keeps it. */
const dataOf = (server: CryptoTestServer) => server.users.get(ALICE)?.accountData as Map<string, JsonObject>;
type Entry = { iv: string; ciphertext: string; mac: string };
const entryOf = (server: CryptoTestServer, keyId: string): Entry =>
  readObject(readObject(dataOf(server).get(MASTER) ?? {}, "encrypted") ?? {}, keyId) as Entry;
const bytes = (key: Uint8Array) => new Uint8Array(key);

async function withKey() {
  const started = await start();
  const key = makeRecoveryKeyBytes();
  const unlocked = await started.storage.openOrCreate(key, undefined);
  await unlocked.store(MASTER, secret);
  await unlocked.makeDefault();
  return { ...started, key, recoveryKey: encodeRecoveryKey(key), unlocked };
}

describe("a recovery key", () => {
  test("opens what was stored under it", async () => {
    const { storage, recoveryKey } = await withKey();
    const unlocked = await storage.unlock(recoveryKey);
    expect(await unlocked.read(MASTER)).toBe(secret);
    expect(await unlocked.read("m.megolm_backup.v1")).toBeUndefined();
    await storage.refresh();
    expect(storage.state()).toEqual({ hasRecovery: true, hasPassphrase: false, stored: new Set([MASTER]) });
  });

  test("another one, a passphrase, and nonsense open nothing, and say so", async () => {
    const { storage } = await withKey();
    for (const wrong of [encodeRecoveryKey(makeRecoveryKeyBytes()), "correct horse", "", "x".repeat(10_000)]) {
      await expect(storage.unlock(wrong)).rejects.toMatchObject({ code: "wrong-recovery-key" });
    }
  });

  test("its account has none", async () => {
    const { storage, machine } = await start();
    await expect(storage.unlock(encodeRecoveryKey(makeRecoveryKeyBytes()))).rejects.toMatchObject({
      code: "not-found",
    });
    await storage.refresh();
    expect(storage.state()).toEqual({ hasRecovery: false, hasPassphrase: false, stored: new Set() });
    expect(machine.context.signal.aborted).toBe(false);
  });
});

test("a passphrase opens as well as the key that follows from it", async () => {
  const { storage } = await start();
  const info = { ...makePassphraseInfo(), iterations: 10_000 };
  const key = await deriveRecoveryKey("correct horse", info);
  const created = await storage.openOrCreate(key, info);
  await created.store(MASTER, secret);
  await created.makeDefault();
  expect(await (await storage.unlock("correct horse")).read(MASTER)).toBe(secret);
  expect(await (await storage.unlock(encodeRecoveryKey(key))).read(MASTER)).toBe(secret);
  await expect(storage.unlock("correct house")).rejects.toMatchObject({ code: "wrong-recovery-key" });
  await storage.refresh();
  expect(storage.state().hasPassphrase).toBe(true);
});

describe("against matrix-js-sdk", () => {
  test("it reads what we store, and finds the key right", async () => {
    const { server, key, unlocked } = await withKey();
    const data = dataOf(server);
    const entry = entryOf(server, unlocked.keyId);
    expect(await decryptPeer(entry, bytes(key), MASTER)).toBe(secret);
    const description = data.get(`m.secret_storage.key.${unlocked.keyId}`) as { iv: string; mac: string };
    const check = await calculateKeyCheck(bytes(key), description.iv);
    expect(description.mac).toBe(check.mac.replace(/=+$/u, ""));
  });

  test("any text under any name survives, both ways", async () => {
    const { server, storage } = await start();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.string({ minLength: 1, maxLength: 200 }),
        async (raw, text) => {
          const key = bytes(raw);
          const ours = await storage.openOrCreate(key, undefined);
          await ours.store(MASTER, text.toWellFormed());
          expect(await ours.read(MASTER)).toBe(text.toWellFormed());
          const entry = entryOf(server, ours.keyId);
          expect(await decryptPeer(entry, key, MASTER)).toBe(text.toWellFormed());
          const theirs = await encryptPeer(text.toWellFormed(), key, "m.megolm_backup.v1");
          dataOf(server).set("m.megolm_backup.v1", { encrypted: { [ours.keyId]: theirs } });
          expect(await ours.read("m.megolm_backup.v1")).toBe(text.toWellFormed());
        },
      ),
      { numRuns: 30 },
    );
  });

  test("a storage that it made is opened", async () => {
    const { server, storage } = await start();
    const key = bytes(makeRecoveryKeyBytes());
    const check = await calculateKeyCheck(key);
    dataOf(server).set("m.secret_storage.key.theirs", {
      algorithm: "m.secret_storage.v1.aes-hmac-sha2",
      name: "",
      iv: check.iv,
      mac: check.mac,
    });
    dataOf(server).set("m.secret_storage.default_key", { key: "theirs" });
    dataOf(server).set(MASTER, { encrypted: { theirs: await encryptPeer(secret, key, MASTER) } });
    const unlocked = await storage.unlock(encodeRecoveryKey(key));
    expect(await unlocked.read(MASTER)).toBe(secret);
  });
});

describe("a change of the key", () => {
  test("repeated after a failure at any request, it ends the same, and the old key opens until the new one does", async () => {
    const before = await withKey();
    const { server, storage, recoveryKey } = before;
    const key = makeRecoveryKeyBytes();
    let isDone = false;
    for (let limit = 0; !isDone; limit += 1) {
      let left = limit;
      server.setIntercept((call) => {
        if (call.name !== "setAccountData") return;
        left -= 1;
        if (left < 0) throw new Error("killed");
      });
      try {
        const unlocked = await storage.openOrCreate(key, undefined);
        await unlocked.store(MASTER, secret);
        await unlocked.makeDefault();
        isDone = true;
      } catch {
        server.setIntercept(undefined);
        const opens = [recoveryKey, encodeRecoveryKey(key)].map(async (text) =>
          (await storage.unlock(text)).read(MASTER),
        );
        const read = (await Promise.allSettled(opens)).map((result) =>
          result.status === "fulfilled" ? result.value : undefined,
        );
        expect(read).toContain(secret);
      }
    }
    server.setIntercept(undefined);
    expect(await (await storage.unlock(encodeRecoveryKey(key))).read(MASTER)).toBe(secret);
    await expect(storage.unlock(recoveryKey)).rejects.toMatchObject({ code: "wrong-recovery-key" });
    expect([...dataOf(server).keys()].filter((type) => type.startsWith("m.secret_storage.key."))).toHaveLength(2);
    expect(Object.keys(dataOf(server).get(MASTER)?.["encrypted"] as JsonObject)).toHaveLength(1);
  });

  test("a repeat of what is there writes nothing", async () => {
    const { server, storage, key } = await withKey();
    const count = server.countCalls("setAccountData");
    const unlocked = await storage.openOrCreate(key, undefined);
    await unlocked.store(MASTER, secret);
    await unlocked.makeDefault();
    expect(server.countCalls("setAccountData")).toBe(count);
  });
});

describe("hostile account data", () => {
  const hostile: JsonValue[] = [
    null,
    1,
    "x",
    [],
    {},
    true,
    [[]],
    { encrypted: null },
    { encrypted: [] },
    { encrypted: { __proto__: {} } },
  ];

  test("a default key of any shape is none, or does not fit", async () => {
    const { server, storage, recoveryKey } = await withKey();
    for (const key of [...hostile, "", "__proto__", "constructor", "x".repeat(1_000), "nowhere"]) {
      dataOf(server).set("m.secret_storage.default_key", JSON.parse(JSON.stringify({ key })) as JsonObject);
      await storage.refresh();
      expect(storage.state().hasRecovery).toBe(false);
      await expect(storage.unlock(recoveryKey)).rejects.toMatchObject({ code: "not-found" });
    }
  });

  test("a description of any shape opens nothing by itself", async () => {
    const { server, storage, unlocked, recoveryKey } = await withKey();
    const type = `m.secret_storage.key.${unlocked.keyId}`;
    const good = dataOf(server).get(type) as JsonObject;
    dataOf(server).delete(MASTER);
    for (const value of [...hostile, "AAAA", "!!!!", "A".repeat(22), "A".repeat(43), "A".repeat(1_000_000)]) {
      for (const field of ["algorithm", "iv", "mac"]) {
        dataOf(server).set(type, { ...good, [field]: value });
        await expect(storage.unlock(recoveryKey)).rejects.toMatchObject({ name: "EngineError" });
      }
    }
    for (const passphrase of [
      ...hostile,
      { algorithm: "m.pbkdf2" },
      { algorithm: "m.pbkdf2", salt: 1, iterations: "2" },
    ]) {
      dataOf(server).set(type, { ...good, passphrase });
      await expect(storage.unlock("correct horse")).rejects.toMatchObject({ code: "wrong-recovery-key" });
      // The right key still fits: what is wrong concerns the passphrase alone.
      expect((await storage.unlock(recoveryKey)).keyId).toBe(unlocked.keyId);
    }
    for (const iterations of [1, 2 ** 32 - 1]) {
      dataOf(server).set(type, { ...good, passphrase: { algorithm: "m.pbkdf2", salt: "s", iterations } });
      await expect(storage.unlock("correct horse")).rejects.toMatchObject({ code: "rejected" });
    }
  });

  test("a description without check values: the key proves itself on a secret, or not at all", async () => {
    const { server, storage, unlocked, recoveryKey } = await withKey();
    const type = `m.secret_storage.key.${unlocked.keyId}`;
    dataOf(server).set(type, { algorithm: "m.secret_storage.v1.aes-hmac-sha2" });
    expect(await (await storage.unlock(recoveryKey)).read(MASTER)).toBe(secret);
    await expect(storage.unlock(encodeRecoveryKey(makeRecoveryKeyBytes()))).rejects.toMatchObject({
      code: "wrong-recovery-key",
    });
    dataOf(server).delete(MASTER);
    await expect(storage.unlock(recoveryKey)).rejects.toMatchObject({ code: "wrong-recovery-key" });
  });

  test("a secret of any shape, or with one bit changed, is not there", async () => {
    const { server, storage, unlocked, recoveryKey } = await withKey();
    const entry = entryOf(server, unlocked.keyId);
    const opened = await storage.unlock(recoveryKey);
    for (const value of hostile) {
      dataOf(server).set(MASTER, value as JsonObject);
      expect(await opened.read(MASTER)).toBeUndefined();
      dataOf(server).set(MASTER, { encrypted: { [unlocked.keyId]: value } });
      expect(await opened.read(MASTER)).toBeUndefined();
      for (const field of ["iv", "ciphertext", "mac"]) {
        dataOf(server).set(MASTER, { encrypted: { [unlocked.keyId]: { ...entry, [field]: value } } });
        expect(await opened.read(MASTER)).toBeUndefined();
      }
    }
    for (const field of ["ciphertext", "mac"] as const) {
      const changed = Buffer.from(entry[field], "base64");
      changed[3] = (changed[3] ?? 0) ^ 1;
      dataOf(server).set(MASTER, {
        encrypted: { [unlocked.keyId]: { ...entry, [field]: changed.toString("base64") } },
      });
      expect(await opened.read(MASTER)).toBeUndefined();
    }
    // Under another name the same bytes are another secret's.
    dataOf(server).set("m.cross_signing.user_signing", { encrypted: { [unlocked.keyId]: entry } });
    expect(await opened.read("m.cross_signing.user_signing")).toBeUndefined();
  });

  test("storing over it keeps other keys' entries as they are, whatever they are called", async () => {
    const { server, storage, recoveryKey } = await withKey();
    dataOf(server).set(MASTER, JSON.parse('{"encrypted":{"__proto__":{"iv":"x"},"other":{"iv":"y"}}}') as JsonObject);
    const opened = await storage.unlock(recoveryKey);
    await opened.store(MASTER, secret);
    const stored = JSON.stringify(dataOf(server).get(MASTER));
    expect(stored).toContain('"__proto__":{"iv":"x"}');
    expect(stored).toContain('"other":{"iv":"y"}');
    expect(await opened.read(MASTER)).toBe(secret);
  });
});

test("what the server says while it is down is passed on", async () => {
  const { server, storage, recoveryKey } = await withKey();
  server.setIntercept(() => {
    throw new Error("down");
  });
  await expect(storage.unlock(recoveryKey)).rejects.toThrow("down");
  await expect(storage.refresh()).rejects.toThrow("down");
});

test("the account data that it lives in is known by its types", () => {
  for (const type of ["m.secret_storage.default_key", "m.secret_storage.key.x", MASTER, "m.megolm_backup.v1"]) {
    expect(isSecretStorageType(type)).toBe(true);
  }
  for (const type of ["m.direct", "m.push_rules", "__proto__", ""]) expect(isSecretStorageType(type)).toBe(false);
});
