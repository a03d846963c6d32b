/**
 * The media cache: avatars, thumbnails and small files in the clear, downloaded once and handed over whole.
 * Called by command media.fetch. Invariant: several who ask for one file at a time share one download.
 */
import { createHash } from "node:crypto";
import type { MxcUri } from "../../../preload/contract/ids.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { MediaFile, Thumbnail } from "../net/media.ts";
import type { CacheFolder } from "./cache-folder.ts";

export function openMediaCache(deps: {
  cache: CacheFolder;
  client: { media: Pick<HomeserverClient["media"], "download"> };
  signal: AbortSignal;
}) {
  const { cache } = deps;
  const running = new Map<string, Promise<MediaFile>>();

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
    const handle = await cache.open(name);
    if (!handle) return undefined;
    try {
      const stored = await handle.readFile();
      const headerLength = stored.readUInt16BE(0);
      return {
        contentType: stored.toString("utf8", 2, 2 + headerLength),
        bytes: new Uint8Array(stored.subarray(2 + headerLength)),
      };
    } catch {
      return undefined;
    } finally {
      await handle.close();
    }
  }

  async function download(name: string, mxc: MxcUri, thumbnail: Thumbnail | undefined): Promise<MediaFile> {
    const file = await deps.client.media.download(mxc, thumbnail, { signal: deps.signal });
    // The cache is a convenience: a full disk must not hide the picture.
    await store(name, file).catch(() => undefined);
    return file;
  }

  async function store(name: string, file: MediaFile): Promise<void> {
    const header = Buffer.from(file.contentType, "utf8").subarray(0, 1_000);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(header.length);
    const made = await cache.create();
    try {
      for (const part of [length, header, file.bytes]) await made.write(part);
      await (await made.keep(name)).close();
    } catch (error) {
      await made.drop();
      throw error;
    }
  }

  return { fetch };
}
export type MediaCache = ReturnType<typeof openMediaCache>;
