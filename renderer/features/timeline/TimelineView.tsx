/**
 * The timeline of a room, drawn from props: skeleton, list, or the reason why there is none. Used by
 * TimelinePane and by the gallery; mounted anew for every room.
 * Invariant: knows no engine; its first frame with rows already stands at the newest message.
 */
import { MessageCircleOff } from "lucide-react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { TimelineItem } from "../../../preload/contract/views.ts";
import { useText } from "../../text/text.ts";
import { EmptyState } from "../../ui/EmptyState.tsx";
import { VisuallyHidden } from "../../ui/VisuallyHidden.tsx";
import { TimelineList } from "./TimelineList.tsx";
import type { RoomFacts } from "./TimelineRowView.tsx";
import { TimelineSkeleton } from "./TimelineSkeleton.tsx";
import { describeError, isolate } from "./describe.ts";
import { type ReadMark, createGrouper, isForReading } from "./group-items.ts";
import { countBelow } from "./read-progress.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import styles from "./timeline.module.css";

export type TimelineContent =
  | { status: "loading" }
  | { status: "ready"; items: readonly TimelineItem[] }
  | { status: "lost"; error: EngineErrorData };

export type TimelineViewProps = {
  room: RoomFacts;
  content: TimelineContent;
  /** Where the reader stood when the room was opened. */
  readMark?: ReadMark | undefined;
  isPaginating?: boolean;
  /** True when there is nothing older to ask for, whatever the items say. */
  hasReachedStart?: boolean;
  paginateError?: EngineErrorData | undefined;
  actions: TimelineActions;
  /** Called when the list reaches or leaves its end. */
  onAtEndChange?: (isAtEnd: boolean) => void;
  /** Called on Escape. */
  onLeave?: (() => void) | undefined;
};

const MAX_ANNOUNCED_LENGTH = 300;
const NO_ITEMS: readonly TimelineItem[] = [];

/** Words for what others wrote since the last call, for assistive technology; "" where nothing was added below. */
function useAnnouncement(items: readonly TimelineItem[]): string {
  const t = useText();
  const [words, setWords] = useState("");
  const lastKey = useRef<string>(undefined);
  useLayoutEffect(() => {
    const before = lastKey.current;
    lastKey.current = items.at(-1)?.key;
    if (before === undefined || before === lastKey.current) return;
    const from = items.findLastIndex((item) => item.key === before);
    const added = from === -1 ? [] : items.slice(from + 1).filter(isForReading);
    const last = added.at(-1);
    if (added.length > 1) setWords(t("timeline.announceMany", { count: added.length }));
    else if (last?.kind === "message") {
      setWords(
        t("timeline.announce", {
          name: isolate(last.sender.displayName),
          text: last.body.slice(0, MAX_ANNOUNCED_LENGTH),
        }),
      );
    } else if (last !== undefined) setWords(t("timeline.announceMany", { count: 1 }));
  }, [items, t]);
  return words;
}

/** Draws a room's timeline. */
export function TimelineView(props: TimelineViewProps) {
  const {
    room,
    content,
    readMark,
    isPaginating = false,
    hasReachedStart = false,
    paginateError,
    actions,
    onAtEndChange,
    onLeave,
  } = props;
  const t = useText();
  const pane = useRef<HTMLElement>(null);
  const [viewport, setViewport] = useState<{ widthPx: number; heightPx: number }>();
  const [isAtEnd, setIsAtEnd] = useState(true);
  const [isNearStart, setIsNearStart] = useState(false);
  const items = content.status === "ready" ? content.items : NO_ITEMS;
  const [group] = useState(createGrouper);
  const grouped = useMemo(() => group(items, readMark), [group, items, readMark]);
  const announcement = useAnnouncement(items);

  useLayoutEffect(() => {
    const box = pane.current?.getBoundingClientRect();
    if (box !== undefined) setViewport({ widthPx: Math.round(box.width), heightPx: Math.round(box.height) });
  }, []);

  // What was there when the reader was last at the end: later messages count as unseen.
  const [seenKey, setSeenKey] = useState<string>();
  const lastKey = items.at(-1)?.key;
  if (isAtEnd && seenKey !== lastKey) setSeenKey(lastKey);
  const unseenCount = isAtEnd ? 0 : countBelow(items, seenKey);

  const onPosition = useMemo(
    () => (position: { isAtEnd: boolean; isNearStart: boolean }) => {
      setIsAtEnd(position.isAtEnd);
      setIsNearStart(position.isNearStart);
    },
    [],
  );
  useLayoutEffect(() => onAtEndChange?.(isAtEnd), [isAtEnd, onAtEndChange]);

  const firstKey = items[0]?.key;
  const wantsOlder =
    content.status === "ready" && !grouped.hasStart && !hasReachedStart && (isNearStart || grouped.rows.length === 0);
  const { onPaginate } = actions;
  useLayoutEffect(() => {
    if (wantsOlder && !isPaginating && paginateError === undefined) onPaginate();
    // `firstKey` and `items.length`: an answer that left us near the start asks for more.
  }, [wantsOlder, isPaginating, paginateError, onPaginate, firstKey, items.length]);

  return (
    <section ref={pane} className={styles["pane"]}>
      {content.status === "lost" ? (
        <EmptyState
          icon={<MessageCircleOff />}
          title={t("timeline.lostTitle")}
          body={describeError(content.error, t)}
        />
      ) : grouped.rows.length === 0 || viewport === undefined ? (
        <div className={styles["loading"]} aria-busy="true" role="status">
          <TimelineSkeleton rowCount={5} />
          <VisuallyHidden>{t("timeline.loading")}</VisuallyHidden>
        </div>
      ) : (
        <TimelineList
          grouped={grouped}
          room={room}
          viewport={viewport}
          isPaginating={isPaginating}
          paginateError={paginateError}
          unseenCount={unseenCount}
          isAtEnd={isAtEnd}
          onPosition={onPosition}
          actions={actions}
          onLeave={onLeave}
        />
      )}
      <div role="status" aria-live="polite">
        <VisuallyHidden>{announcement}</VisuallyHidden>
      </div>
    </section>
  );
}
