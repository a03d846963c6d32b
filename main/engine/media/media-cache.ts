/**
 * The media cache: downloads files and thumbnails once, and keeps them in the account's folder up to a quota.
 * Called by command media.fetch. Invariant: a file appears whole under its name or not at all; what is evicted
 * can be fetched again.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MxcUri } from "../../../preload/contract/ids.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";

export type Thumbnail = { widthPx: number; heightPx: number; method: "crop" | "scale" };
export type MediaFile = { contentType: string; bytes: Uint8Array<ArrayBuffer> };

const QUOTA_BYTES = 500 * 2 ** 20;
/** Looking at the whole folder is for every so many downloads only. */
const EVICT_EVERY = 100;

export function openMediaCache(deps: { folder: string; client: Pick<HomeserverClient, "media">; signal: AbortSignal }) {
  const running = new Map<string, Promise<MediaFile>>();
  let downloads = 0;

  function fetch(mxc: MxcUri, thumbnail: Thumbnail | undefined): Promise<MediaFile> {
    const name = createHash("sha256")
      .update(JSON.stringify([mxc, thumbnail]))
      .digest("hex");
    const current = running.get(name);
    if (current) return current;
    const fetching = read(name)
      .then((found) => found ?? download(name, mxc, thumbnail))
      .finally(() => running.delete(name));
    running.set(name, fetching);
    return fetching;
  }

  async function read(name: string): Promise<MediaFile | undefined> {
    const path = join(deps.folder, name);
    try {
      const stored = await readFile(path);
      void utimes(path, new Date(), new Date()).catch(() => undefined);
      const headerLength = stored.readUInt16BE(0);
      return {
        contentType: stored.toString("utf8", 2, 2 + headerLength),
        bytes: new Uint8Array(stored.subarray(2 + headerLength)),
      };
    } catch {
      return undefined;
    }
  }

  async function download(name: string, mxc: MxcUri, thumbnail: Thumbnail | undefined): Promise<MediaFile> {
    const file = await deps.client.media.download(mxc, thumbnail, { signal: deps.signal });
    // The cache is a convenience: a full disk must not hide the picture.
    await store(name, file).catch(() => undefined);
    return file;
  }

  async function store(name: string, file: MediaFile): Promise<void> {
    await mkdir(deps.folder, { recursive: true, mode: 0o700 });
    const header = Buffer.from(file.contentType, "utf8").subarray(0, 1_000);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(header.length);
    const temporary = join(deps.folder, `${name}.${randomUUID()}`);
    await writeFile(temporary, Buffer.concat([length, header, file.bytes]), { mode: 0o600 });
    await rename(temporary, join(deps.folder, name));
    downloads += 1;
    if (downloads % EVICT_EVERY === 0) await evict();
  }

  /** Drops the files that were not looked at for longest until the folder fits its quota. */
  async function evict(): Promise<void> {
    const names = await readdir(deps.folder);
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(deps.folder, name);
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    let total = files.reduce((sum, file) => sum + file.size, 0);
    for (const file of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= QUOTA_BYTES) return;
      await rm(file.path, { force: true });
      total -= file.size;
    }
  }

  return { fetch };
}
export type MediaCache = ReturnType<typeof openMediaCache>;
