/**
 * The profile key where no operating system keeps it: 32 random bytes in a file that only its owner can read.
 * Used by engine-child.ts; the Electron shell has its key vault instead. Invariants: the file is whole or absent, and
 * once written it is never replaced; where accounts exist no other is made, since what they store could not be read.
 */
import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const KEY_BYTES = 32;

/** The key of a data folder; made with the folder when there is none yet. */
export async function openProfileKey(dataDir: string): Promise<Uint8Array> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, "profile.key");
  const known = await readKey(path);
  if (known) {
    // A copy from a backup may have lost its permissions; where they cannot be set, the key still opens.
    await chmod(path, 0o600).catch(() => undefined);
    return known;
  }
  if (await hasAccounts(dataDir)) {
    throw new Error(
      `${path} is missing, and without it the accounts in this folder cannot be opened. Put it back from a backup, or move the whole folder away to start anew. Nothing was deleted.`,
    );
  }
  return createKey(path);
}

async function hasAccounts(dataDir: string): Promise<boolean> {
  try {
    return (await readdir(join(dataDir, "accounts"))).length > 0;
  } catch (error) {
    // A folder that is there but cannot be read may hold accounts.
    return !hasCode(error, "ENOENT");
  }
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  if (bytes.byteLength !== KEY_BYTES) {
    throw new Error(
      `${path} is damaged: it must hold ${KEY_BYTES} bytes. Put it back from a backup, or move the whole folder away to start anew.`,
    );
  }
  return bytes;
}

async function createKey(path: string): Promise<Uint8Array> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(randomBytes(KEY_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link, unlike a rename, never replaces the key of another process that was faster.
    await link(temporary, path);
    await rm(temporary);
  } catch (error) {
    if (hasCode(error, "EEXIST")) await rm(temporary);
    else await rename(temporary, path);
  }
  const key = await readKey(path);
  if (!key)
    throw new Error(`${path} could not be written. Check that the disk is not full and the folder can be written to.`);
  return key;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
