/**
 * CacheFolder: files of the server as they came, kept in the account's folder up to a quota. Used by the media cache
 * and by the file fetcher; what was encrypted on its way is ciphertext here too.
 * Invariants: a file appears whole under its name or not at all; what is evicted can be fetched again, and the file
 * that was used last is never evicted.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../base/errors.ts";

const QUOTA_BYTES = 500 * 2 ** 20;
/** Looking at the whole folder is for so many new files or bytes only. */
const EVICT_EVERY_FILES = 100;
const EVICT_EVERY_BYTES = 64 * 2 ** 20;
const PARTIAL = ".part";

export function openCacheFolder(deps: { folder: string; quotaBytes?: number }) {
  const { folder } = deps;
  let clearing: Promise<void> | undefined;
  let filesSince = 0;
  let bytesSince = 0;

  /** Makes the folder, also where someone has removed it, and clears away once what a killed engine left half done. */
  async function prepare(): Promise<void> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await (clearing ??= clearPartials());
    } catch (error) {
      throw toDiskError(error);
    }
  }

  async function clearPartials(): Promise<void> {
    for (const name of await readdir(folder)) {
      if (name.endsWith(PARTIAL)) await rm(join(folder, name), { force: true });
    }
  }

  /** Drops what was not used for longest until the folder fits its quota. */
  async function evict(addedBytes: number): Promise<void> {
    filesSince += 1;
    bytesSince += addedBytes;
    if (filesSince < EVICT_EVERY_FILES && bytesSince < EVICT_EVERY_BYTES) return;
    filesSince = 0;
    bytesSince = 0;
    const files: { path: string; sizeBytes: number; usedAtMs: number }[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const found = name.endsWith(PARTIAL) ? undefined : await stat(path).catch(() => undefined);
      if (found) files.push({ path, sizeBytes: found.size, usedAtMs: found.mtimeMs });
    }
    files.sort((a, b) => b.usedAtMs - a.usedAtMs);
    let totalBytes = 0;
    for (const [place, file] of files.entries()) {
      totalBytes += file.sizeBytes;
      if (place > 0 && totalBytes > (deps.quotaBytes ?? QUOTA_BYTES)) await rm(file.path, { force: true });
    }
  }

  return {
    /** The file, open for reading and marked as used now; undefined where it is not here. */
    async open(name: string): Promise<FileHandle | undefined> {
      const handle = await open(join(folder, name), "r+").catch(() => undefined);
      await handle?.utimes(new Date(), new Date()).catch(() => undefined);
      return handle;
    },

    /** A new file, which has no name before `keep`. */
    async create() {
      await prepare();
      const path = join(folder, `${randomUUID()}${PARTIAL}`);
      const handle = await open(path, "wx+", 0o600).catch((error: unknown) => {
        throw toDiskError(error);
      });
      let sizeBytes = 0;
      return {
        async write(bytes: Uint8Array): Promise<void> {
          try {
            await handle.writeFile(bytes);
          } catch (error) {
            throw toDiskError(error);
          }
          sizeBytes += bytes.byteLength;
        },
        /** Gives it its name. The handle stays open, and is the caller's to close. */
        async keep(name: string): Promise<FileHandle> {
          await rename(path, join(folder, name));
          // The quota is a courtesy: what cannot be counted now is counted next time.
          await evict(sizeBytes).catch(() => undefined);
          return handle;
        },
        async drop(): Promise<void> {
          await handle.close().catch(() => undefined);
          await rm(path, { force: true });
        },
      };
    },

    /** Takes a whole file of another folder of this account in. */
    async adopt(path: string, name: string): Promise<void> {
      await prepare();
      const { size } = await stat(path);
      await rename(path, join(folder, name));
      await evict(size).catch(() => undefined);
    },

    remove: (name: string): Promise<void> => rm(join(folder, name), { force: true }),
  };
}
export type CacheFolder = ReturnType<typeof openCacheFolder>;

const FULL_CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** A full disk as the engine's error; every other failure of the disk as it is. */
export function toDiskError(error: unknown): unknown {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  return FULL_CODES.has(code)
    ? new EngineError(
        "disk-full",
        "The disk is full, so the file cannot be kept. Free some space and try again.",
        {},
        { cause: error },
      )
    : error;
}
