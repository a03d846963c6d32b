/**
 * The profile key: 32 random bytes that make everything secret in the profile unreadable without them. Kept as
 * `profile.key.sealed`, wrapped by the system's key store; where a computer has none, as `profile.key` that only
 * the user can read, and the user is told so once. Called by index.ts before the engine starts.
 * Invariant: while accounts exist, a key that cannot be unwrapped or is missing is never replaced, since that would
 * sign the user out for good; it waits, retries and explains. What cannot encrypt is never called encrypted.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { EngineOpenError } from "./engine-supervisor.ts";
import type { ShellLog } from "./log.ts";

/** The part of Electron's safeStorage that the vault uses. */
export interface SystemKeyStore {
  isAsyncEncryptionAvailable(): Promise<boolean>;
  encryptStringAsync(plainText: string): Promise<Buffer>;
  decryptStringAsync(encrypted: Buffer): Promise<{ result: string; shouldReEncrypt: boolean }>;
  /** Linux only. */
  getSelectedStorageBackend?(): string;
}

export type KeyVaultDeps = {
  /** Where the key files lie. */
  folder: string;
  /** The folder with one folder per account: as long as it holds any, the key is irreplaceable. */
  accountsFolder: string;
  keyStore: SystemKeyStore;
  platform: NodeJS.Platform;
  log: ShellLog;
  /** Tells the user, once for this installation, that the key lies in a plain file. */
  tellPlainKey(): void;
  wait(delayMs: number): Promise<void>;
};

const SEALED_FILE = "profile.key.sealed";
const PLAIN_FILE = "profile.key";
const KEY_BYTES = 32;
/** The key store of a session that has just begun may need a moment. */
const WAITS_MS = [250, 1_000, 2_000];
const RETRY_AFTER_MS = 10_000;

const sealedSchema = v.object({
  version: v.literal(1),
  sealed: v.pipe(v.string(), v.base64(), v.minLength(4), v.maxLength(10_000)),
});

const LOCKED =
  "Your computer's password store is locked or not running, so Lattice cannot read the key of your accounts. Unlock it (on Linux: the keyring or KWallet); Lattice goes on by itself. Nothing was deleted.";
const UNDECRYPTABLE =
  "Your computer's password store no longer opens the key of your accounts. This happens when the keyring or the user account of the system was reset. Restore it, or move the Lattice profile folder away to start afresh. Nothing was deleted.";
const MISSING =
  "The key of your accounts is missing from the Lattice profile folder. Restore the folder from a backup, or move it away to start afresh. Nothing was deleted.";
const UNWRITABLE =
  "Lattice cannot write to its profile folder. Check that the disk is not full and that you may write to your home folder. Lattice tries again by itself.";

/** The profile key: the old one where there is one, a new one only where nothing depends on an old one. */
export async function openProfileKey(deps: KeyVaultDeps): Promise<Uint8Array> {
  try {
    await mkdir(deps.folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new EngineOpenError(UNWRITABLE, { cause, retryAfterMs: RETRY_AFTER_MS });
  }
  const sealed = await readIfThere(join(deps.folder, SEALED_FILE));
  if (sealed !== undefined) {
    const key = await unseal(deps, sealed);
    if (key) {
      // Left behind where the computer lost power between sealing the key and removing the plain file.
      await rm(join(deps.folder, PLAIN_FILE), { force: true }).catch(() => {});
      return key;
    }
    if (await hasAccounts(deps)) throw new EngineOpenError(UNDECRYPTABLE);
    await rename(join(deps.folder, SEALED_FILE), join(deps.folder, `${SEALED_FILE}.undecryptable-${Date.now()}`));
  }
  const plain = await readIfThere(join(deps.folder, PLAIN_FILE));
  if (plain !== undefined) return adoptPlain(deps, plain);
  if (await hasAccounts(deps)) throw new EngineOpenError(MISSING);
  const key = new Uint8Array(randomBytes(KEY_BYTES));
  await keep(deps, key);
  return key;
}

/** The key out of its wrapping; undefined where it can never be had again. */
async function unseal(deps: KeyVaultDeps, file: Buffer): Promise<Uint8Array | undefined> {
  const parsed = v.safeParse(sealedSchema, parseJson(file));
  if (!parsed.success) return undefined;
  if (!(await canSeal(deps))) throw new EngineOpenError(LOCKED, { retryAfterMs: RETRY_AFTER_MS });
  try {
    const { result } = await deps.keyStore.decryptStringAsync(Buffer.from(parsed.output.sealed, "base64"));
    return parseKey(Buffer.from(result, "base64"));
  } catch (error) {
    deps.log.error("the profile key cannot be unwrapped", error);
    return undefined;
  }
}

async function adoptPlain(deps: KeyVaultDeps, file: Buffer): Promise<Uint8Array> {
  const key = parseKey(file);
  if (!key) {
    if (await hasAccounts(deps)) throw new EngineOpenError(MISSING);
    const fresh = new Uint8Array(randomBytes(KEY_BYTES));
    await keep(deps, fresh);
    return fresh;
  }
  if (await canSeal(deps, [])) {
    await keep(deps, key);
    deps.log.info("the profile key is now wrapped by the system");
  } else {
    deps.tellPlainKey();
  }
  return key;
}

/** Writes the key the safest way that this computer offers. */
async function keep(deps: KeyVaultDeps, key: Uint8Array): Promise<void> {
  try {
    if (await canSeal(deps)) {
      const wrapped = await deps.keyStore.encryptStringAsync(Buffer.from(key).toString("base64"));
      const { result } = await deps.keyStore.decryptStringAsync(wrapped);
      if (result !== Buffer.from(key).toString("base64")) throw new Error("the key store gives back another key");
      await writeAtomically(
        deps.folder,
        SEALED_FILE,
        JSON.stringify({ version: 1, sealed: wrapped.toString("base64") }),
      );
      await rm(join(deps.folder, PLAIN_FILE), { force: true });
      return;
    }
    await writeAtomically(deps.folder, PLAIN_FILE, key);
  } catch (cause) {
    throw new EngineOpenError(UNWRITABLE, { cause, retryAfterMs: RETRY_AFTER_MS });
  }
  deps.tellPlainKey();
}

/** Whether the system can really encrypt. `basic_text` only hides: its password is a word known to everyone. */
async function canSeal(deps: KeyVaultDeps, waitsMs: readonly number[] = WAITS_MS): Promise<boolean> {
  for (const waitMs of [0, ...waitsMs]) {
    if (waitMs > 0) await deps.wait(waitMs);
    const isAvailable = await deps.keyStore.isAsyncEncryptionAvailable().catch(() => false);
    if (deps.platform === "linux" && deps.keyStore.getSelectedStorageBackend?.() === "basic_text") return false;
    if (isAvailable) return true;
  }
  return false;
}

async function hasAccounts(deps: KeyVaultDeps): Promise<boolean> {
  try {
    return (await readdir(deps.accountsFolder)).length > 0;
  } catch (error) {
    // A folder that is there but cannot be read may hold accounts: then nothing is replaced.
    return !isAbsent(error);
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new EngineOpenError(
      "Lattice cannot read the key of your accounts. Check the permissions of the Lattice profile folder. Nothing was deleted.",
      {
        cause,
        retryAfterMs: RETRY_AFTER_MS,
      },
    );
  }
}

async function writeAtomically(folder: string, name: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(folder, `${name}.new`);
  await rm(temporary, { force: true });
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
}

const parseKey = (bytes: Buffer): Uint8Array | undefined =>
  bytes.byteLength === KEY_BYTES ? new Uint8Array(bytes) : undefined;

const isAbsent = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
