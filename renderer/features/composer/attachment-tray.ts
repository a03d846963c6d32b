/**
 * The files that stand in one room's composer for as long as the page lives: taken in one after the other, shown with
 * their progress, and sent in the order in which they were added. Driven by ComposerPane.
 *   added → waiting → reading → ready ─ send ─→ gone, once its message is on the engine's disk
 *                  └────────→ failed ─ retry ─→ waiting
 * Invariants: a file leaves the tray only when its message is kept or the user removes it; sent again, it keeps its
 * txnId; who removes a file that is being read ends the reading.
 */
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { AccountId, EventId, RoomId, TxnId, UploadId, UserId } from "../../../preload/contract/ids.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import type { EngineClient } from "../../engine-client/engine-client.ts";
import { type IntakeOptions, takeFileIn } from "./file-intake.ts";
import { type FileFacts, isPicture, measureFile } from "./measure-file.ts";
import { mintTxnId } from "../../engine-client/txn-id.ts";

/** More at once than anybody means. */
export const MAX_ATTACHMENTS = 20;
/** A picture of up to this size is its own preview. */
const MAX_PREVIEW_BYTES = 4 * 2 ** 20;

/** A file in the tray, as it is shown. */
export type Attachment = {
  /** The txnId of its message. */
  key: TxnId;
  name: string;
  contentType: string;
  sizeBytes: number;
  /** Of a picture that the page has; good for as long as the file is in the tray. */
  previewUrl?: string | undefined;
  state: AttachmentState;
  /** The user has sent it; it goes as soon as it is read. */
  isLeaving: boolean;
};
export type AttachmentState =
  | { is: "waiting" }
  | { is: "reading"; doneBytes: number }
  | { is: "ready" }
  | { is: "failed"; error: EngineErrorData };

/** What goes with the first file of a batch. */
export type Caption = {
  text?: string;
  mentionedUserIds?: UserId[] | undefined;
  /** The message that is answered. */
  replyTo?: EventId | undefined;
};

type Taken = {
  uploadId: UploadId;
  facts: FileFacts;
  thumbnail?: { uploadId: UploadId; widthPx: number; heightPx: number } | undefined;
};
type Entry = {
  file: File;
  cancel: AbortController;
  /** Resolves with undefined where it failed. */
  taken: Promise<Taken | undefined>;
  /** The engine is being told to send it: too late to take it out. */
  isHandedOver: boolean;
};

export type AttachmentTrayDeps = {
  client: Pick<EngineClient, "call">;
  accountId: AccountId;
  roomId: RoomId;
  takeIn: (file: { name: string; bytes: Blob }, options: IntakeOptions) => Promise<UploadId>;
  measure: (file: Blob) => Promise<FileFacts>;
};

/** The tray of one room. */
export class AttachmentTray {
  readonly #deps: AttachmentTrayDeps;
  readonly #listeners = new Set<() => void>();
  readonly #entries = new Map<TxnId, Entry>();
  #shown: readonly Attachment[] = [];
  /** Ends when no file is being read: one at a time is as quick, and needs no more memory than one. */
  #reading: Promise<unknown> = Promise.resolve();
  #sending: Promise<unknown> = Promise.resolve();

  constructor(deps: AttachmentTrayDeps) {
    this.#deps = deps;
  }

  readonly snapshot = (): readonly Attachment[] => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Takes files up to the most that fit; gives how many were left out. */
  add(files: readonly File[]): number {
    const fitting = files.slice(0, Math.max(0, MAX_ATTACHMENTS - this.#shown.length));
    for (const file of fitting) {
      const key = mintTxnId();
      const shown: Attachment = {
        key,
        name: file.name,
        contentType: file.type,
        sizeBytes: file.size,
        ...(isPicture(file.type) && file.size <= MAX_PREVIEW_BYTES && { previewUrl: URL.createObjectURL(file) }),
        state: { is: "waiting" },
        isLeaving: false,
      };
      this.#show([...this.#shown, shown]);
      this.#entries.set(key, this.#read(key, file));
    }
    return files.length - fitting.length;
  }

  /** Takes a file out, wherever it is on its way. */
  remove(key: TxnId): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.isHandedOver) return;
    entry.cancel.abort();
    // What is whole already is forgotten here; what is not, by whoever takes it in.
    void entry.taken.then((taken) => taken && this.#forget(taken));
    this.#drop(key);
  }

  /** Reads a file again that failed. */
  retry(key: TxnId): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#find(key)?.state.is !== "failed") return;
    this.#change(key, { state: { is: "waiting" } });
    this.#entries.set(key, this.#read(key, entry.file));
  }

  /**
   * Sends every file that has not failed, the first with the caption, each as soon as it is read. Resolves when all
   * are kept or have failed, with the first one's error; never rejects. Undefined where there is nothing to send.
   */
  send(caption?: Caption): Promise<EngineErrorData | undefined> | undefined {
    const batch = this.#shown.filter(({ state, isLeaving }) => state.is !== "failed" && !isLeaving);
    if (batch.length === 0) return undefined;
    for (const { key } of batch) this.#change(key, { isLeaving: true });
    const sending = this.#sending.then(async () => {
      let first: EngineErrorData | undefined;
      for (const [at, { key }] of batch.entries()) {
        const error = await this.#sendOne(key, at === 0 ? caption : undefined);
        if (at === 0) first = error;
      }
      return first;
    });
    this.#sending = sending;
    return sending;
  }

  /** Resolves when all that was sent so far is kept: what is written after it comes after it in the room. */
  readonly whenSent = (): Promise<unknown> => this.#sending;

  async #sendOne(key: TxnId, caption: Caption | undefined): Promise<EngineErrorData | undefined> {
    const entry = this.#entries.get(key);
    const taken = await entry?.taken;
    const { client, accountId, roomId } = this.#deps;
    if (entry === undefined || taken === undefined || this.#entries.get(key) !== entry) {
      this.#change(key, { isLeaving: false });
      const state = this.#find(key)?.state;
      return state?.is === "failed" ? state.error : { code: "cancelled", message: "The file was removed." };
    }
    const { uploadId, thumbnail, facts } = taken;
    const { widthPx, heightPx, durationMs } = facts;
    entry.isHandedOver = true;
    try {
      await client.call("files.send", {
        accountId,
        roomId,
        txnId: key,
        uploadId,
        ...(thumbnail && { thumbnail }),
        ...(widthPx !== undefined && { widthPx }),
        ...(heightPx !== undefined && { heightPx }),
        ...(durationMs !== undefined && { durationMs }),
        ...(caption?.text !== undefined && { caption: caption.text }),
        ...(caption?.replyTo && { replyTo: caption.replyTo }),
        ...(caption?.mentionedUserIds && { mentionedUserIds: caption.mentionedUserIds }),
      });
    } catch (thrown) {
      const error = toCommandErrorData(thrown);
      entry.isHandedOver = false;
      this.#change(key, { state: { is: "failed", error }, isLeaving: false });
      return error;
    }
    this.#drop(key);
    return undefined;
  }

  #read(key: TxnId, file: File): Entry {
    const cancel = new AbortController();
    const taken = this.#reading.then(async (): Promise<Taken | undefined> => {
      if (cancel.signal.aborted) return undefined;
      try {
        return await this.#takeIn(key, file, cancel.signal);
      } catch (thrown) {
        if (cancel.signal.aborted) return undefined;
        this.#change(key, { state: { is: "failed", error: toCommandErrorData(thrown) } });
        return undefined;
      }
    });
    this.#reading = taken;
    return { file, cancel, taken, isHandedOver: false };
  }

  async #takeIn(key: TxnId, file: File, signal: AbortSignal): Promise<Taken> {
    this.#change(key, { state: { is: "reading", doneBytes: 0 } });
    const facts = await this.#deps.measure(file);
    if (facts.thumbnail !== undefined && this.#find(key)?.previewUrl === undefined) {
      this.#change(key, { previewUrl: URL.createObjectURL(facts.thumbnail.bytes) });
    }
    const thumbnailId =
      facts.thumbnail && (await this.#deps.takeIn({ name: "thumbnail", bytes: facts.thumbnail.bytes }, { signal }));
    try {
      const uploadId = await this.#deps.takeIn(
        { name: file.name, bytes: file },
        { signal, onProgress: (doneBytes) => this.#change(key, { state: { is: "reading", doneBytes } }) },
      );
      this.#change(key, { state: { is: "ready" } });
      const { thumbnail } = facts;
      return {
        uploadId,
        facts,
        ...(thumbnail &&
          thumbnailId && {
            thumbnail: { uploadId: thumbnailId, widthPx: thumbnail.widthPx, heightPx: thumbnail.heightPx },
          }),
      };
    } catch (error) {
      if (thumbnailId !== undefined) this.#abort(thumbnailId);
      throw error;
    }
  }

  #forget(taken: Taken): void {
    this.#abort(taken.uploadId);
    if (taken.thumbnail !== undefined) this.#abort(taken.thumbnail.uploadId);
  }

  #abort(uploadId: UploadId): void {
    const { client, accountId } = this.#deps;
    // One that cannot be forgotten now is cleared away by the engine itself.
    client.call("files.abort", { accountId, uploadId }).catch(() => {});
  }

  #find(key: TxnId): Attachment | undefined {
    return this.#shown.find((attachment) => attachment.key === key);
  }

  #change(key: TxnId, parts: Partial<Attachment>): void {
    if (this.#find(key) === undefined) {
      if (parts.previewUrl !== undefined) URL.revokeObjectURL(parts.previewUrl);
      return;
    }
    this.#show(this.#shown.map((attachment) => (attachment.key === key ? { ...attachment, ...parts } : attachment)));
  }

  #drop(key: TxnId): void {
    const previewUrl = this.#find(key)?.previewUrl;
    if (previewUrl !== undefined) URL.revokeObjectURL(previewUrl);
    this.#entries.delete(key);
    this.#show(this.#shown.filter((attachment) => attachment.key !== key));
  }

  #show(shown: readonly Attachment[]): void {
    this.#shown = shown;
    for (const listener of this.#listeners) listener();
  }
}

/** Gives the one tray of each room. */
export function openAttachmentTrays(
  client: EngineClient,
  mediaBase: string,
): (accountId: AccountId, roomId: RoomId) => AttachmentTray {
  const trays = new Map<string, AttachmentTray>();
  return (accountId, roomId) => {
    const key = `${accountId} ${roomId}`;
    let tray = trays.get(key);
    if (tray === undefined) {
      const intake = { client, mediaBase, accountId, fetch: (...args: Parameters<typeof fetch>) => fetch(...args) };
      tray = new AttachmentTray({
        client,
        accountId,
        roomId,
        takeIn: (file, options) => takeFileIn(intake, file, options),
        measure: measureFile,
      });
      trays.set(key, tray);
    }
    return tray;
  };
}
