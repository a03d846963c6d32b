/**
 * Guesses how high a row will be before it was ever drawn, from its text and the width of the list. Used by the
 * virtual list for rows out of sight; measured heights replace the guess as soon as a row is drawn.
 * Invariant: a guess only decides how far the scrollbar moves later, never what is seen: being 20 % off is fine,
 * being slow is not. The figures are those of timeline.module.css at a text size of 100 %.
 */
import { isShownAtOnce } from "./file-kind.ts";
import type { CallItem, MessageItem, PlaceholderItem, TimelineRow } from "./group-items.ts";
import { pictureBox } from "./picture-box.ts";

const LINE_PX = 22;
const AVERAGE_CHARACTER_PX = 7.4;
/** Paddings, avatar and marks beside the text. */
const BESIDE_TEXT_PX = 150;
const MAX_TEXT_PX = 736;
const DAY_PX = 42;
const NEW_PX = 34;
const GAP_PX = 36;
const NAME_PX = 27;
const REPLIED_PX = 22;
const REACTIONS_PX = 30;
/** Nobody reads on past this before the row is drawn and measured. */
const MAX_COUNTED_CHARACTERS = 20_000;

function countLines(text: string, charactersPerLine: number): number {
  let lines = 0;
  let from = 0;
  const end = Math.min(text.length, MAX_COUNTED_CHARACTERS);
  while (from <= end) {
    const newline = text.indexOf("\n", from);
    const to = newline === -1 || newline > end ? end : newline;
    lines += Math.max(1, Math.ceil((to - from) / charactersPerLine));
    from = to + 1;
  }
  return lines;
}

/** What was answered, and what others felt about it. */
function besidesHeight(item: MessageItem | CallItem | PlaceholderItem): number {
  if (item.kind !== "message") return 0;
  return (item.replyTo === undefined ? 0 : REPLIED_PX) + (item.reactions === undefined ? 0 : REACTIONS_PX);
}

function bodyHeight(row: TimelineRow, widthPx: number): number {
  if (row.body.kind === "start") return 190;
  if (row.body.kind === "gap") return GAP_PX;
  if (row.body.kind === "state") return 22;
  if (row.body.kind === "encryption") return 46;
  const { item, isFirstOfGroup } = row.body;
  const name = (isFirstOfGroup ? NAME_PX : 0) + besidesHeight(item);
  if (item.kind === "call") return name + 64;
  if (item.kind === "placeholder") return name + 25;
  const textPx = Math.max(100, Math.min(widthPx - BESIDE_TEXT_PX, MAX_TEXT_PX));
  if (item.file !== undefined) {
    const { caption = "" } = item.file;
    const captionPx = caption === "" ? 0 : LINE_PX * countLines(caption, Math.floor(textPx / AVERAGE_CHARACTER_PX));
    return name + captionPx + (isShownAtOnce(item) ? pictureBox(item.file).heightPx + 10 : 68);
  }
  return name + 3 + LINE_PX * countLines(item.body, Math.max(1, Math.floor(textPx / AVERAGE_CHARACTER_PX)));
}

/** The height that this row will probably take in a list of this width. */
export function estimateRowHeight(row: TimelineRow, widthPx: number): number {
  const { lead } = row;
  const leadPx =
    (lead.dayTs === undefined ? 0 : DAY_PX) + (lead.isNew ? NEW_PX : 0) + (lead.gap === undefined ? 0 : GAP_PX);
  return leadPx + bodyHeight(row, widthPx);
}
