/**
 * What rows can ask for, as one object that keeps its identity while a room is open, so that rows stay memoised.
 * Made by TimelinePane (and by the gallery), handed down by TimelineView.
 * Invariant: rows know nothing of the engine and the host; everything that leaves them is here.
 */
import type { MxcUri, TxnId } from "../../../preload/contract/ids.ts";

/** The address of an avatar at this size, or undefined where there is none. */
export type MediaUrl = (mxc: MxcUri | undefined, sizePx: number) => string | undefined;

export type TimelineActions = {
  mediaUrl: MediaUrl;
  onOpenLink: (href: string) => void;
  onCopy: (text: string) => void;
  onRetry: (txnId: TxnId) => void;
  onDiscard: (txnId: TxnId) => void;
  /** Asks for older events; the answer comes as items. */
  onPaginate: () => void;
};
