/**
 * The profile key under every trouble of the system's key store: never lost, never replaced under accounts, never
 * called encrypted when it is not.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openProfileKey, type KeyVaultDeps, type SystemKeyStore } from "../../main/shell/key-vault.ts";

/** A key store whose secret can be changed, locked and taken away. */
function openKeyStore(backend = "gnome_libsecret") {
  const state = {
    isAvailable: true,
    availableAfterTries: 0,
    password: "one",
    backend,
    canEncrypt: true,
    isSilent: false,
  };
  const never = new Promise<never>(() => undefined);
  const store: SystemKeyStore = {
    isAsyncEncryptionAvailable: async () =>
      state.isSilent ? never : state.isAvailable && state.availableAfterTries-- <= 0,
    encryptStringAsync: async (text) => {
      if (!state.canEncrypt) throw new Error("cannot encrypt");
      return Buffer.from(JSON.stringify({ password: state.password, text: Buffer.from(text).toString("hex") }));
    },
    decryptStringAsync: async (encrypted) => {
      const sealed = JSON.parse(encrypted.toString()) as { password: string; text: string };
      if (sealed.password !== state.password) throw new Error("cannot decrypt");
      return { result: Buffer.from(sealed.text, "hex").toString(), shouldReEncrypt: false };
    },
    getSelectedStorageBackend: () => state.backend,
  };
  return { state, store };
}

let root: string;
let folder: string;
let told: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lattice-vault-"));
  folder = join(root, "profile");
  told = 0;
});
afterEach(() => rm(root, { recursive: true, force: true }));

const deps = (keyStore: SystemKeyStore): KeyVaultDeps => ({
  folder,
  accountsFolder: join(folder, "accounts"),
  keyStore,
  platform: "linux",
  log: { info() {}, warn() {}, error() {} },
  tellPlainKey: () => void (told += 1),
  wait: async () => {},
});
const makeAccount = () => mkdir(join(folder, "accounts", "a1b2c3d4e5f6g7h8"), { recursive: true });

describe("a working key store", () => {
  test("makes a key once and gives it back, sealed, readable to the user alone", async () => {
    const { store } = openKeyStore();
    const key = await openProfileKey(deps(store));
    expect(key.byteLength).toBe(32);
    expect(await openProfileKey(deps(store))).toEqual(key);
    expect(await readdir(folder)).toEqual(["profile.key.sealed"]);
    expect((await stat(join(folder, "profile.key.sealed"))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(folder, "profile.key.sealed"))).includes(Buffer.from(key))).toBe(false);
    expect(told).toBe(0);
  });

  test("is waited for while it starts", async () => {
    const { state, store } = openKeyStore();
    const key = await openProfileKey(deps(store));
    state.availableAfterTries = 2;
    expect(await openProfileKey(deps(store))).toEqual(key);
  });
});

describe("no real encryption", () => {
  test.each(["basic_text", "none"])("%s: the key lies in a file of the user's, and he is told", async (backend) => {
    const { state, store } = openKeyStore(backend);
    state.isAvailable = backend === "basic_text";
    const key = await openProfileKey(deps(store));
    expect(await readdir(folder)).toEqual(["profile.key"]);
    expect((await stat(join(folder, "profile.key"))).mode & 0o777).toBe(0o600);
    expect(told).toBe(1);
    await makeAccount();
    expect(await openProfileKey(deps(store))).toEqual(key);
  });

  test("a key store that comes later takes the same key over", async () => {
    const plain = openKeyStore("basic_text");
    const key = await openProfileKey(deps(plain.store));
    await makeAccount();
    const real = openKeyStore();
    expect(await openProfileKey(deps(real.store))).toEqual(key);
    expect((await readdir(folder)).toSorted()).toEqual(["accounts", "profile.key.sealed"]);
    expect(await openProfileKey(deps(real.store))).toEqual(key);
  });
});

describe("trouble while accounts exist", () => {
  test("a locked key store is explained and retried; nothing changes", async () => {
    const { state, store } = openKeyStore();
    const key = await openProfileKey(deps(store));
    await makeAccount();
    const before = await readFile(join(folder, "profile.key.sealed"));
    state.isAvailable = false;
    await expect(openProfileKey(deps(store))).rejects.toMatchObject({
      name: "EngineOpenError",
      retryAfterMs: 10_000,
      message: expect.stringContaining("locked"),
    });
    expect(await readFile(join(folder, "profile.key.sealed"))).toEqual(before);
    state.isAvailable = true;
    expect(await openProfileKey(deps(store))).toEqual(key);
  });

  test("a backend that fell back to basic_text does not pass for a lost key", async () => {
    const { state, store } = openKeyStore();
    await openProfileKey(deps(store));
    await makeAccount();
    state.backend = "basic_text";
    await expect(openProfileKey(deps(store))).rejects.toMatchObject({
      retryAfterMs: 10_000,
      message: expect.stringContaining("none that really encrypts"),
    });
    expect(await readdir(folder)).not.toContain("profile.key");
  });

  test("a key store that does not answer is explained, not waited for in silence", async () => {
    const { state, store } = openKeyStore();
    const key = await openProfileKey(deps(store));
    await makeAccount();
    state.isSilent = true;
    await expect(openProfileKey({ ...deps(store), answerWithinMs: 1 })).rejects.toMatchObject({
      retryAfterMs: 10_000,
      message: expect.stringContaining("locked"),
    });
    state.isSilent = false;
    expect(await openProfileKey(deps(store))).toEqual(key);
  });

  test("a key store that takes nothing in does not keep the user from a key that lies in a plain file", async () => {
    const key = await openProfileKey(deps(openKeyStore("basic_text").store));
    await makeAccount();
    const { state, store } = openKeyStore();
    state.canEncrypt = false;
    expect(await openProfileKey(deps(store))).toEqual(key);
    expect((await readdir(folder)).toSorted()).toEqual(["accounts", "profile.key"]);
    expect(told).toBe(2);
    state.canEncrypt = true;
    expect(await openProfileKey(deps(store))).toEqual(key);
    expect((await readdir(folder)).toSorted()).toEqual(["accounts", "profile.key.sealed"]);
  });

  test.each(["changed password", "damaged file", "empty file"])(
    "%s: the sealed key stays where it is",
    async (kind) => {
      const { state, store } = openKeyStore();
      await openProfileKey(deps(store));
      await makeAccount();
      if (kind === "changed password") state.password = "two";
      else await writeFile(join(folder, "profile.key.sealed"), kind === "empty file" ? "" : "{not json");
      const before = await readFile(join(folder, "profile.key.sealed"));
      await expect(openProfileKey(deps(store))).rejects.toMatchObject({
        name: "EngineOpenError",
        retryAfterMs: 60_000,
        message: expect.stringContaining("Nothing was deleted"),
      });
      expect(await readFile(join(folder, "profile.key.sealed"))).toEqual(before);
      expect(await readdir(folder)).not.toContain("profile.key");
    },
  );

  test("a missing key is not replaced", async () => {
    await makeAccount();
    await expect(openProfileKey(deps(openKeyStore().store))).rejects.toMatchObject({
      message: expect.stringContaining("missing"),
    });
    expect(await readdir(folder)).toEqual(["accounts"]);
  });
});

const LINUX = ["gnome_libsecret", "kwallet", "kwallet5", "kwallet6"].map((backend) => ["linux", backend] as const);
const PLATFORMS = [...LINUX, ["darwin", undefined] as const, ["win32", undefined] as const];
const TROUBLES = ["unavailable", "basic_text", "changed", "undecryptable", "silent"] as const;

describe.each(PLATFORMS)("%s %s", (platform, backend) => {
  const troubles = platform === "linux" ? TROUBLES : TROUBLES.filter((trouble) => trouble !== "basic_text");
  test.each(troubles)(
    "%s: explained and tried again; no file changes, and all is there afterwards",
    async (trouble) => {
      const { state, store } = openKeyStore(backend);
      const { getSelectedStorageBackend, ...elsewhere } = store;
      const given = {
        ...deps(
          platform === "linux"
            ? { ...elsewhere, ...(getSelectedStorageBackend && { getSelectedStorageBackend }) }
            : elsewhere,
        ),
        platform,
        answerWithinMs: 1_000,
      };
      const key = await openProfileKey(given);
      await makeAccount();
      const files = async () =>
        Promise.all(
          (await readdir(folder))
            .toSorted()
            .map(async (name) => [
              name,
              name === "accounts" ? "" : (await readFile(join(folder, name))).toString("hex"),
            ]),
        );
      const before = await files();

      if (trouble === "unavailable") state.isAvailable = false;
      else if (trouble === "basic_text") state.backend = "basic_text";
      else if (trouble === "silent") state.isSilent = true;
      else state.password = "two";
      if (trouble === "changed") state.backend = "kwallet6";
      await expect(
        openProfileKey({ ...given, answerWithinMs: trouble === "silent" ? 1 : 1_000 }),
      ).rejects.toMatchObject({
        name: "EngineOpenError",
        retryAfterMs: expect.any(Number),
        message: expect.stringContaining("Nothing was deleted"),
      });
      expect(await files()).toEqual(before);
      expect(told).toBe(0);

      Object.assign(state, { isAvailable: true, backend, isSilent: false, password: "one" });
      expect(await openProfileKey(given)).toEqual(key);
    },
  );
});

test("a wrapping whose key the system has replaced is made anew, and one that cannot be is kept", async () => {
  const { state, store } = openKeyStore();
  const key = await openProfileKey(deps(store));
  await makeAccount();
  const before = await readFile(join(folder, "profile.key.sealed"));
  // The old password still opens it.
  const rotating: SystemKeyStore = {
    ...store,
    decryptStringAsync: async (encrypted) => {
      const { password } = JSON.parse(encrypted.toString()) as { password: string };
      const opened = await openKeyStoreOf(password).decryptStringAsync(encrypted);
      return { ...opened, shouldReEncrypt: password !== state.password };
    },
  };
  state.password = "two";
  state.canEncrypt = false;
  expect(await openProfileKey(deps(rotating))).toEqual(key);
  expect(await readFile(join(folder, "profile.key.sealed"))).toEqual(before);
  state.canEncrypt = true;
  expect(await openProfileKey(deps(rotating))).toEqual(key);
  // From now on the new password is enough.
  expect(await openProfileKey(deps(store))).toEqual(key);
  expect((await readdir(folder)).toSorted()).toEqual(["accounts", "profile.key.sealed"]);
});

function openKeyStoreOf(password: string): SystemKeyStore {
  const { state, store } = openKeyStore();
  state.password = password;
  return store;
}

test("a new key is not written in the clear while the key store is asking its user, or refuses it", async () => {
  const { state, store } = openKeyStore();
  state.isSilent = true;
  await expect(openProfileKey({ ...deps(store), answerWithinMs: 1 })).rejects.toMatchObject({ retryAfterMs: 10_000 });
  state.isSilent = false;
  state.canEncrypt = false;
  await expect(openProfileKey(deps(store))).rejects.toMatchObject({ message: expect.stringContaining("did not take") });
  expect(await readdir(folder)).toEqual([]);
  expect(told).toBe(0);
});

test("without accounts an undecryptable key is kept aside and a new one made", async () => {
  const { state, store } = openKeyStore();
  const old = await openProfileKey(deps(store));
  state.password = "two";
  const key = await openProfileKey(deps(store));
  expect(key).not.toEqual(old);
  expect((await readdir(folder)).toSorted()).toEqual(["profile.key.sealed", expect.stringContaining("undecryptable")]);
});
