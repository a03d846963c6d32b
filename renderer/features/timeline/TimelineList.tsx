/**
 * The scrolling part of the timeline: the rows in view, the head above the oldest one, keyboard movement and
 * the way back to the newest message. Used by TimelineView once there are rows and the size is known.
 * Invariant: one stop of the Tab key (the list, or the row that was last moved to); everything else inside is
 * reached from there.
 */
import { ArrowDown } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { EventId } from "../../../preload/contract/ids.ts";
import { useText } from "../../text/text.ts";
import { Button } from "../../ui/Button.tsx";
import { cx } from "../../ui/cx.ts";
import { TimelineRowView } from "./TimelineRowView.tsx";
import type { RoomFacts } from "./TimelineRowView.tsx";
import { TimelineSkeleton } from "./TimelineSkeleton.tsx";
import { describeError } from "./describe.ts";
import type { GroupedTimeline, TimelineRow } from "./group-items.ts";
import type { TimelineActions } from "./timeline-actions.ts";
import { HEAD_PX, type Position, useTimelineVirtualizer } from "./use-timeline-virtualizer.ts";
import { useToday } from "./use-today.ts";
import styles from "./timeline.module.css";

export type TimelineListProps = {
  grouped: GroupedTimeline;
  room: RoomFacts;
  viewport: { widthPx: number; heightPx: number };
  isPaginating: boolean;
  paginateError: EngineErrorData | undefined;
  /** Messages of others that came while the reader was further up. */
  unseenCount: number;
  isAtEnd: boolean;
  onPosition: (position: Position) => void;
  actions: TimelineActions;
  /** The reader wants back to the composer. */
  onLeave: (() => void) | undefined;
};

/** How far a row's message of ours has come; undefined for everything else. */
const sendStateOf = (row: TimelineRow | undefined) =>
  row?.body.kind === "said" && row.body.item.kind === "message" ? row.body.item.send?.state : undefined;

function copyableText(row: TimelineRow | undefined): string | undefined {
  return row?.body.kind === "said" && row.body.item.kind === "message" ? row.body.item.body : undefined;
}

/** Draws the rows in view. */
export function TimelineList(props: TimelineListProps) {
  const { grouped, room, viewport, isPaginating, paginateError, unseenCount, isAtEnd, onPosition, actions, onLeave } =
    props;
  const { rows, hasStart, headGap } = grouped;
  const t = useText();
  const todayMs = useToday();
  const scroller = useRef<HTMLDivElement>(null);
  const [activeKey, setActiveKey] = useState<string>();
  const wantsFocus = useRef(false);
  const activeIndex = activeKey === undefined ? -1 : rows.findIndex((row) => row.key === activeKey);
  const virtualizer = useTimelineVirtualizer({ grouped, scroller, viewport, keptIndex: activeIndex, onPosition });

  const newestSent = rows.findLast((row) => sendStateOf(row) === "sent");
  const lastKey = rows.at(-1)?.key;
  const knownLastKey = useRef(lastKey);
  useEffect(() => {
    if (lastKey === knownLastKey.current) return;
    knownLastKey.current = lastKey;
    // What we have just written is worth seeing, wherever we were reading.
    if (sendStateOf(rows.at(-1)) === "sending") virtualizer.scrollToEnd();
  }, [lastKey, rows, virtualizer]);

  useLayoutEffect(() => {
    const element = scroller.current;
    // The scrollbar takes its width from the rows; they give it back, so that they line up with the composer.
    element?.style.setProperty("--scrollbar-width", `${element.offsetWidth - element.clientWidth}px`);
  }, []);

  useLayoutEffect(() => {
    if (!wantsFocus.current || activeKey === undefined) return;
    wantsFocus.current = false;
    virtualizer.elementsCache.get(activeKey)?.focus({ preventScroll: true });
  }, [activeKey, virtualizer]);

  const moveTo = useCallback(
    (index: number) => {
      const key = rows[index]?.key;
      if (key === undefined) return;
      wantsFocus.current = true;
      setActiveKey(key);
      if (index === rows.length - 1) virtualizer.scrollToEnd();
      else virtualizer.scrollToIndex(index, { align: "auto" });
      if (key === activeKey) virtualizer.elementsCache.get(key)?.focus({ preventScroll: true });
    },
    [activeKey, rows, virtualizer],
  );

  // Keeps its identity, so that rows stay memoised while messages come.
  const showEvent = useRef<(eventId: EventId) => void>(undefined);
  useLayoutEffect(() => {
    showEvent.current = (eventId) => {
      const index = rows.findIndex((row) => row.body.kind === "said" && row.body.item.eventId === eventId);
      if (index !== -1) moveTo(index);
    };
  }, [rows, moveTo]);
  const onShow = useCallback((eventId: EventId) => showEvent.current?.(eventId), []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      onLeave?.();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "c" && getSelection()?.isCollapsed !== false) {
      const text = copyableText(rows[activeIndex]);
      if (text !== undefined) actions.onCopy(text);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = activeIndex === -1 ? rows.length : activeIndex;
    const target =
      event.key === "ArrowUp"
        ? Math.max(0, from - 1)
        : event.key === "ArrowDown"
          ? Math.min(rows.length - 1, from + 1)
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? rows.length - 1
              : undefined;
    if (target === undefined) return;
    event.preventDefault();
    moveTo(target);
  };

  const headError = paginateError ?? headGap?.error;
  const isHeadBusy = isPaginating || headGap?.isFilling === true;
  return (
    <>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys move between its articles */}
      <div
        ref={scroller}
        className={styles["scroller"]}
        role="log"
        aria-live="off"
        aria-label={t("timeline.label", { name: room.name })}
        aria-busy={isPaginating}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
        tabIndex={activeIndex === -1 ? 0 : -1}
        onKeyDown={onKeyDown}
      >
        <div ref={virtualizer.containerRef} className={styles["sizer"]}>
          {hasStart ? null : (
            <div className={styles["head"]} style={{ blockSize: HEAD_PX }}>
              {isHeadBusy ? (
                <TimelineSkeleton rowCount={3} />
              ) : headError === undefined ? null : (
                <div className={styles["gap"]} role="alert">
                  <span>{t("timeline.olderFailed", { reason: describeError(headError, t) })}</span>
                  <Button size="small" onPress={actions.onPaginate}>
                    {t("timeline.tryAgain")}
                  </Button>
                </div>
              )}
            </div>
          )}
          {/* oxlint-disable-next-line react/refs -- which rows are in view is known to the virtual list alone, and it redraws us when that changes */}
          {virtualizer.getVirtualItems().map(({ index, key }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const isActive = row.key === activeKey;
            return (
              // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- remembers where the focus is
              <div
                key={key}
                ref={virtualizer.measureElement}
                data-index={index}
                data-key={row.key}
                className={styles["row"]}
                role="article"
                // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- arrow keys move from message to message
                tabIndex={isActive ? 0 : -1}
                onFocus={() => setActiveKey(row.key)}
              >
                <TimelineRowView
                  row={row}
                  room={room}
                  isNewestSent={row === newestSent}
                  isActive={isActive}
                  todayMs={todayMs}
                  actions={actions}
                  onShow={onShow}
                />
              </div>
            );
          })}
        </div>
      </div>
      <div className={cx(styles["jump"], !isAtEnd && styles["jumpShown"])} inert={isAtEnd}>
        <Button
          size="small"
          icon={<ArrowDown />}
          variant={unseenCount > 0 ? "primary" : "plain"}
          aria-label={unseenCount > 0 ? t("timeline.newestCount", { count: unseenCount }) : t("timeline.newest")}
          onPress={() => virtualizer.scrollToEnd()}
        >
          {unseenCount > 0 ? t("timeline.newestCount", { count: unseenCount }) : null}
        </Button>
      </div>
    </>
  );
}
