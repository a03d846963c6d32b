/**
 * The virtual list of the timeline: anchored to its end, steady under prepends, and attentive to how near the
 * reader is to either end. Used by TimelineList only.
 * Invariant: the row under the reader's eye does not move by itself. What grows above it is compensated in the
 * frame in which it grows; at the end, the end stays in view.
 */
import { type Range, type Virtualizer, defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import type { GroupedTimeline } from "./group-items.ts";
import { RowMemory } from "./row-memory.ts";

/** Space above the oldest row while the start of the room is not known: skeleton rows fit in. */
export const HEAD_PX = 168;
const FOOT_PX = 8;
/** Within this distance of the end the list counts as being there. */
const END_THRESHOLD_PX = 48;
/** Older events are asked for when fewer than this many viewports are left above. */
const VIEWPORTS_AHEAD = 2;

export type ListVirtualizer = Virtualizer<HTMLDivElement, HTMLDivElement> & {
  containerRef: (node: HTMLElement | null) => void;
};

export type Position = { isAtEnd: boolean; isNearStart: boolean };

export type TimelineVirtualizerOptions = {
  grouped: GroupedTimeline;
  scroller: RefObject<HTMLDivElement | null>;
  /** Size of the list when it was mounted, so that its first frame is already right. */
  viewport: { widthPx: number; heightPx: number };
  /** A row that stays mounted wherever the list is, because it has the focus. */
  keptIndex: number;
  onPosition: (position: Position) => void;
};

/** Opens the virtual list over these rows. */
export function useTimelineVirtualizer(options: TimelineVirtualizerOptions): ListVirtualizer {
  const { grouped, scroller, viewport, keptIndex, onPosition } = options;
  const { rows, hasStart } = grouped;
  const seen = useRef({ heightPx: viewport.heightPx, isAtEnd: true });
  const [memory] = useState(() => new RowMemory());
  memory.learn(rows);
  const paddingStart = hasStart ? 0 : HEAD_PX;

  const getItemKey = useCallback((index: number) => rows[index]?.key ?? index, [rows]);
  const estimateSize = useCallback(
    (index: number) => {
      const row = rows[index];
      return row === undefined ? 0 : memory.guess(row, viewport.widthPx);
    },
    [memory, rows, viewport.widthPx],
  );
  const rangeExtractor = useCallback(
    (range: Range) => {
      const indexes = defaultRangeExtractor(range);
      if (keptIndex < 0 || keptIndex >= range.count || indexes.includes(keptIndex)) return indexes;
      return [...indexes, keptIndex].toSorted((a, b) => a - b);
    },
    [keptIndex],
  );

  const report = useCallback(
    (instance: Virtualizer<HTMLDivElement, HTMLDivElement>) => {
      const heightPx = instance.scrollRect?.height ?? 0;
      if (heightPx === 0) return;
      if (heightPx !== seen.current.heightPx) {
        // The composer grew, or the window did: the end of the list stays where it was, above the composer.
        seen.current.heightPx = heightPx;
        if (seen.current.isAtEnd) return instance.scrollToEnd();
      }
      const offsetPx = instance.scrollOffset ?? 0;
      const isAtEnd = instance.getTotalSize() - heightPx - offsetPx <= END_THRESHOLD_PX;
      seen.current.isAtEnd = isAtEnd;
      onPosition({ isAtEnd, isNearStart: offsetPx < VIEWPORTS_AHEAD * heightPx });
    },
    [onPosition],
  );

  const virtualizer: ListVirtualizer = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey,
    estimateSize,
    rangeExtractor,
    overscan: 6,
    paddingStart,
    paddingEnd: FOOT_PX,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: END_THRESHOLD_PX,
    initialRect: { width: viewport.widthPx, height: viewport.heightPx },
    initialOffset: () => {
      const total = rows.reduce((sum, _row, index) => sum + estimateSize(index), paddingStart + FOOT_PX);
      return Math.max(0, total - viewport.heightPx);
    },
    directDomUpdates: true,
    directDomUpdatesMode: "position",
    onChange: report,
  });

  useLayoutEffect(() => {
    virtualizer.shouldAdjustScrollPositionOnItemSizeChange = (item, _delta, instance) => {
      const offsetPx = instance.scrollOffset ?? 0;
      const changedLead = memory.takeChangedLead(String(item.key));
      // A name or a day line that goes with a prepend shrinks a row at its top: its text is what must stay. The
      // oldest row has only the head above it, so it is what the reader looks at even somewhat below the edge.
      if (changedLead !== undefined) return item.start <= offsetPx + (changedLead.wasOldest ? HEAD_PX : 0);
      const isFirstMeasure = !instance.itemSizeCache.has(item.key);
      return isFirstMeasure ? item.start < offsetPx : item.end <= offsetPx;
    };
  }, [memory, virtualizer]);

  useLayoutEffect(() => report(virtualizer), [report, virtualizer, rows]);
  return virtualizer;
}
