/**
 * What rows can ask for, as one object that keeps its identity while a room is open, so that rows stay memoised.
 * Made by TimelinePane (and by the gallery), handed down by TimelineView.
 * Invariant: rows know nothing of the engine and the host; everything that leaves them is here.
 */
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { MxcUri, TxnId } from "../../../preload/contract/ids.ts";
import type { EditableItem } from "./editable.ts";
import type { MessageItem } from "./group-items.ts";

/** The address of an avatar at this size, or undefined where there is none. */
export type MediaUrl = (mxc: MxcUri | undefined, sizePx: number) => string | undefined;

/** `open`: to have it here, so that its address answers at once. `save`: to put it where the user says. */
export type FetchPurpose = "open" | "save";
/** Fetches the file of a message; resolves with the error where it could not. */
export type FetchFile = (
  item: MessageItem,
  purpose: FetchPurpose,
  signal: AbortSignal,
) => Promise<EngineErrorData | undefined>;

/** The address of a message's file, or undefined where it has none yet. */
export type FileUrl = (item: MessageItem, part: "file" | "thumbnail") => string | undefined;

export type TimelineActions = {
  mediaUrl: MediaUrl;
  fileUrl: FileUrl;
  onOpenLink: (href: string) => void;
  onCopy: (text: string) => void;
  onRetry: (txnId: TxnId) => void;
  onDiscard: (txnId: TxnId) => void;
  /** These four are offered where they are given. */
  onReply?: ((item: MessageItem) => void) | undefined;
  onEdit?: ((item: EditableItem) => void) | undefined;
  /** Asks before it removes the message. */
  onRemove?: ((item: MessageItem) => void) | undefined;
  onReact?: ((item: MessageItem, key: string, isOn: boolean) => void) | undefined;
  /** Asks for older events; the answer comes as items. */
  onPaginate: () => void;
  /** Asks once more for what this room's unreadable messages need; they become readable by themselves. */
  onRetryDecryption: () => void;
  /** Begins to confirm this device. Without it, that is not offered. */
  onVerify?: (() => void) | undefined;
  /** Without it, files are shown and cannot be had. */
  onFetchFile?: FetchFile | undefined;
};
