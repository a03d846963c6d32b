/**
 * Connects the timeline of one room to the engine: items, older events on demand, the read receipt, retry and
 * discard. Used by renderer/app through index.ts.
 * Invariant: the "New" line is fixed by what the room topic said when the room was opened, and nothing is marked
 * as read unless the newest message is in view of an attentive window.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { fileUrl } from "../../../preload/contract/file-address.ts";
import type { AccountId, EventId, RoomId } from "../../../preload/contract/ids.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { LatticeHost } from "../../../preload/contract/shell-contract.ts";
import type { RoomDetails, TimelineItem } from "../../../preload/contract/views.ts";
import { toCommandErrorData } from "../../engine-client/command-error.ts";
import { useEngineClient, useHostInfo } from "../../engine-client/EngineProvider.tsx";
import { useAvatarUrl } from "../../engine-client/media-url.ts";
import { mintTxnId } from "../../engine-client/txn-id.ts";
import { useTopic, useTopicItem } from "../../engine-client/use-topic.ts";
import { RemoveDialog } from "./RemoveDialog.tsx";
import { TimelineView } from "./TimelineView.tsx";
import { fileRefOf } from "./file-ref.ts";
import type { ReadMark } from "./group-items.ts";
import { type ReadProgress, createReadProgress, newestForeignEvent } from "./read-progress.ts";
import type { FetchFile, TimelineActions } from "./timeline-actions.ts";
import { useAttention } from "./use-attention.ts";

export type TimelinePaneProps = {
  accountId: AccountId;
  roomId: RoomId;
  /** Called on Escape: the focus belongs to the composer again. */
  onLeave?: () => void;
  /** Begins to confirm this device. Without it, that is not offered. */
  onVerify?: (() => void) | undefined;
  /** Fetches the file of a message. Without it, files are shown and cannot be had. */
  onFetchFile?: FetchFile | undefined;
  /** Begins an answer, or an edit. Without them, that is not offered. Should keep their identity. */
  onReply?: TimelineActions["onReply"];
  onEdit?: TimelineActions["onEdit"];
};

/** A failed request for older events is repeated by itself after this time. */
const FAILURE_PAUSE_MS = 5_000;
/** An answer that brought nothing that is shown: the next request waits this long. */
const EMPTY_ANSWER_PAUSE_MS = 1_000;

type OlderState = {
  isPaginating: boolean;
  /** The answer is here, but not the items. */
  isWaiting: boolean;
  hasReachedStart: boolean;
  error: EngineErrorData | undefined;
};
const IDLE: OlderState = { isPaginating: false, isWaiting: false, hasReachedStart: false, error: undefined };

const NO_ITEMS: readonly TimelineItem[] = [];

const hostOfWindow = (): LatticeHost | undefined => (window as Window & { latticeHost?: LatticeHost }).latticeHost;

/** Fixes where the reader stood, once both the room and its items are known. */
function useReadMark(items: readonly TimelineItem[], details: RoomDetails | undefined): ReadMark | undefined {
  const [mark, setMark] = useState<{ value: ReadMark | undefined }>();
  const newestKey = items.at(-1)?.key;
  if (mark === undefined && details !== undefined && newestKey !== undefined) {
    setMark({ value: details.readUpTo === undefined ? undefined : { readUpTo: details.readUpTo, newestKey } });
  }
  return mark?.value;
}

/** Sends the read receipt when the newest message was seen. */
function useReadReceipts(
  items: readonly TimelineItem[],
  isAtEnd: boolean,
  readUpTo: RoomDetails["readUpTo"],
  ids: TimelinePaneProps,
): void {
  const client = useEngineClient();
  const isAttended = useAttention();
  const { accountId, roomId } = ids;
  const progress = useRef<ReadProgress>(undefined);
  useEffect(() => {
    const judge = createReadProgress(
      (eventId) => {
        // A receipt that fails is not worth a word: the next message brings the next one.
        client.call("timeline.markRead", { accountId, roomId, eventId }).catch(() => {});
      },
      { set: (run, delayMs) => window.setTimeout(run, delayMs), clear: (id) => window.clearTimeout(id) },
    );
    progress.current = judge;
    return () => judge.stop();
  }, [client, accountId, roomId]);
  const newest = useMemo(() => newestForeignEvent(items), [items]);
  useEffect(() => {
    if (readUpTo !== undefined) progress.current?.wasReadUpTo(readUpTo);
    progress.current?.see({ isAtEnd, isAttended, newest });
  }, [isAtEnd, isAttended, newest, readUpTo]);
}

/**
 * Asks for older events, one request at a time. `firstKey` names the oldest item there is: an answer counts as
 * arrived when that changes, so that an answer which brings nothing is not asked for again at once.
 */
function useOlderEvents(firstKey: string | undefined, ids: TimelinePaneProps) {
  const client = useEngineClient();
  const { accountId, roomId } = ids;
  const [state, setState] = useState<OlderState>(IDLE);
  const latestFirstKey = useRef(firstKey);
  const asking = useRef<{ firstKey: string | undefined; isAnswered: boolean }>(undefined);

  useEffect(() => {
    latestFirstKey.current = firstKey;
    if (asking.current?.isAnswered === true) {
      asking.current = undefined;
      setState((now) => ({ ...now, isPaginating: false }));
    }
  }, [firstKey]);

  useEffect(() => {
    const pauseMs =
      state.error === undefined ? EMPTY_ANSWER_PAUSE_MS : Math.max(FAILURE_PAUSE_MS, state.error.retryAfterMs ?? 0);
    if (state.error === undefined && !state.isWaiting) return undefined;
    const timer = setTimeout(() => {
      asking.current = undefined;
      setState((now) => ({ ...IDLE, hasReachedStart: now.hasReachedStart }));
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [state]);

  const paginate = useCallback(() => {
    if (asking.current?.isAnswered === false) return;
    const request = { firstKey: latestFirstKey.current, isAnswered: false };
    asking.current = request;
    setState((now) => ({ ...IDLE, isPaginating: true, hasReachedStart: now.hasReachedStart }));
    client.call("timeline.paginate", { accountId, roomId }).then(
      ({ hasReachedStart }) => {
        request.isAnswered = true;
        const hasArrived = hasReachedStart || latestFirstKey.current !== request.firstKey;
        if (hasArrived) asking.current = undefined;
        setState({ ...IDLE, hasReachedStart, isPaginating: !hasArrived, isWaiting: !hasArrived });
      },
      (thrown: unknown) => {
        asking.current = undefined;
        setState({ ...IDLE, error: toCommandErrorData(thrown) });
      },
    );
  }, [client, accountId, roomId]);
  return { ...state, paginate };
}

function ConnectedTimeline(props: TimelinePaneProps) {
  const { accountId, roomId, onLeave, onVerify, onFetchFile, onReply, onEdit } = props;
  const client = useEngineClient();
  const content = useTopic("timeline", { accountId, roomId });
  const details = useTopicItem("room", { accountId, roomId });
  const avatarUrl = useAvatarUrl(accountId);
  const { mediaBase } = useHostInfo();
  const [isAtEnd, setIsAtEnd] = useState(true);
  const items = content.status === "ready" ? content.items : NO_ITEMS;
  const readMark = useReadMark(items, details);
  useReadReceipts(items, isAtEnd, details?.readUpTo, { accountId, roomId });

  const older = useOlderEvents(items[0]?.key, { accountId, roomId });
  const { paginate } = older;
  const [removing, setRemoving] = useState<EventId>();
  const canSend = details?.canSend ?? false;
  const actions = useMemo((): TimelineActions => {
    const quietly = (call: Promise<unknown>) => void call.catch(() => {});
    return {
      mediaUrl: avatarUrl,
      fileUrl: (item, part) => {
        const file = fileRefOf(roomId, item, part);
        return file && fileUrl(mediaBase, { accountId, file });
      },
      onOpenLink: (href) => hostOfWindow()?.openExternal(href),
      onCopy: (text) => quietly(navigator.clipboard.writeText(text)),
      // The message itself says how a retry or a discard came out.
      onRetry: (txnId) => quietly(client.call("outbox.retry", { accountId, txnId })),
      onDiscard: (txnId) => quietly(client.call("outbox.discard", { accountId, txnId })),
      onPaginate: paginate,
      // What becomes readable is seen in its place; what does not says so already.
      onRetryDecryption: () => quietly(client.call("encryption.retryDecryption", { accountId, roomId })),
      onVerify,
      onFetchFile,
      ...(canSend && {
        onReply,
        onEdit,
        onRemove: ({ eventId }) => setRemoving(eventId),
        // The chip itself says how it came out.
        onReact: ({ eventId }, key, isOn) => {
          if (eventId === undefined) return;
          const reaction = { accountId, roomId, txnId: mintTxnId(), eventId, key, isOn };
          quietly(client.call("outbox.react", reaction));
        },
      }),
    };
  }, [client, avatarUrl, mediaBase, accountId, roomId, paginate, onVerify, onFetchFile, canSend, onReply, onEdit]);
  const remove = (eventId: EventId) => {
    setRemoving(undefined);
    // What keeps it from being removed is said at the message.
    client.call("outbox.redact", { accountId, roomId, txnId: mintTxnId(), eventId }).catch(() => {});
  };

  const name = details?.name ?? "";
  const isDirect = details?.isDirect ?? false;
  const isEncrypted = details?.isEncrypted ?? false;
  const avatarSrc = avatarUrl(details?.avatarMxc, 64);
  // The colour of a person is the person's, in every place.
  const avatarId = details?.directUserId ?? roomId;
  const room = useMemo(
    () => ({ avatarId, name, isDirect, isEncrypted, avatarSrc }),
    [avatarId, name, isDirect, isEncrypted, avatarSrc],
  );
  return (
    <>
      <TimelineView
        room={room}
        content={content}
        readMark={readMark}
        isPaginating={older.isPaginating}
        hasReachedStart={older.hasReachedStart}
        paginateError={older.error}
        actions={actions}
        onAtEndChange={setIsAtEnd}
        onLeave={onLeave}
      />
      {removing === undefined ? null : (
        <RemoveDialog onRemove={() => remove(removing)} onClose={() => setRemoving(undefined)} />
      )}
    </>
  );
}

/** The timeline of a room, live. */
export function TimelinePane(props: TimelinePaneProps) {
  // A fresh instance per room: its position, its New line and its focus are its own.
  return <ConnectedTimeline key={`${props.accountId} ${props.roomId}`} {...props} />;
}
