/**
 * The file fetcher: has files of messages here, and hands out parts of them. Opened by openMedia; called by the
 * commands files.open and files.read.
 *   source → in the cache? → else downloaded as a stream → hash compared → open → parts, decrypted as they are read
 * Invariants: a file that came encrypted is ciphertext in the cache, and not one byte of it is used before its hash
 * was compared, in this run and on the very file that stays open; who asks for a file that is on its way waits for
 * that one. spec: client-server, "Sending encrypted attachments".
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { EncryptedFile } from "../matrix/file-content.ts";
import type { MxcUri } from "../matrix/ids.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import { openAttachmentDecryptor } from "./attachment-cipher.ts";
import type { CacheFolder } from "./cache-folder.ts";

/** What is fetched: a file in the clear, or ciphertext with its key and hash. */
export type RemoteFile = { mxc: MxcUri } | EncryptedFile;

const MAX_FILE_BYTES = 4 * 2 ** 30;
const MAX_OPEN_FILES = 8;
const CLOSE_AFTER_MS = 60_000;
/** Players take a request back and send another one: the download goes on that long without anybody. */
const LINGER_MS = 15_000;
/** A file whose hash is wrong will not be right at the next look. */
const REFUSE_FOR_MS = 60_000;
const HASH_BYTES = 2 ** 20;

type OpenFile = {
  handle: FileHandle;
  sizeBytes: number;
  readers: number;
  /** Nobody new may read; it closes with the last reader. */
  isDropped: boolean;
  stopClosing: () => void;
};
type Fetching = {
  promise: Promise<OpenFile>;
  waiters: number;
  controller: AbortController;
  stopLingering: () => void;
};

export function openFileFetcher(deps: {
  cache: CacheFolder;
  client: { media: Pick<HomeserverClient["media"], "downloadTo"> };
  clock: Clock;
  signal: AbortSignal;
  maxBytes?: number;
}) {
  const { cache, clock } = deps;
  /** By cache name, the one used last at the end. */
  const openFiles = new Map<string, OpenFile>();
  const fetching = new Map<string, Fetching>();
  const refused = new Map<string, { untilMs: number }>();

  /** The open file, verified. Waits for its download; `signal` ends the waiting, and the download with the last one. */
  async function acquire(file: RemoteFile, signal: AbortSignal): Promise<OpenFile> {
    const name = cacheNameOf(file);
    const known = openFiles.get(name);
    if (known) return hold(name, known);
    const refusal = refused.get(name);
    if (refusal && clock.now() < refusal.untilMs) throw altered();
    refused.delete(name);
    let current = fetching.get(name);
    if (!current) {
      const controller = new AbortController();
      const promise = fetch(name, file, AbortSignal.any([controller.signal, deps.signal])).finally(() => {
        if (fetching.get(name) === started) fetching.delete(name);
        started.stopLingering();
      });
      const started: Fetching = { promise, waiters: 0, controller, stopLingering: () => {} };
      // Nobody may be waiting when it fails.
      promise.catch(() => undefined);
      fetching.set(name, started);
      current = started;
    }
    current.stopLingering();
    current.waiters += 1;
    try {
      return await waitFor(current.promise, signal);
    } finally {
      current.waiters -= 1;
      if (current.waiters === 0 && fetching.get(name) === current) {
        const left = current;
        left.stopLingering = clock.setTimer(LINGER_MS, () => {
          // Who comes now starts anew.
          fetching.delete(name);
          left.controller.abort();
        });
      }
    }
  }

  async function fetch(name: string, file: RemoteFile, signal: AbortSignal): Promise<OpenFile> {
    const cached = await openCached(name, file);
    const handle = cached ?? (await download(name, file, signal));
    const { size: sizeBytes } = await handle.stat();
    return hold(name, { handle, sizeBytes, readers: 0, isDropped: false, stopClosing: () => {} });
  }

  /** A file of the cache whose bytes are still those that the sender hashed. */
  async function openCached(name: string, file: RemoteFile): Promise<FileHandle | undefined> {
    const handle = await cache.open(name);
    if (!handle) return undefined;
    try {
      if (!("key" in file) || (await hashOf(handle)).equals(file.sha256)) return handle;
    } catch {
      // A disk that cannot be read is like a file that is not there.
    }
    await handle.close();
    await cache.remove(name);
    return undefined;
  }

  async function download(name: string, file: RemoteFile, signal: AbortSignal): Promise<FileHandle> {
    const made = await cache.create();
    const hash = createHash("sha256");
    try {
      await deps.client.media.downloadTo(
        file.mxc,
        async (bytes) => {
          if ("key" in file) hash.update(bytes);
          await made.write(bytes);
        },
        { maxBytes: deps.maxBytes ?? MAX_FILE_BYTES, signal },
      );
      if ("key" in file && !hash.digest().equals(file.sha256)) {
        refused.set(name, { untilMs: clock.now() + REFUSE_FOR_MS });
        throw altered();
      }
      return await made.keep(name);
    } catch (error) {
      await made.drop();
      throw error;
    }
  }

  /** Marks it as used last; the one not used for longest is closed where there are too many. */
  function hold(name: string, file: OpenFile): OpenFile {
    openFiles.delete(name);
    openFiles.set(name, file);
    file.stopClosing();
    file.stopClosing = clock.setTimer(CLOSE_AFTER_MS, () => drop(name, file));
    for (const [oldName, old] of openFiles) {
      if (openFiles.size <= MAX_OPEN_FILES) break;
      drop(oldName, old);
    }
    if (deps.signal.aborted) drop(name, file);
    return file;
  }

  function drop(name: string, file: OpenFile): void {
    if (openFiles.get(name) === file) openFiles.delete(name);
    file.stopClosing();
    file.isDropped = true;
    if (file.readers === 0) void file.handle.close().catch(() => undefined);
  }

  async function withFile<T>(file: RemoteFile, signal: AbortSignal, run: (open: OpenFile) => Promise<T>): Promise<T> {
    let found = await acquire(file, signal);
    // Many files at once may have pushed it out before this reader had its turn.
    while (found.isDropped && !deps.signal.aborted) found = await acquire(file, signal);
    found.readers += 1;
    try {
      return await run(found);
    } finally {
      found.readers -= 1;
      if (found.isDropped && found.readers === 0) await found.handle.close().catch(() => undefined);
    }
  }

  return {
    /** Has the file here, whole and verified. */
    async open(file: RemoteFile, options: { signal: AbortSignal }): Promise<{ sizeBytes: number }> {
      return { sizeBytes: (await acquire(file, options.signal)).sizeBytes };
    },

    /** Its clear bytes from `offset` on: fewer than `length` at its end only, in memory of their own. */
    async read(
      file: RemoteFile,
      offset: number,
      length: number,
      options: { signal: AbortSignal },
    ): Promise<Uint8Array<ArrayBuffer>> {
      const bytes = await withFile(file, options.signal, ({ handle, sizeBytes }) =>
        readPart(handle, offset, Math.min(length, sizeBytes - offset)),
      );
      return "key" in file ? new Uint8Array(openAttachmentDecryptor(file, offset).update(bytes)) : bytes;
    },

    async close(): Promise<void> {
      await Promise.allSettled([...fetching.values()].map(({ controller, promise }) => (controller.abort(), promise)));
      for (const [name, file] of openFiles) {
        drop(name, file);
        // A second close waits for the first.
        await file.handle.close().catch(() => undefined);
      }
    },
  };
}
export type FileFetcher = ReturnType<typeof openFileFetcher>;

/**
 * The name of a file in the cache. The hash is a part of it, so that an event which names the file of another one
 * with a wrong hash cannot drive that one out.
 */
export function cacheNameOf(file: RemoteFile): string {
  const expected = "key" in file ? Buffer.from(file.sha256).toString("hex") : "clear";
  return createHash("sha256")
    .update(JSON.stringify(["file", file.mxc, expected]))
    .digest("hex");
}

/** Exactly `length` bytes, or none where that is not positive. */
export async function readPart(handle: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.max(0, length));
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, offset + done);
    if (bytesRead === 0) {
      throw new EngineError("rejected", "This file was cut short on this device. Close it and open it again.");
    }
    done += bytesRead;
  }
  return bytes;
}

async function hashOf(handle: FileHandle): Promise<Buffer> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(HASH_BYTES);
  for (let offset = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, HASH_BYTES, offset);
    if (bytesRead === 0) return hash.digest();
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

function waitFor<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new EngineError("cancelled", "Cancelled."));
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", cancel));
  });
}

const altered = (): EngineError =>
  new EngineError(
    "rejected",
    "This file is not the one that was sent: it was damaged or changed on its way. Ask for it to be sent again.",
  );
