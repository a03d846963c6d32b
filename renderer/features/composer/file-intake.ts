/**
 * Gives one file to the engine, slice after slice, until it is whole there. Called by attachment-tray.ts; the bytes
 * go by the host's address (preload/contract/file-address.ts), not through the port.
 * Invariant: what did not get through leaves nothing behind: the engine is told to forget it.
 */
import * as v from "valibot";
import { engineErrorDataSchema, type EngineErrorData } from "../../../preload/contract/errors.ts";
import { appendUrl } from "../../../preload/contract/file-address.ts";
import type { AccountId, UploadId } from "../../../preload/contract/ids.ts";
import { CommandError } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";

/** Large enough to be quick, small enough for a bar that moves and a cancel that is heard. */
export const SLICE_BYTES = 8 * 2 ** 20;

const refusalSchema = v.object({ error: engineErrorDataSchema });
/** Where the host says nothing that can be read, it is the engine that is away. */
const interrupted: EngineErrorData = {
  code: "offline",
  message: "Lattice was interrupted while it read this file. Try again.",
};
const unreadable: EngineErrorData = {
  code: "rejected",
  message: "This file cannot be read any more. It was moved, changed or deleted.",
};

export type IntakeDeps = {
  client: Pick<EngineClient, "call">;
  mediaBase: string;
  accountId: AccountId;
  fetch: typeof fetch;
};

export type IntakeOptions = { signal: AbortSignal; onProgress?: (doneBytes: number) => void };

/** Takes the file in; rejects with CommandError, and with `cancelled` where the signal says so. */
export async function takeFileIn(
  deps: IntakeDeps,
  file: { name: string; bytes: Blob },
  { signal, onProgress }: IntakeOptions,
): Promise<UploadId> {
  const { client, mediaBase, accountId } = deps;
  const { name, bytes } = file;
  throwIfCancelled(signal);
  const { uploadId } = await client.call("files.begin", {
    accountId,
    name: name.slice(0, 1_000).toWellFormed(),
    contentType: bytes.type.slice(0, 255),
    sizeBytes: bytes.size,
  });
  try {
    for (let offset = 0; offset < bytes.size; offset += SLICE_BYTES) {
      throwIfCancelled(signal);
      // A slice has no type of its own, and so the request has none: see file-address.ts.
      const slice = bytes.slice(offset, offset + SLICE_BYTES);
      await post(deps, appendUrl(mediaBase, accountId, uploadId, offset), slice, signal);
      onProgress?.(Math.min(bytes.size, offset + SLICE_BYTES));
    }
    throwIfCancelled(signal);
    await client.call("files.finish", { accountId, uploadId });
    throwIfCancelled(signal);
    return uploadId;
  } catch (error) {
    client.call("files.abort", { accountId, uploadId }).catch(() => {});
    throwIfCancelled(signal);
    throw error;
  }
}

async function post(deps: IntakeDeps, url: string, slice: Blob, signal: AbortSignal): Promise<void> {
  // Read before it is sent: a file that has changed since is told from a host that is away.
  const body = await slice.arrayBuffer().catch(() => {
    throw new CommandError(unreadable);
  });
  const response = await deps.fetch(url, { method: "POST", body, signal }).catch(() => undefined);
  if (response?.ok) return;
  const refusal = v.safeParse(refusalSchema, await response?.json().catch(() => undefined));
  throw new CommandError(refusal.success ? refusal.output.error : interrupted);
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CommandError({ code: "cancelled", message: "Cancelled." });
}
