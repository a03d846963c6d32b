/**
 * The file sender: makes the content of a message with a file, and puts the file on the server when the message's
 * turn comes. Opened by openMedia; called by command files.send and by the outbox, before it encrypts.
 *   files.send → pending content that names uploads → outbox row → prepareContent: uploads, names replaced → sent
 * Invariants: no name of an upload and nothing else that is ours alone leaves this device; an encrypted room's file
 * goes up as ciphertext of unknown name and type; a file goes up once, however often its message is tried.
 * spec: client-server, "Sending encrypted attachments".
 */
import type { UploadId, UserId } from "../../../preload/contract/ids.ts";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { readFileContent, THUMBNAIL_UPLOAD_KEY, toEncryptedFileJson, UPLOAD_KEY } from "../matrix/file-content.ts";
import { readObject } from "../matrix/json.ts";
import type { JsonObject, JsonValue } from "../matrix/json.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import { tooLarge } from "../net/media.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { cacheNameOf } from "./file-fetcher.ts";
import { lost, type StagedFile, type Uploads } from "./uploads.ts";

export type OutgoingFile = {
  file: StagedFile;
  thumbnail?: { file: StagedFile; widthPx: number; heightPx: number } | undefined;
  widthPx?: number | undefined;
  heightPx?: number | undefined;
  durationMs?: number | undefined;
  caption?: string | undefined;
  mentionedUserIds?: readonly UserId[] | undefined;
};

/** The content of a message that waits to be sent: with the names of its uploads where the server's will stand. */
export function toPendingContent(outgoing: OutgoingFile): JsonObject {
  const { file, thumbnail, caption, mentionedUserIds } = outgoing;
  const { name, contentType, sizeBytes } = file;
  return {
    msgtype: msgtypeOf(contentType),
    body: caption === undefined || caption === "" ? name : caption,
    filename: name,
    info: {
      mimetype: contentType,
      size: sizeBytes,
      ...(outgoing.widthPx !== undefined && { w: outgoing.widthPx }),
      ...(outgoing.heightPx !== undefined && { h: outgoing.heightPx }),
      ...(outgoing.durationMs !== undefined && { duration: outgoing.durationMs }),
      ...(thumbnail && {
        thumbnail_info: {
          mimetype: thumbnail.file.contentType,
          size: thumbnail.file.sizeBytes,
          w: thumbnail.widthPx,
          h: thumbnail.heightPx,
        },
        [THUMBNAIL_UPLOAD_KEY]: thumbnail.file.uploadId,
      }),
    },
    [UPLOAD_KEY]: file.uploadId,
    // Always there: it tells other clients that names in the text are not mentions by themselves.
    "m.mentions": mentionedUserIds && mentionedUserIds.length > 0 ? { user_ids: mentionedUserIds } : {},
  };
}

/** SVG is a program rather than a picture: receivers had better save it. */
function msgtypeOf(contentType: string): string {
  const kind = contentType.split("/")[0] ?? "";
  return ["image", "video", "audio"].includes(kind) && contentType !== "image/svg+xml" ? `m.${kind}` : "m.file";
}

/** The uploads that a pending content names. */
export function uploadIdsIn(content: JsonObject): UploadId[] {
  const file = readFileContent("m.room.message", content, { isPending: true });
  return [file?.source, file?.thumbnail?.source].flatMap((source) =>
    source?.at === "upload" ? [source.uploadId] : [],
  );
}

export type UploadProgress = { sentBytes: number; totalBytes: number };
/** Who looks on sees it move, and the timeline is not read anew for each piece of a file. */
const PROGRESS_EVERY_MS = 250;

export function openFileSender(deps: {
  uploads: Uploads;
  cache: CacheFolder;
  client: { media: Pick<HomeserverClient["media"], "upload"> };
  readLimit: () => Promise<number | undefined>;
  /** An upload has come further, told a few times a second at most. */
  onProgress?: (uploadId: UploadId) => void;
  clock: Clock;
  signal: AbortSignal;
}) {
  const { uploads, cache } = deps;
  type Running = { promise: Promise<StagedFile>; controller: AbortController; progress: UploadProgress };
  const running = new Map<UploadId, Running>();

  /** The file with its place on the server. Two messages with one file share its upload. */
  async function upload(uploadId: UploadId, isEncrypted: boolean): Promise<StagedFile> {
    // One that runs may go to the other kind of room; then its turn comes after it.
    await running.get(uploadId)?.promise.catch(() => undefined);
    const current = running.get(uploadId);
    if (current) return current.promise;
    const controller = new AbortController();
    const progress = { sentBytes: 0, totalBytes: 0 };
    const promise = uploadOnce(uploadId, isEncrypted, progress, AbortSignal.any([controller.signal, deps.signal]));
    running.set(uploadId, { promise, controller, progress });
    try {
      return await promise;
    } finally {
      running.delete(uploadId);
    }
  }

  async function uploadOnce(
    uploadId: UploadId,
    isEncrypted: boolean,
    progress: UploadProgress,
    signal: AbortSignal,
  ): Promise<StagedFile> {
    const staged = await uploads.read(uploadId);
    if (!staged) throw lost();
    if (isEncrypted ? staged.encryptedMxc : staged.clearMxc) return staged;
    const limit = await deps.readLimit();
    if (limit !== undefined && staged.sizeBytes > limit) throw tooLarge(limit);
    const handle = await uploads.openStaged(staged);
    if (!handle) throw lost();
    progress.totalBytes = staged.sizeBytes;
    let toldAtMs = -Infinity;
    try {
      const mxc = await deps.client.media.upload(
        {
          contentType: isEncrypted ? "application/octet-stream" : staged.contentType,
          sizeBytes: staged.sizeBytes,
          open: () => uploads.stream(handle, staged, !isEncrypted),
        },
        {
          signal,
          onProgress(sentBytes) {
            progress.sentBytes = sentBytes;
            const nowMs = deps.clock.monotonic();
            if (nowMs - toldAtMs < PROGRESS_EVERY_MS) return;
            toldAtMs = nowMs;
            deps.onProgress?.(uploadId);
          },
        },
      );
      const where = isEncrypted ? { encryptedMxc: mxc } : { clearMxc: mxc };
      await uploads.update(uploadId, where);
      return { ...staged, ...where };
    } finally {
      await handle.close();
    }
  }

  /** The very bytes that a download would bring: the sender never fetches what he has sent. */
  async function keep(staged: StagedFile): Promise<void> {
    const { encryptedMxc: mxc, key, iv, sha256 } = staged;
    if (mxc === undefined) return;
    await cache.adopt(uploads.pathOf(staged), cacheNameOf({ mxc, key, iv, sha256 })).catch(() => undefined);
  }

  /** What stands in the content in place of the name of an upload. */
  async function place(uploadId: UploadId, isEncrypted: boolean): Promise<JsonValue> {
    const staged = await upload(uploadId, isEncrypted);
    const { key, iv, sha256 } = staged;
    const mxc = isEncrypted ? staged.encryptedMxc : staged.clearMxc;
    if (mxc === undefined) throw new EngineError("bug", "The file has no place on the server.");
    if (!isEncrypted) return mxc;
    await keep(staged);
    return toEncryptedFileJson({ mxc, key, iv, sha256 });
  }

  return {
    /** The content as it is sent: what it names is on the server when this resolves. Other contents pass as they are. */
    async prepareContent(content: JsonObject, options: { isEncrypted: boolean }): Promise<JsonObject> {
      const [uploadId, thumbnailId] = uploadIdsIn(content);
      if (uploadId === undefined) return content;
      const { isEncrypted } = options;
      // The small one first: where it fails, nothing large was sent in vain.
      const thumbnail = thumbnailId && (await place(thumbnailId, isEncrypted));
      const file = await place(uploadId, isEncrypted);
      return {
        ...withoutOwnKeys(content),
        [isEncrypted ? "file" : "url"]: file,
        info: {
          ...withoutOwnKeys(readObject(content, "info") ?? {}),
          ...(thumbnail !== undefined && { [isEncrypted ? "thumbnail_file" : "thumbnail_url"]: thumbnail }),
        },
      };
    },

    /** How far a running upload has come; undefined before its first byte is asked for. */
    progressOf(uploadId: UploadId): UploadProgress | undefined {
      const progress = running.get(uploadId)?.progress;
      return progress && progress.totalBytes > 0 ? progress : undefined;
    },

    /** Ends a running upload; its message then fails with `cancelled`. */
    cancel(uploadId: UploadId): void {
      running.get(uploadId)?.controller.abort();
    },
  };
}
export type FileSender = ReturnType<typeof openFileSender>;

const withoutOwnKeys = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !key.startsWith("lattice.")));
