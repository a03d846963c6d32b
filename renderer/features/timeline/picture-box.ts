/**
 * The room that a picture or film takes in the timeline, known before a byte of it is here. Used by the rows that
 * show them and by row-height.ts.
 * Invariant: whatever a sender claims, the box fits into the text column and can be seen and pressed.
 */
import type { FileView } from "../../../preload/contract/views.ts";

const MAX_WIDTH_PX = 384;
const MAX_HEIGHT_PX = 288;
/** A banner or a ribbon is cut at its long side rather than drawn as a line. */
const MIN_SIDE_PX = 56;
/** Of a picture that does not say. */
const UNKNOWN = { widthPx: 256, heightPx: 192 };

export type Box = { widthPx: number; heightPx: number };

const isSide = (px: number | undefined): px is number => px !== undefined && px > 0 && Number.isFinite(px);

/** The box for these figures; small pictures are not made larger. */
export function pictureBox({ widthPx, heightPx }: Pick<FileView, "widthPx" | "heightPx">): Box {
  if (!isSide(widthPx) || !isSide(heightPx)) return UNKNOWN;
  const scale = Math.min(1, MAX_WIDTH_PX / widthPx, MAX_HEIGHT_PX / heightPx);
  const side = (sidePx: number, mostPx: number) => Math.min(mostPx, Math.max(MIN_SIDE_PX, Math.round(sidePx * scale)));
  return { widthPx: side(widthPx, MAX_WIDTH_PX), heightPx: side(heightPx, MAX_HEIGHT_PX) };
}
