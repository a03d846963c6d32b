/**
 * Turns the items of the timeline topic into the rows that are drawn: who speaks is named once per group, a day
 * line stands where the day changes, neighbouring state changes share one caption line, gaps hang on the row
 * below them. A group is of one shield as well: its sign stands beside the name, for all of its lines. Called by TimelineView on every patch.
 * Invariant: a row's key is the key of an item, and everything that may come or go above a row's own content
 * (day line, New line, gap, name) is part of that row and of its `leadSignature`. So a prepend only ever adds
 * rows, and the row under the reader's eye keeps its key.
 * Timestamps come from servers: they are shown, and never trusted to be in order.
 */
import type { TimelineItem } from "../../../preload/contract/views.ts";

type ItemOf<K extends TimelineItem["kind"]> = Extract<TimelineItem, { kind: K }>;
export type MessageItem = ItemOf<"message">;
export type StateItem = ItemOf<"state">;
export type CallItem = ItemOf<"call">;
export type PlaceholderItem = ItemOf<"placeholder">;
export type GapItem = ItemOf<"gap">;

/** What stands above a row's own content. */
export type RowLead = {
  /** A day line for the day of this time. */
  dayTs?: number;
  /** A line that says that events are missing here. */
  gap?: GapItem;
  /** The "New" line: what follows had not been read when the room was opened. */
  isNew: boolean;
};

/** What a row shows of its own. */
export type RowBody =
  /** Something that a member said or did, drawn in that member's group. */
  | {
      kind: "said";
      item: MessageItem | CallItem | PlaceholderItem;
      isFirstOfGroup: boolean;
      /** Of lines of a group that cannot be read for one and the same cause: the first. True for all others. */
      isFirstOfCause: boolean;
    }
  /** State changes that follow one another, as one caption line. */
  | { kind: "state"; items: readonly StateItem[] }
  /** Encryption was turned on: a line of its own, for it is a promise about all that follows. */
  | { kind: "encryption"; item: StateItem }
  /** A gap with nothing below it. */
  | { kind: "gap"; item: GapItem }
  /** The start of the room. */
  | { kind: "start" };

export type TimelineRow = {
  key: string;
  lead: RowLead;
  /** Changes whenever the height above the row's own content may change. */
  leadSignature: string;
  body: RowBody;
};

/** Where the reader stood when the room was opened: the "New" line keeps its place from then on. */
export type ReadMark = {
  /** The newest event that was read by then. */
  readUpTo: string;
  /** The key of the newest item that was there by then: later ones are read as they come. */
  newestKey: string;
};

export type GroupedTimeline = {
  rows: readonly TimelineRow[];
  /** True when the first item is the start of the room. */
  hasStart: boolean;
  /** A gap above everything that is known: drawn at the head of the list, not as a row. */
  headGap?: GapItem;
};

/** Lines of one sender belong together for as long as they follow within this time. */
const GROUP_WINDOW_MS = 5 * 60_000;

/** Time beyond which `Date` holds no date. spec: ECMAScript, "Time Values and Time Range". */
const MAX_TIME_MS = 8.64e15;

/** Names the local day of a time, or gives undefined where it names none. */
function dayOf(timeMs: number | undefined): string | undefined {
  if (timeMs === undefined || !(Math.abs(timeMs) <= MAX_TIME_MS)) return undefined;
  const date = new Date(timeMs);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** True for what a reader has to read: neither our own, nor a mere change of state. */
export function isForReading(item: TimelineItem): boolean {
  return (
    (item.kind === "message" && !item.isOwn) || (item.kind === "call" && !item.isOwn) || item.kind === "placeholder"
  );
}

/** The key of the item that the "New" line stands above, if there is one. */
export function findNewLine(items: readonly TimelineItem[], mark: ReadMark | undefined): string | undefined {
  if (mark === undefined) return undefined;
  let hasPassedMark = false;
  for (const item of items) {
    if (hasPassedMark && isForReading(item)) return item.key;
    if (item.key === mark.newestKey) return undefined;
    if ("eventId" in item && item.eventId === mark.readUpTo) hasPassedMark = true;
  }
  return undefined;
}

type Said = MessageItem | CallItem | PlaceholderItem;

const isSaid = (item: TimelineItem): item is Said =>
  item.kind === "message" || item.kind === "call" || item.kind === "placeholder";

const shieldOf = (item: Said) => (item.kind === "placeholder" ? undefined : item.shield);
const causeOf = (item: Said) =>
  item.kind === "placeholder" && item.reason === "undecryptable" ? (item.cause ?? "unknown") : undefined;

/** True where `item` goes on in the group of `before`. */
function continuesGroup(before: Said, item: Said): boolean {
  if (before.sender === undefined || item.sender === undefined) return false;
  if (before.sender.userId !== item.sender.userId) return false;
  if (shieldOf(before) !== shieldOf(item)) return false;
  if (before.originServerTs === undefined || item.originServerTs === undefined) return false;
  return Math.abs(item.originServerTs - before.originServerTs) <= GROUP_WINDOW_MS;
}

function isSameBody(a: RowBody, b: RowBody): boolean {
  if (a.kind === "said" && b.kind === "said") {
    return a.item === b.item && a.isFirstOfGroup === b.isFirstOfGroup && a.isFirstOfCause === b.isFirstOfCause;
  }
  if (a.kind === "state" && b.kind === "state") {
    return a.items.length === b.items.length && a.items.every((item, index) => item === b.items[index]);
  }
  if (a.kind === "gap" && b.kind === "gap") return a.item === b.item;
  if (a.kind === "encryption" && b.kind === "encryption") return a.item === b.item;
  return a.kind === "start" && b.kind === "start";
}

/** Groups items into rows; a row of `previous` that would come out the same is taken over, so that memo holds. */
export function groupItems(
  items: readonly TimelineItem[],
  mark?: ReadMark,
  previous?: GroupedTimeline,
): GroupedTimeline {
  const newLineKey = findNewLine(items, mark);
  const old = new Map(previous?.rows.map((row) => [row.key, row]));
  const rows: TimelineRow[] = [];
  let day: string | undefined;
  let openGap: GapItem | undefined;
  let before: Said | undefined;
  let stateRun: StateItem[] | undefined;
  let stateLead: RowLead = { isNew: false };

  const push = (key: string, lead: RowLead, body: RowBody) => {
    const isFirstOfGroup = body.kind === "said" && body.isFirstOfGroup;
    const gapPart = lead.gap === undefined ? "" : `gap ${lead.gap.isFilling} ${lead.gap.error?.code ?? ""}`;
    const dayPart = lead.dayTs === undefined ? "" : "day";
    const leadSignature = `${dayPart}|${gapPart}|${lead.isNew ? "new" : ""}|${isFirstOfGroup ? "name" : ""}`;
    const kept = old.get(key);
    const isKept =
      kept !== undefined &&
      kept.leadSignature === leadSignature &&
      kept.lead.gap === lead.gap &&
      dayOf(kept.lead.dayTs) === dayOf(lead.dayTs) &&
      isSameBody(kept.body, body);
    rows.push(isKept ? kept : { key, lead, leadSignature, body });
  };
  const closeStateRun = () => {
    const last = stateRun?.at(-1);
    // The last item names the row: a prepend may lengthen the run at its start, and must not rename it.
    if (stateRun !== undefined && last !== undefined) push(last.key, stateLead, { kind: "state", items: stateRun });
    stateRun = undefined;
  };
  const takeLead = (item: TimelineItem): RowLead => {
    const lead: RowLead = { isNew: item.key === newLineKey };
    if (openGap !== undefined) lead.gap = openGap;
    openGap = undefined;
    const timeMs = "originServerTs" in item ? item.originServerTs : undefined;
    const itemDay = dayOf(timeMs);
    if (itemDay !== undefined && itemDay !== day && timeMs !== undefined) {
      lead.dayTs = timeMs;
      day = itemDay;
    }
    return lead;
  };
  const isBare = (lead: RowLead) => lead.dayTs === undefined && lead.gap === undefined && !lead.isNew;

  const first = items[0];
  const headGap = first?.kind === "gap" && items.length > 1 ? first : undefined;
  for (const item of headGap === undefined ? items : items.slice(1)) {
    if (item.kind === "gap") {
      closeStateRun();
      before = undefined;
      if (openGap !== undefined) continue;
      openGap = item;
    } else if (item.kind === "state" && item.change.change === "encryption-on") {
      closeStateRun();
      push(item.key, takeLead(item), { kind: "encryption", item });
      before = undefined;
    } else if (item.kind === "state") {
      const lead = takeLead(item);
      before = undefined;
      if (stateRun !== undefined && isBare(lead)) stateRun.push(item);
      else {
        closeStateRun();
        stateRun = [item];
        stateLead = lead;
      }
    } else if (isSaid(item)) {
      closeStateRun();
      const lead = takeLead(item);
      const isFirstOfGroup = before === undefined || !isBare(lead) || !continuesGroup(before, item);
      const cause = causeOf(item);
      const isFirstOfCause = isFirstOfGroup || cause === undefined || before === undefined || causeOf(before) !== cause;
      push(item.key, lead, { kind: "said", item, isFirstOfGroup, isFirstOfCause });
      before = item;
    } else {
      closeStateRun();
      push(item.key, { isNew: false }, { kind: "start" });
    }
  }
  closeStateRun();
  if (openGap !== undefined) push(openGap.key, { isNew: false }, { kind: "gap", item: openGap });

  return { rows, hasStart: first?.kind === "start", ...(headGap === undefined ? {} : { headGap }) };
}

/** Groups again and again for one opened room, taking over what did not change. */
export function createGrouper(): (items: readonly TimelineItem[], mark: ReadMark | undefined) => GroupedTimeline {
  let previous: GroupedTimeline | undefined;
  return (items, mark) => {
    previous = groupItems(items, mark, previous);
    return previous;
  };
}
