/**
 * Uploads: the files that the user attached, from the first byte taken in until they are on the server. Opened by
 * openMedia; written by the files commands, read by the file sender and by whoever looks at what is being sent.
 *   uploads/<uploadId>          the file as ciphertext of its own key, the very bytes that encrypted rooms get
 *   uploads/<uploadId>.sealed   key, hash, name, and where it is on the server: sealed with the profile key
 * Invariants: the clear bytes never touch the disk; an upload is whole once its sealed record is there, and one
 * without a record is cleared away at the next start.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { mxcUriSchema, uploadIdSchema, type MxcUri, type UploadId } from "../../../preload/contract/ids.ts";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { cleanFileName, parseContentType } from "../matrix/file-content.ts";
import { tooLarge } from "../net/media.ts";
import { seal, unsealObject } from "../store/seal.ts";
import { createAttachmentKey, openAttachmentDecryptor, openAttachmentEncryptor } from "./attachment-cipher.ts";
import { toDiskError } from "./cache-folder.ts";

/** A file that was taken in whole. */
export type StagedFile = {
  uploadId: UploadId;
  name: string;
  contentType: string;
  sizeBytes: number;
  key: Uint8Array;
  iv: Uint8Array;
  sha256: Uint8Array;
  /** Where the ciphertext is on the server, once it is. */
  encryptedMxc: MxcUri | undefined;
  /** Where the file is in the clear on the server, once it is. */
  clearMxc: MxcUri | undefined;
  /** A message was made of it: without a pending event it is of no use any more. */
  isTaken: boolean;
};

/** No upload is larger, whatever the server says. */
const MAX_FILE_BYTES = 4 * 2 ** 30;
const MAX_TAKEN_IN_AT_ONCE = 32;
/** Who takes a file in and says nothing for so long is gone. */
const FORGOTTEN_AFTER_MS = 600_000;
/** A file that no pending event names may still stand in a composer. */
const UNUSED_AFTER_MS = 24 * 3_600_000;
const READ_BYTES = 2 ** 20;
const RECORD = ".sealed";

const hexSchema = (lengthBytes: number) =>
  v.pipe(
    v.string(),
    v.hexadecimal(),
    v.length(lengthBytes * 2),
    v.transform((text): Uint8Array => Buffer.from(text, "hex")),
  );
const recordSchema = v.object({
  name: v.string(),
  contentType: v.string(),
  sizeBytes: v.number(),
  key: hexSchema(32),
  iv: hexSchema(16),
  sha256: hexSchema(32),
  encryptedMxc: v.optional(mxcUriSchema),
  clearMxc: v.optional(mxcUriSchema),
  isTaken: v.boolean(),
});

type TakingIn = {
  name: string;
  contentType: string;
  handle: FileHandle;
  key: ReturnType<typeof createAttachmentKey>;
  encryptor: ReturnType<typeof openAttachmentEncryptor>;
  sizeBytes: number;
  /** Ends when all that was appended is on disk. */
  tail: Promise<void>;
  isFinishing: boolean;
  stopForgetting: () => void;
};

export function openUploads(deps: {
  folder: string;
  profileKey: Uint8Array;
  clock: Clock;
  log: Logger;
  /** How large a file the server takes; undefined where that is not known. */
  readLimit: () => Promise<number | undefined>;
}) {
  const { folder, clock, log } = deps;
  const takingIn = new Map<UploadId, TakingIn>();
  const pathOf = (uploadId: UploadId) => join(folder, uploadId);
  const contextOf = (uploadId: UploadId) => `upload ${uploadId}`;

  /** Makes room for a file. `sizeBytes` lets one that is too large fail before it is read. */
  async function begin(file: { name: string; contentType: string; sizeBytes?: number | undefined }): Promise<UploadId> {
    const limit = Math.min((await deps.readLimit()) ?? MAX_FILE_BYTES, MAX_FILE_BYTES);
    if (file.sizeBytes !== undefined && file.sizeBytes > limit) throw tooLarge(limit);
    if (takingIn.size >= MAX_TAKEN_IN_AT_ONCE) {
      throw new EngineError("rejected", "Too many files at once. Wait until the others are done.");
    }
    const uploadId = v.parse(uploadIdSchema, randomBytes(16).toString("base64url"));
    const key = createAttachmentKey();
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      takingIn.set(uploadId, {
        name: cleanFileName(file.name) ?? "file",
        contentType: parseContentType(file.contentType) ?? "application/octet-stream",
        handle: await open(pathOf(uploadId), "wx", 0o600),
        key,
        encryptor: openAttachmentEncryptor(key),
        sizeBytes: 0,
        tail: Promise.resolve(),
        isFinishing: false,
        stopForgetting: forgetLater(uploadId),
      });
    } catch (error) {
      throw toDiskError(error);
    }
    return uploadId;
  }

  function forgetLater(uploadId: UploadId): () => void {
    return clock.setTimer(FORGOTTEN_AFTER_MS, () => {
      void discard(uploadId).catch((error: unknown) => log.error("a forgotten upload could not be removed", error));
    });
  }

  /** Resolves when the bytes are on disk, so that who waits for it is never ahead of the disk. */
  async function append(uploadId: UploadId, offset: number, bytes: Uint8Array): Promise<number> {
    const file = find(uploadId);
    if (offset !== file.sizeBytes) {
      throw new EngineError("rejected", "A part of this file is missing. Attach it again.");
    }
    if (file.sizeBytes + bytes.byteLength > MAX_FILE_BYTES) {
      await discard(uploadId);
      throw tooLarge(MAX_FILE_BYTES);
    }
    file.stopForgetting();
    file.stopForgetting = forgetLater(uploadId);
    file.sizeBytes += bytes.byteLength;
    const encrypted = file.encryptor.update(bytes);
    file.tail = file.tail.then(() => file.handle.writeFile(encrypted));
    try {
      await file.tail;
    } catch (error) {
      if (!takingIn.has(uploadId)) throw new EngineError("cancelled", "Cancelled.", {}, { cause: error });
      await discard(uploadId);
      throw toDiskError(error);
    }
    return file.sizeBytes;
  }

  /** The file is whole: it survives this process from here on. */
  async function finish(uploadId: UploadId): Promise<StagedFile> {
    const file = find(uploadId);
    file.isFinishing = true;
    file.stopForgetting();
    try {
      await file.tail;
      if (file.sizeBytes === 0) throw new EngineError("rejected", "This file is empty, so there is nothing to send.");
      await file.handle.sync();
      await file.handle.close();
      const { name, contentType, sizeBytes } = file;
      const staged: StagedFile = {
        uploadId,
        name,
        contentType,
        sizeBytes,
        ...file.key,
        sha256: file.encryptor.finish(),
        encryptedMxc: undefined,
        clearMxc: undefined,
        isTaken: false,
      };
      await writeRecord(staged);
      takingIn.delete(uploadId);
      return staged;
    } catch (error) {
      await discard(uploadId);
      throw toDiskError(error);
    }
  }

  function find(uploadId: UploadId): TakingIn {
    const file = takingIn.get(uploadId);
    if (!file || file.isFinishing)
      throw new EngineError("not-found", "This file is not being taken in any more. Attach it again.");
    return file;
  }

  async function writeRecord(staged: StagedFile): Promise<void> {
    const { uploadId, key, iv, sha256, ...plain } = staged;
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    const json = JSON.stringify({ ...plain, key: hex(key), iv: hex(iv), sha256: hex(sha256) });
    const path = pathOf(uploadId) + RECORD;
    const temporary = `${path}.${randomBytes(4).toString("hex")}`;
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(seal(deps.profileKey, json, contextOf(uploadId)));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  }

  /** Undefined where there is no such file, or none that the profile key opens. */
  async function read(uploadId: UploadId): Promise<StagedFile | undefined> {
    const sealed = await readFile(pathOf(uploadId) + RECORD).catch(() => undefined);
    const parsed = v.safeParse(recordSchema, unsealObject(deps.profileKey, sealed, contextOf(uploadId)));
    if (!parsed.success) return undefined;
    const { encryptedMxc, clearMxc } = parsed.output;
    return { ...parsed.output, uploadId, encryptedMxc, clearMxc };
  }

  /** The ciphertext, open for reading; undefined where it is not here any more. */
  async function openStaged(staged: StagedFile): Promise<FileHandle | undefined> {
    return open(pathOf(staged.uploadId), "r").catch(() => undefined);
  }

  /** All bytes of the file, as they are on disk or decrypted. */
  async function* stream(handle: FileHandle, staged: StagedFile, isDecrypted: boolean): AsyncGenerator<Uint8Array> {
    const decryptor = isDecrypted ? openAttachmentDecryptor(staged, 0) : undefined;
    for (let offset = 0; offset < staged.sizeBytes;) {
      // A buffer of its own for each piece: the receiver may still hold the one before.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, offset);
      if (bytesRead === 0) throw lost();
      offset += bytesRead;
      const bytes = buffer.subarray(0, bytesRead);
      yield decryptor ? decryptor.update(bytes) : bytes;
    }
  }

  /** Removes the file, whether it was whole or not. */
  async function discard(uploadId: UploadId): Promise<void> {
    const file = takingIn.get(uploadId);
    takingIn.delete(uploadId);
    file?.stopForgetting();
    await file?.handle.close().catch(() => undefined);
    await rm(pathOf(uploadId) + RECORD, { force: true });
    await rm(pathOf(uploadId), { force: true });
  }

  return {
    begin,
    append,
    finish,
    discard,
    read,
    openStaged,
    stream,
    pathOf: (staged: StagedFile) => pathOf(staged.uploadId),

    /** Remembers what became of the file: that it goes to the server once, and when it may go from here. */
    async update(
      uploadId: UploadId,
      change: { encryptedMxc: MxcUri } | { clearMxc: MxcUri } | { isTaken: true },
    ): Promise<void> {
      const staged = await read(uploadId);
      if (!staged) return;
      await writeRecord({ ...staged, ...change }).catch((error: unknown) => {
        throw toDiskError(error);
      });
    },

    /** Removes what no pending event names and nobody is about to send. */
    async prune(inUse: ReadonlySet<string>): Promise<void> {
      const names = await readdir(folder).catch(() => []);
      const kept = new Set(names.filter((name) => name.endsWith(RECORD)).map((name) => name.slice(0, -RECORD.length)));
      for (const name of names) {
        const [uploadId = "", ...ending] = name.split(".");
        if (takingIn.has(uploadId as UploadId) || (inUse.has(uploadId) && kept.has(uploadId))) continue;
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        // One without a record may have been finished a moment ago: it is no waste before it is old.
        const record = kept.has(uploadId) ? await read(uploadId as UploadId) : undefined;
        // What the profile key does not open may be opened by the right one: it stays.
        if (kept.has(uploadId) && !record) continue;
        const waitMs = record && !record.isTaken && ending.length < 2 ? UNUSED_AFTER_MS : FORGOTTEN_AFTER_MS;
        if (!found || clock.now() - found.mtimeMs < waitMs) continue;
        await rm(path, { force: true });
      }
    },

    async close(): Promise<void> {
      for (const uploadId of takingIn.keys()) await discard(uploadId);
    },
  };
}
export type Uploads = ReturnType<typeof openUploads>;

/** The refusal where a file that was to be sent is not here any more. */
export const lost = (): EngineError =>
  new EngineError("rejected", "This file is not on this device any more. Attach it again.");
