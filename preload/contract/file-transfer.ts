/**
 * Files between a host and the engine, in chunks that each wait for the one before: so that neither end ever holds
 * more of a file than a chunk. Used by both hosts, each with its own way to ask the engine.
 */
import { MAX_CHUNK_BYTES, type CommandArgs, type CommandReply } from "./engine-contract.ts";
import type { EngineErrorCode } from "./errors.ts";
import type { FileAddress } from "./file-address.ts";
import type { AccountId, UploadId } from "./ids.ts";

/** Asks the engine; rejects where it refuses or is gone. */
export type AskForFiles = <C extends "files.append" | "files.open" | "files.read">(
  command: C,
  args: CommandArgs<C>,
) => Promise<CommandReply<C>>;

/** The bytes of a file from `from` to `to`, both included. */
export async function* readFileRange(
  ask: AskForFiles,
  address: FileAddress,
  { from, to }: { from: number; to: number },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let offset = from; offset <= to;) {
    const { bytes } = await ask("files.read", {
      ...address,
      offset,
      length: Math.min(MAX_CHUNK_BYTES, to - offset + 1),
    });
    if (bytes.byteLength === 0) throw new Error("the file ended before its size");
    offset += bytes.byteLength;
    yield new Uint8Array(bytes);
  }
}

/** Appends a body to a file that is being taken in, and gives the size that it has then. */
export async function appendToFile(
  ask: AskForFiles,
  upload: { accountId: AccountId; uploadId: UploadId },
  offset: number,
  body: AsyncIterable<Uint8Array>,
): Promise<number> {
  let sizeBytes = offset;
  for await (const bytes of inChunks(body)) {
    ({ sizeBytes } = await ask("files.append", { ...upload, offset: sizeBytes, bytes }));
  }
  return sizeBytes;
}

/** The same bytes in pieces of the size that one command carries: asking costs more than copying. */
async function* inChunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let chunk = new Uint8Array(MAX_CHUNK_BYTES);
  let filled = 0;
  for await (const bytes of body) {
    for (let taken = 0; taken < bytes.byteLength;) {
      const part = bytes.subarray(taken, taken + MAX_CHUNK_BYTES - filled);
      chunk.set(part, filled);
      taken += part.byteLength;
      filled += part.byteLength;
      if (filled === MAX_CHUNK_BYTES) {
        yield chunk;
        chunk = new Uint8Array(MAX_CHUNK_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.slice(0, filled);
}

/** The HTTP status that says what became of a request for a file. */
export function statusOf(code: EngineErrorCode): number {
  switch (code) {
    case "not-found":
    case "forbidden":
      return 404;
    case "invalid-request":
      return 400;
    case "rejected":
      return 422;
    case "offline":
      return 503;
    case "disk-full":
      return 507;
    default:
      return 502;
  }
}
