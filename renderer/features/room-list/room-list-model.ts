/**
 * What the room list shows, computed from rows, filter, search and folded sections: one flat list of entries
 * that the view virtualises. Used by RoomListView; pure, so that it is tested without a page.
 * Invariant: each room appears exactly once, in the order of the engine within its section; invites are never
 * hidden by a filter.
 */
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { RoomRow } from "../../../preload/contract/views.ts";

export type RoomFilter = "all" | "unread" | "people" | "rooms";
export type SectionId = "invites" | "favourites" | "people" | "rooms" | "lowPriority";

export const sectionIds: readonly SectionId[] = ["invites", "favourites", "people", "rooms", "lowPriority"];

export type RoomListEntry =
  | { kind: "section"; key: string; section: SectionId; isFolded: boolean; count: number; unreadCount: number }
  | { kind: "room"; key: string; row: RoomRow };

export type RoomListQuestion = {
  rows: readonly RoomRow[];
  filter: RoomFilter;
  query: string;
  folded: ReadonlySet<SectionId>;
  /** Stays in the list under the filter "unread" while it is open, so that it does not vanish under the eye. */
  openRoomId?: RoomId | undefined;
};

/** The section that a row belongs to. */
export function sectionOf(row: RoomRow): SectionId {
  if (row.membership === "invite") return "invites";
  if (row.isFavourite) return "favourites";
  if (row.isLowPriority) return "lowPriority";
  return row.isDirect ? "people" : "rooms";
}

/** True where something new waits in the room. */
export function isUnread(row: RoomRow): boolean {
  return row.notificationCount > 0 || row.highlightCount > 0 || row.membership === "invite";
}

/** Text without case and accents, for comparing. */
export function foldText(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}+/gu, "")
    .toLocaleLowerCase();
}

/** The entries to show, sections first where there is no search. */
export function listEntries(question: RoomListQuestion): readonly RoomListEntry[] {
  const query = foldText(question.query.trim());
  if (query !== "") return searchRows(question.rows, query).map(roomEntry);
  const bySection = new Map<SectionId, RoomRow[]>();
  for (const row of question.rows) {
    if (!passes(row, question.filter) && row.roomId !== question.openRoomId) continue;
    const section = sectionOf(row);
    const rows = bySection.get(section);
    if (rows) rows.push(row);
    else bySection.set(section, [row]);
  }
  const entries: RoomListEntry[] = [];
  for (const section of sectionIds) {
    const rows = bySection.get(section);
    if (!rows) continue;
    const isFolded = question.folded.has(section);
    const unreadCount = rows.filter(isUnread).length;
    entries.push({ kind: "section", key: `section ${section}`, section, isFolded, count: rows.length, unreadCount });
    if (!isFolded) entries.push(...rows.map(roomEntry));
  }
  return entries;
}

const roomEntry = (row: RoomRow): RoomListEntry => ({ kind: "room", key: row.key, row });

function passes(row: RoomRow, filter: RoomFilter): boolean {
  if (row.membership === "invite") return true;
  switch (filter) {
    case "all":
      return true;
    case "unread":
      return isUnread(row);
    case "people":
      return row.isDirect;
    case "rooms":
      return !row.isDirect;
  }
}

/** Names that start with the query, then those with a word that does, then the rest that contain it. */
function searchRows(rows: readonly RoomRow[], query: string): readonly RoomRow[] {
  const ranked: [RoomRow[], RoomRow[], RoomRow[]] = [[], [], []];
  for (const row of rows) {
    const name = foldText(row.name);
    const at = name.indexOf(query);
    if (at === 0) ranked[0].push(row);
    else if (at > 0) ranked[name.includes(` ${query}`) ? 1 : 2].push(row);
    else if (row.directUserId !== undefined && foldText(row.directUserId).includes(query)) ranked[2].push(row);
  }
  return ranked.flat();
}

/** Ids of the joined rooms in the order in which the list shows them without search and folding. */
export function roomOrder(rows: readonly RoomRow[]): readonly RoomRow[] {
  const entries = listEntries({ rows, filter: "all", query: "", folded: new Set() });
  return entries.flatMap((entry) => (entry.kind === "room" ? [entry.row] : []));
}
