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
  /** How long the key store may think before the user is told that it waits for him; it may be asking him. */
  answerWithinMs?: number;
};

const SEALED_FILE = "profile.key.sealed";
const PLAIN_FILE = "profile.key";
const KEY_BYTES = 32;
/** The key store of a session that has just begun may need a moment. */
const WAITS_MS = [250, 1_000, 2_000];
const RETRY_AFTER_MS = 10_000;
/** Where every look may bring up the system's prompt once more, or only the user can help. */
const RARE_RETRY_AFTER_MS = 60_000;
const ANSWER_WITHIN_MS = 20_000;

const sealedSchema = v.object({
  version: v.literal(1),
  sealed: v.pipe(v.string(), v.base64(), v.minLength(4), v.maxLength(10_000)),
});

const LOCKED =
  "Your computer's password store is locked or not running, so Lattice cannot read the key of your accounts. Unlock it (on Linux: the keyring or KWallet); Lattice goes on by itself, or when you start it again. Nothing was deleted.";
const NO_REAL_STORE =
  "The key of your accounts is locked with your computer's password store, and this session offers none that really encrypts. Start the one you used before (GNOME Keyring or KWallet) and Lattice again. Nothing was deleted.";
const UNDECRYPTABLE =
  "Your computer's password store no longer opens the key of your accounts. This happens when the keyring, or the account on this computer, was reset or replaced by another. Restore it, and Lattice goes on by itself, or when you start it again; or move the Lattice profile folder away to start afresh. Nothing was deleted.";
const MISSING =
  "The key of your accounts is missing from the Lattice profile folder. Restore the folder from a backup, and Lattice goes on by itself; or move it away to start afresh. Nothing was deleted.";
const REFUSED =
  "Your computer's password store did not take the key for your accounts. Unlock it (on Linux: the keyring or KWallet); Lattice tries again by itself.";
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
    if (await hasAccounts(deps)) throw new EngineOpenError(UNDECRYPTABLE, { retryAfterMs: RARE_RETRY_AFTER_MS });
    await rename(join(deps.folder, SEALED_FILE), join(deps.folder, `${SEALED_FILE}.undecryptable-${Date.now()}`));
  }
  const plain = await readIfThere(join(deps.folder, PLAIN_FILE));
  if (plain !== undefined) return adoptPlain(deps, plain);
  if (await hasAccounts(deps)) throw new EngineOpenError(MISSING, { retryAfterMs: RARE_RETRY_AFTER_MS });
  const key = new Uint8Array(randomBytes(KEY_BYTES));
  await keep(deps, key);
  return key;
}

/** The key out of its wrapping; undefined where it can never be had again. */
async function unseal(deps: KeyVaultDeps, file: Buffer): Promise<Uint8Array | undefined> {
  const parsed = v.safeParse(sealedSchema, parseJson(file));
  if (!parsed.success) return undefined;
  if (!(await canSeal(deps))) {
    throw new EngineOpenError(isBasicText(deps) ? NO_REAL_STORE : LOCKED, { retryAfterMs: RETRY_AFTER_MS });
  }
  const wrapped = Buffer.from(parsed.output.sealed, "base64");
  try {
    const { result, shouldReEncrypt } = await answerOf(deps, () => deps.keyStore.decryptStringAsync(wrapped));
    const key = parseKey(Buffer.from(result, "base64"));
    if (key && shouldReEncrypt) await wrapAnew(deps, key);
    return key;
  } catch (error) {
    if (error instanceof EngineOpenError) throw error;
    deps.log.error("the profile key cannot be unwrapped", error);
    return undefined;
  }
}

/** The system has a newer key: the old one opens the wrapping for now. */
async function wrapAnew(deps: KeyVaultDeps, key: Uint8Array): Promise<void> {
  try {
    await writeSealed(deps, key);
    deps.log.info("the profile key is wrapped anew");
  } catch (error) {
    // What is there still opens; the next start tries again.
    deps.log.warn("the profile key cannot be wrapped anew", { error: String(error) });
  }
}

async function adoptPlain(deps: KeyVaultDeps, file: Buffer): Promise<Uint8Array> {
  const key = parseKey(file);
  if (!key) {
    if (await hasAccounts(deps)) throw new EngineOpenError(MISSING, { retryAfterMs: RARE_RETRY_AFTER_MS });
    const fresh = new Uint8Array(randomBytes(KEY_BYTES));
    await keep(deps, fresh);
    return fresh;
  }
  try {
    if (await canSeal(deps, [])) {
      await writeSealed(deps, key);
      await rm(join(deps.folder, PLAIN_FILE), { force: true });
      deps.log.info("the profile key is now wrapped by the system");
      return key;
    }
  } catch (error) {
    // The key is at hand: a key store that fails now must not keep the user from his accounts.
    deps.log.warn("the profile key stays in a plain file", { error: String(error) });
  }
  deps.tellPlainKey();
  return key;
}

/** Writes a new key the safest way that this computer offers. */
async function keep(deps: KeyVaultDeps, key: Uint8Array): Promise<void> {
  const isSealed = await canSeal(deps);
  try {
    if (isSealed) await writeSealed(deps, key);
    else await writeAtomically(deps.folder, PLAIN_FILE, key);
    if (isSealed) await rm(join(deps.folder, PLAIN_FILE), { force: true });
  } catch (cause) {
    if (cause instanceof EngineOpenError) throw cause;
    throw new EngineOpenError(UNWRITABLE, { cause, retryAfterMs: RETRY_AFTER_MS });
  }
  if (!isSealed) deps.tellPlainKey();
}

/** Replaces the sealed file, and only once it is known that the key comes out of the new wrapping again. */
async function writeSealed(deps: KeyVaultDeps, key: Uint8Array): Promise<void> {
  const text = Buffer.from(key).toString("base64");
  let wrapped: Buffer;
  try {
    wrapped = await answerOf(deps, () => deps.keyStore.encryptStringAsync(text));
    const { result } = await answerOf(deps, () => deps.keyStore.decryptStringAsync(wrapped));
    if (result !== text) throw new Error("the key store gives back another key");
  } catch (cause) {
    if (cause instanceof EngineOpenError) throw cause;
    throw new EngineOpenError(REFUSED, { cause, retryAfterMs: RARE_RETRY_AFTER_MS });
  }
  await writeAtomically(deps.folder, SEALED_FILE, JSON.stringify({ version: 1, sealed: wrapped.toString("base64") }));
}

/** Whether the system can really encrypt. `basic_text` only hides: its password is a word known to everyone. */
async function canSeal(deps: KeyVaultDeps, waitsMs: readonly number[] = WAITS_MS): Promise<boolean> {
  for (const waitMs of [0, ...waitsMs]) {
    if (waitMs > 0) await deps.wait(waitMs);
    const isAvailable = await answerOf(deps, () => deps.keyStore.isAsyncEncryptionAvailable().catch(() => false));
    if (isBasicText(deps)) return false;
    if (isAvailable) return true;
  }
  return false;
}

const isBasicText = (deps: KeyVaultDeps): boolean =>
  deps.platform === "linux" && deps.keyStore.getSelectedStorageBackend?.() === "basic_text";

/** What the key store says. One that does not answer is asking its user, who must be told where to look. */
async function answerOf<T>(deps: KeyVaultDeps, ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new EngineOpenError(LOCKED, { retryAfterMs: RETRY_AFTER_MS })),
      deps.answerWithinMs ?? ANSWER_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
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
