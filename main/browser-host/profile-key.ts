/**
 * The profile key where no operating system keeps it: 32 random bytes in a file that only its owner can read.
 * Used by engine-child.ts; the Electron shell has its key vault instead. Invariant: the file is whole or absent, and
 * once written it is never replaced: without it, what is stored cannot be read.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const KEY_BYTES = 32;

/** The key of a data folder; made with the folder when there is none yet. */
export async function openProfileKey(dataDir: string): Promise<Uint8Array> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, "profile.key");
  return (await readKey(path)) ?? (await createKey(path));
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
