/**
 * Secret storage: the few secrets of an account, locked with the recovery key and kept in account data.
 * Opened by crypto.ts, driven by recovery.ts. What is read comes from the server at that moment, never from the
 * last sync. Invariants: a key counts as right only after a MAC made with it has been checked, over the check
 * value of its description or over a secret; all of account data is the server's word and is parsed as such; no
 * step of a change leaves less to the holder of the recovery key than he had before it.
 * spec: client-server, "Secret storage", `m.secret_storage.v1.aes-hmac-sha2`.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { EngineError } from "../base/errors.ts";
import { readNumber, readObject, readString, type JsonObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import { decodeRecoveryKey, deriveRecoveryKey, type PassphraseInfo } from "./recovery-key.ts";

export const secretNames = [
  "m.cross_signing.master",
  "m.cross_signing.self_signing",
  "m.cross_signing.user_signing",
  "m.megolm_backup.v1",
] as const;
export type SecretName = (typeof secretNames)[number];

const DEFAULT_KEY = "m.secret_storage.default_key";
const ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2";
const keyType = (keyId: string): string => `m.secret_storage.key.${keyId}`;
/** What the check value of a key is the encryption of, under the empty name. */
const CHECKED = Buffer.alloc(32);
/** Secrets are 43 characters long; a server's text beyond this is not worth decrypting. */
const MAX_SECRET_CHARACTERS = 20_000;

type Encrypted = { iv: Buffer; ciphertext: Buffer; mac: Buffer };
type KeyDescription = {
  keyId: string;
  passphrase: PassphraseInfo | undefined;
  /** Undefined where it cannot tell a right key from a wrong one. */
  check: { iv: Buffer; mac: Buffer } | undefined;
};

/** What is there, for the health page. */
export type SecretStorageState = { hasRecovery: boolean; hasPassphrase: boolean; stored: ReadonlySet<SecretName> };

/** Secret storage with its key at hand. */
export interface UnlockedStorage {
  readonly keyId: string;
  /** Undefined where it is not stored, or not readable with this key. */
  read(name: SecretName): Promise<string | undefined>;
  /** Stores under this key. Entries under other keys stay, so that those still open what they did. */
  store(name: SecretName, value: string): Promise<void>;
  /** Makes this the key that clients ask for, and forgets other keys' entries of what is stored under this one. */
  makeDefault(): Promise<void>;
}

export function openSecretStorage(context: CryptoContext) {
  const { server, signal } = context;
  let state: SecretStorageState = { hasRecovery: false, hasPassphrase: false, stored: new Set() };

  /** The default key as the server describes it; undefined where there is none that we could use. */
  async function readDefaultKey(): Promise<KeyDescription | undefined> {
    const keyId = readString((await server.accountData(DEFAULT_KEY, { signal })) ?? {}, "key");
    if (keyId === undefined || keyId === "" || keyId.length > 255) return undefined;
    return readKey(keyId);
  }

  async function readKey(keyId: string): Promise<KeyDescription | undefined> {
    return parseDescription(keyId, (await server.accountData(keyType(keyId), { signal })) ?? {});
  }

  /** Reads again what there is, for `state`. */
  async function refresh(): Promise<void> {
    const description = await readDefaultKey();
    const stored = new Set<SecretName>();
    for (const name of description ? secretNames : []) {
      if ((await readEncrypted(name, description?.keyId ?? "")) !== undefined) stored.add(name);
    }
    state = { hasRecovery: description !== undefined, hasPassphrase: description?.passphrase !== undefined, stored };
  }

  async function readEncrypted(name: SecretName, keyId: string): Promise<Encrypted | undefined> {
    const all = readObject((await server.accountData(name, { signal })) ?? {}, "encrypted") ?? {};
    return parseEncrypted(readObject(all, keyId) ?? {});
  }

  /** Whether the key opens what this description describes. */
  async function fits(key: Uint8Array, description: KeyDescription): Promise<boolean> {
    if (description.check) {
      const { iv, mac } = description.check;
      return macFits(mac, encrypt(key, "", CHECKED, iv).mac);
    }
    // Without a check value, only a secret that opens can prove the key.
    for (const name of secretNames) {
      const encrypted = await readEncrypted(name, description.keyId);
      if (encrypted) return decrypt(key, name, encrypted) !== undefined;
    }
    return false;
  }

  /** Opens with a recovery key or a passphrase. Throws `wrong-recovery-key` where it does not fit. */
  async function unlock(secret: string): Promise<UnlockedStorage> {
    const description = await readDefaultKey();
    if (!description) {
      throw new EngineError(
        "not-found",
        "This account has no recovery that Lattice can open. Set it up on a verified device.",
      );
    }
    const asKey = decodeRecoveryKey(secret);
    if (asKey && (await fits(asKey, description))) return unlocked(asKey, description.keyId);
    if (description.passphrase) {
      const derived = await deriveRecoveryKey(secret, description.passphrase);
      if (await fits(derived, description)) return unlocked(derived, description.keyId);
    }
    throw wrongKey(description.passphrase !== undefined);
  }

  /**
   * The storage that this key opens: the one there is, where it fits, or a new one, which becomes the one that
   * clients ask for with `makeDefault`. Repeated after a failure it finds what the first try made.
   */
  async function openOrCreate(key: Uint8Array, passphrase: PassphraseInfo | undefined): Promise<UnlockedStorage> {
    const present = await readDefaultKey();
    if (present && (await fits(key, present))) return unlocked(key, present.keyId);
    const keyId = keyIdOf(key);
    const begun = await readKey(keyId);
    if (!begun?.check || !(await fits(key, begun))) {
      const { iv, mac } = encrypt(key, "", CHECKED);
      await server.setAccountData(
        keyType(keyId),
        {
          algorithm: ALGORITHM,
          ...(passphrase && { passphrase: { algorithm: "m.pbkdf2", ...passphrase } }),
          iv: toBase64(iv),
          mac: toBase64(mac),
        },
        { signal },
      );
    }
    return unlocked(key, keyId);
  }

  function unlocked(key: Uint8Array, keyId: string): UnlockedStorage {
    return {
      keyId,
      async read(name) {
        const encrypted = await readEncrypted(name, keyId);
        return encrypted && decrypt(key, name, encrypted)?.toString("utf8");
      },
      async store(name, value) {
        const before = readObject((await server.accountData(name, { signal })) ?? {}, "encrypted") ?? {};
        const present = parseEncrypted(readObject(before, keyId) ?? {});
        // A repeat writes nothing.
        if (present && decrypt(key, name, present)?.toString("utf8") === value) return;
        const { iv, ciphertext, mac } = encrypt(key, name, Buffer.from(value, "utf8"));
        const entry = { iv: toBase64(iv), ciphertext: toBase64(ciphertext), mac: toBase64(mac) };
        await server.setAccountData(name, { encrypted: { ...before, [keyId]: entry } }, { signal });
      },
      async makeDefault() {
        const present = readString((await server.accountData(DEFAULT_KEY, { signal })) ?? {}, "key");
        if (present !== keyId) await server.setAccountData(DEFAULT_KEY, { key: keyId }, { signal });
        for (const name of secretNames) {
          const all = readObject((await server.accountData(name, { signal })) ?? {}, "encrypted") ?? {};
          const own = readObject(all, keyId);
          if (own && Object.keys(all).length > 1) {
            await server.setAccountData(name, { encrypted: { [keyId]: own } }, { signal });
          }
        }
      },
    };
  }

  return {
    /** As of the last `refresh`. */
    state: (): SecretStorageState => state,
    refresh,
    unlock,
    openOrCreate,
    /** Forgets a secret that is no longer true, under whatever key. */
    async forget(name: SecretName): Promise<void> {
      if (readObject((await server.accountData(name, { signal })) ?? {}, "encrypted")) {
        await server.setAccountData(name, { encrypted: {} }, { signal });
      }
    },
  };
}
export type SecretStorage = ReturnType<typeof openSecretStorage>;

/** The account data that secret storage lives in: when a sync brings one of these, `refresh` has news. */
export const isSecretStorageType = (type: string): boolean =>
  type === DEFAULT_KEY || type.startsWith(keyType("")) || (secretNames as readonly string[]).includes(type);

function wrongKey(hasPassphrase: boolean): EngineError {
  return new EngineError(
    "wrong-recovery-key",
    hasPassphrase
      ? "This recovery key or passphrase does not fit. Nothing was changed."
      : "This recovery key does not fit. Nothing was changed.",
  );
}

/**
 * Undefined where it is of an unknown algorithm, or no description at all. A description whose check value is
 * missing or malformed is one without: the key has to prove itself otherwise.
 */
function parseDescription(keyId: string, content: JsonObject): KeyDescription | undefined {
  if (readString(content, "algorithm") !== ALGORITHM) return undefined;
  const iv = fromBase64(readString(content, "iv"), 16);
  const mac = fromBase64(readString(content, "mac"), 32);
  return { keyId, passphrase: parsePassphrase(readObject(content, "passphrase")), check: iv && mac && { iv, mac } };
}

function parsePassphrase(info: JsonObject | undefined): PassphraseInfo | undefined {
  if (!info || readString(info, "algorithm") !== "m.pbkdf2") return undefined;
  const salt = readString(info, "salt");
  const iterations = readNumber(info, "iterations");
  if (salt === undefined || iterations === undefined || salt.length > 1_000) return undefined;
  return { salt, iterations, bits: readNumber(info, "bits") ?? 256 };
}

function parseEncrypted(content: JsonObject): Encrypted | undefined {
  const iv = fromBase64(readString(content, "iv"), 16);
  const mac = fromBase64(readString(content, "mac"), 32);
  const ciphertext = fromBase64(readString(content, "ciphertext"));
  return iv && mac && ciphertext && { iv, mac, ciphertext };
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/u, "");

/** Padded or not. Undefined where it is no base64, or not of this many bytes. */
function fromBase64(text: string | undefined, sizeBytes?: number): Buffer | undefined {
  if (text === undefined || text.length > MAX_SECRET_CHARACTERS || !/^[A-Za-z0-9+/]+={0,2}$/u.test(text))
    return undefined;
  const bytes = Buffer.from(text, "base64");
  return sizeBytes === undefined || bytes.length === sizeBytes ? bytes : undefined;
}

/** Names a key without telling anything of it, and the same way each time: a repeat finds what it began. */
const keyIdOf = (key: Uint8Array): string =>
  createHmac("sha256", key).update("lattice secret storage key id").digest("base64url").slice(0, 32);

function keysOf(key: Uint8Array, name: string): { aesKey: Buffer; macKey: Buffer } {
  const derived = Buffer.from(hkdfSync("sha256", key, new Uint8Array(32), name, 64));
  return { aesKey: derived.subarray(0, 32), macKey: derived.subarray(32) };
}

function encrypt(key: Uint8Array, name: string, plain: Buffer, iv: Buffer = makeIv()): Encrypted {
  const { aesKey, macKey } = keysOf(key, name);
  const cipher = createCipheriv("aes-256-ctr", aesKey, iv);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { iv, ciphertext, mac: createHmac("sha256", macKey).update(ciphertext).digest() };
}

/** Undefined where the MAC does not fit: not one byte is decrypted then. */
function decrypt(key: Uint8Array, name: string, encrypted: Encrypted): Buffer | undefined {
  const { aesKey, macKey } = keysOf(key, name);
  if (!macFits(encrypted.mac, createHmac("sha256", macKey).update(encrypted.ciphertext).digest())) return undefined;
  const decipher = createDecipheriv("aes-256-ctr", aesKey, encrypted.iv);
  return Buffer.concat([decipher.update(encrypted.ciphertext), decipher.final()]);
}

const macFits = (given: Buffer, made: Buffer): boolean => given.length === made.length && timingSafeEqual(given, made);

/** Bit 63 is zero, as for other implementations that count in 64 bits. */
function makeIv(): Buffer {
  const iv = randomBytes(16);
  iv[8] = (iv[8] ?? 0) & 0x7f;
  return iv;
}
