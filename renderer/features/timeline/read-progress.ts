/**
 * Decides when the room counts as read: the newest event is marked half a second after the reader saw it, with
 * the list at its end and the window in front. Driven by TimelinePane, which reports what it sees.
 * Invariant: an event is marked once, never an older one after a newer one, and nothing is marked while the
 * reader looks elsewhere. The timer is the caller's, so that tests hold the clock.
 */
import type { EventId } from "../../../preload/contract/ids.ts";
import type { TimelineItem } from "../../../preload/contract/views.ts";
import { isForReading } from "./group-items.ts";

export const READ_DELAY_MS = 500;

/** The newest event of somebody else: what a read receipt can usefully name. */
export function newestForeignEvent(items: readonly TimelineItem[]): EventId | undefined {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined || item.kind === "gap" || item.kind === "start") continue;
    const isForeign = item.kind === "state" ? !item.isOwn : isForReading(item);
    if (isForeign && item.eventId !== undefined) return item.eventId;
  }
  return undefined;
}

/** How many messages of others stand below the item with this key. */
export function countBelow(items: readonly TimelineItem[], key: string | undefined): number {
  if (key === undefined) return 0;
  let total = 0;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined) continue;
    if (item.key === key) return total;
    if (isForReading(item)) total += 1;
  }
  return 0;
}

export type Sight = { isAtEnd: boolean; isAttended: boolean; newest: EventId | undefined };

export type ReadProgress = {
  /** Says what the reader sees now. */
  see(sight: Sight): void;
  /** Says that the receipt already stands there, so that it is not sent again. */
  wasReadUpTo(eventId: EventId): void;
  stop(): void;
};

/** Makes the judge of one opened room; `markRead` is called at most once per event. */
export function createReadProgress(
  markRead: (eventId: EventId) => void,
  timers: { set(run: () => void, delayMs: number): number; clear(id: number): void },
): ReadProgress {
  const done = new Set<EventId>();
  let waiting: { eventId: EventId; timer: number } | undefined;
  const drop = () => {
    if (waiting !== undefined) timers.clear(waiting.timer);
    waiting = undefined;
  };
  return {
    see({ isAtEnd, isAttended, newest }) {
      if (!isAtEnd || !isAttended || newest === undefined || done.has(newest)) return drop();
      if (waiting?.eventId === newest) return;
      drop();
      const run = () => {
        waiting = undefined;
        done.add(newest);
        markRead(newest);
      };
      waiting = { eventId: newest, timer: timers.set(run, READ_DELAY_MS) };
    },
    wasReadUpTo(eventId) {
      done.add(eventId);
      if (waiting?.eventId === eventId) drop();
    },
    stop: drop,
  };
}
