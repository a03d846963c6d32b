/**
 * Files as a host of our engine handles them: in by begin, append and finish, out by open and read. Used by
 * engine-person.ts. Invariant: bytes go in pieces no larger than the contract allows, and arrive whole or throw.
 */
import { randomBytes } from "node:crypto";
import { MAX_CHUNK_BYTES, type FileRef } from "../../../preload/contract/engine-contract.ts";
import type { AccountId, EventId, RoomId, TxnId, UploadId } from "../../../preload/contract/ids.ts";
import type { TestEngine } from "../../support/engine-harness.ts";
import type { FileToSend } from "./person.ts";

const THUMBNAIL_SIDE_PX = 8;

/** Attaches a file and sends it. Gives the txnId. */
export async function sendFile(engine: TestEngine, roomId: RoomId, file: FileToSend): Promise<TxnId> {
  const uploadId = await takeIn(engine, file);
  const { thumbnail } = file;
  const txnId = `test${randomBytes(8).toString("hex")}` as TxnId;
  await engine.client.call("files.send", {
    ...engine.inRoom(roomId),
    txnId,
    uploadId,
    ...(thumbnail && {
      thumbnail: {
        uploadId: await takeIn(engine, { name: "thumbnail", ...thumbnail }),
        widthPx: THUMBNAIL_SIDE_PX,
        heightPx: THUMBNAIL_SIDE_PX,
      },
    }),
  });
  return txnId;
}

async function takeIn(engine: TestEngine, file: Omit<FileToSend, "thumbnail">): Promise<UploadId> {
  const { accountId } = engine;
  const { name, contentType, bytes } = file;
  const { uploadId } = await engine.client.call("files.begin", { accountId, name, contentType });
  for (let offset = 0; offset < bytes.length; offset += MAX_CHUNK_BYTES) {
    const piece = bytes.slice(offset, offset + MAX_CHUNK_BYTES);
    await engine.client.call("files.append", { accountId, uploadId, offset, bytes: piece });
  }
  await engine.client.call("files.finish", { accountId, uploadId });
  return uploadId;
}

/** The decrypted bytes. Throws where the hash does not fit. */
export async function downloadFile(
  engine: TestEngine,
  accountId: AccountId,
  of: { roomId: RoomId; eventId: EventId; part: "file" | "thumbnail" },
): Promise<Uint8Array> {
  const file: FileRef = { of: "event", ...of };
  const { sizeBytes } = await engine.client.call("files.open", { accountId, file });
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < sizeBytes; offset += MAX_CHUNK_BYTES) {
    const args = { accountId, file, offset, length: MAX_CHUNK_BYTES };
    pieces.push((await engine.client.call("files.read", args)).bytes);
  }
  return Buffer.concat(pieces);
}
