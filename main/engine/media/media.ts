/**
 * openMedia: all that an account has to do with files, over one cache and one folder of uploads. Opened by session;
 * its methods answer the commands media.fetch and files.*, and serve the outbox.
 *   accounts/<id>/media/      files of the server as they came    accounts/<id>/uploads/    what waits to be sent
 * Invariant: a file is what an event of this account names, or an upload of this account; no address leads elsewhere.
 */
import { join } from "node:path";
import type { FileRef } from "../../../preload/contract/engine-contract.ts";
import type { UploadId, UserId } from "../../../preload/contract/ids.ts";
import { sleep, type Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { readFileContent } from "../matrix/file-content.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { AccountStore } from "../store/account-store.ts";
import { openAttachmentDecryptor } from "./attachment-cipher.ts";
import { openCacheFolder } from "./cache-folder.ts";
import { openFileFetcher, readPart, type RemoteFile } from "./file-fetcher.ts";
import { safeFileName } from "./file-name.ts";
import { openFileSender, toPendingContent, uploadIdsIn } from "./file-sender.ts";
import { openMediaCache } from "./media-cache.ts";
import { lost, openUploads, type StagedFile } from "./uploads.ts";

export { uploadIdsIn };

type Options = { signal: AbortSignal };
type Found = { name: string; contentType: string } & ({ remote: RemoteFile } | { staged: StagedFile });

const LIMIT_GOOD_FOR_MS = 600_000;
/** The limit is a courtesy: nobody waits longer for it. */
const LIMIT_PATIENCE_MS = 2_000;
const PRUNE_EVERY_MS = 3_600_000;

export function openMedia(deps: {
  /** Of the account. */
  folder: string;
  profileKey: Uint8Array;
  store: Pick<AccountStore, "events">;
  client: { media: HomeserverClient["media"] };
  clock: Clock;
  log: Logger;
  /** The contents of all pending events: their uploads are kept. */
  readPendingContents: () => Iterable<JsonObject>;
  /** An upload has come further, told a few times a second at most. */
  onProgress?: (uploadId: UploadId) => void;
  signal: AbortSignal;
}) {
  const { store, client, clock, log, signal } = deps;
  const cache = openCacheFolder({ folder: join(deps.folder, "media") });
  const small = openMediaCache({ cache, client, signal });
  const fetcher = openFileFetcher({ cache, client, clock, signal });
  const uploads = openUploads({
    folder: join(deps.folder, "uploads"),
    profileKey: deps.profileKey,
    clock,
    log,
    readLimit,
  });
  const sender = openFileSender({
    uploads,
    cache,
    client,
    readLimit,
    ...(deps.onProgress && { onProgress: deps.onProgress }),
    clock,
    signal,
  });

  let limit: { bytes: number | undefined; readAtMs: number } | undefined;
  let readingLimit: Promise<void> | undefined;

  /** How large a file the server takes, as far as it has said so lately. */
  async function readLimit(): Promise<number | undefined> {
    if (limit === undefined || clock.monotonic() - limit.readAtMs > LIMIT_GOOD_FOR_MS) {
      readingLimit ??= client.media
        .readUploadLimit({ signal })
        .then((bytes) => {
          limit = { bytes, readAtMs: clock.monotonic() };
        })
        // Offline, files are taken in all the same; the server has the last word anyway.
        .catch(() => undefined)
        .finally(() => {
          readingLimit = undefined;
        });
      const patience = new AbortController();
      await Promise.race([
        readingLimit,
        sleep(clock, LIMIT_PATIENCE_MS, AbortSignal.any([signal, patience.signal])).catch(() => undefined),
      ]);
      patience.abort();
    }
    return limit?.bytes;
  }

  /** The file behind a name; throws where there is none. */
  async function find(file: FileRef): Promise<Found> {
    if (file.of === "upload") {
      const staged = await uploads.read(file.uploadId);
      if (!staged) throw lost();
      const { encryptedMxc: mxc, key, iv, sha256, name, contentType } = staged;
      return { name, contentType, ...(mxc ? { remote: { mxc, key, iv, sha256 } } : { staged }) };
    }
    const event = store.events.read(file.roomId, file.eventId);
    const content = event && !event.isRedacted ? readFileContent(event.type, event.content) : undefined;
    const part = file.part === "thumbnail" ? content?.thumbnail : content;
    if (!content || !part || part.source.at === "upload") {
      throw new EngineError("not-found", "This message has no file that can be opened.");
    }
    return {
      name: content.name,
      contentType: part.contentType ?? "application/octet-stream",
      remote: part.source.at === "server" ? { mxc: part.source.mxc } : part.source.file,
    };
  }

  async function readStaged(
    staged: StagedFile,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const handle = await uploads.openStaged(staged);
    if (!handle) return undefined;
    try {
      const bytes = await readPart(handle, offset, Math.min(length, staged.sizeBytes - offset));
      return new Uint8Array(openAttachmentDecryptor(staged, offset).update(bytes));
    } finally {
      await handle.close();
    }
  }

  function prune(): void {
    const inUse = new Set([...deps.readPendingContents()].flatMap(uploadIdsIn));
    uploads.prune(inUse).catch((error: unknown) => log.error("old uploads could not be removed", error));
    stopPruning = clock.setTimer(PRUNE_EVERY_MS, prune);
  }
  let stopPruning = clock.setTimer(0, prune);
  signal.addEventListener("abort", () => stopPruning(), { once: true });

  return {
    fetch: small.fetch,

    begin: uploads.begin,
    append: uploads.append,
    finish: async (uploadId: UploadId): Promise<{ sizeBytes: number }> => ({
      sizeBytes: (await uploads.finish(uploadId)).sizeBytes,
    }),
    /** Forgets an upload, wherever it is on its way. */
    async discard(uploadId: UploadId): Promise<void> {
      sender.cancel(uploadId);
      await uploads.discard(uploadId);
    },

    /** The content of the message that carries these uploads, for the outbox. */
    async toPendingContent(args: {
      uploadId: UploadId;
      thumbnail?: { uploadId: UploadId; widthPx: number; heightPx: number } | undefined;
      widthPx?: number | undefined;
      heightPx?: number | undefined;
      durationMs?: number | undefined;
      caption?: string | undefined;
      mentionedUserIds?: readonly UserId[] | undefined;
    }): Promise<JsonObject> {
      const file = await uploads.read(args.uploadId);
      const thumbnail = args.thumbnail && (await uploads.read(args.thumbnail.uploadId));
      if (!file || (args.thumbnail && !thumbnail)) throw lost();
      for (const taken of [file, thumbnail]) if (taken) await uploads.update(taken.uploadId, { isTaken: true });
      return toPendingContent({
        ...args,
        file,
        thumbnail: args.thumbnail && thumbnail && { ...args.thumbnail, file: thumbnail },
      });
    },
    prepareContent: sender.prepareContent,
    progressOf: sender.progressOf,

    async open(file: FileRef, options: Options): Promise<{ sizeBytes: number; contentType: string; name: string }> {
      const found = await find(file);
      const { contentType } = found;
      const { sizeBytes } = "staged" in found ? found.staged : await fetcher.open(found.remote, options);
      return { sizeBytes, contentType, name: safeFileName(found.name) };
    },

    async read(file: FileRef, offset: number, length: number, options: Options): Promise<Uint8Array<ArrayBuffer>> {
      const found = await find(file);
      const staged = "staged" in found ? await readStaged(found.staged, offset, length) : undefined;
      if (staged) return staged;
      // It went to the server a moment ago: the cache has it now.
      const then = "staged" in found ? await find(file) : found;
      if ("staged" in then) throw lost();
      return fetcher.read(then.remote, offset, length, options);
    },

    async close(): Promise<void> {
      stopPruning();
      await fetcher.close();
      await uploads.close();
    },
  };
}
export type Media = ReturnType<typeof openMedia>;
