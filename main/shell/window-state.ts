/**
 * Where the windows stood, and where they may stand now. Used by window.ts, calls-window.ts and incoming-call-window.ts;
 * kept in the settings.
 * Invariant: pure; the result always lies on a display that exists, large enough to be used and with its title
 * bar in reach.
 */
export type Rectangle = { x: number; y: number; width: number; height: number };
export type WindowState = { bounds?: Rectangle | undefined; isMaximized: boolean };

type Size = { width: number; height: number };
/** How large a window is at first, and at least. */
export type WindowSize = { first: Size; min: Size };

export const MAIN_WINDOW_SIZE: WindowSize = { first: { width: 1_200, height: 800 }, min: { width: 480, height: 400 } };
export const CALLS_WINDOW_SIZE: WindowSize = { first: { width: 960, height: 640 }, min: { width: 360, height: 320 } };
const COMPACT_SIZE: Size = { width: 336, height: 232 };
/** So much of the window has to be on a display for its old place to count. */
const MIN_VISIBLE_PX = 100;

/** The bounds to open with: the old ones where they still make sense, else the middle of the first display. */
export function clampBounds(
  saved: Rectangle | undefined,
  workAreas: readonly Rectangle[],
  { first, min }: WindowSize = MAIN_WINDOW_SIZE,
): Rectangle {
  const primary = workAreas[0] ?? { x: 0, y: 0, ...first };
  const home =
    saved && Object.values(saved).every(Number.isFinite)
      ? workAreas.find((area) => isVisibleOn(saved, area))
      : undefined;
  const area = home ?? primary;
  const width = within(home ? saved?.width : undefined, first.width, min.width, area.width);
  const height = within(home ? saved?.height : undefined, first.height, min.height, area.height);
  const x = home && saved ? clamp(saved.x, area.x, area.x + area.width - width) : area.x + (area.width - width) / 2;
  const y = home && saved ? clamp(saved.y, area.y, area.y + area.height - height) : area.y + (area.height - height) / 2;
  return { x: Math.round(x), y: Math.round(y), width, height };
}

const CARD_MARGIN_PX = 16;

/** The place of a call that was made small: the bottom right of its display. */
export function placeCompact(area: Rectangle): Rectangle {
  const width = Math.min(COMPACT_SIZE.width, area.width);
  const height = Math.min(COMPACT_SIZE.height, area.height);
  return {
    x: Math.max(area.x, area.x + area.width - width - CARD_MARGIN_PX),
    y: Math.max(area.y, area.y + area.height - height - CARD_MARGIN_PX),
    width,
    height,
  };
}

/** The place of a small window: the old one where a display still has it, else the top right of the first display. */
export function placeCard(
  saved: { x: number; y: number } | undefined,
  size: { width: number; height: number },
  workAreas: readonly Rectangle[],
): Rectangle {
  const wanted = saved && Number.isFinite(saved.x) && Number.isFinite(saved.y) ? { ...saved, ...size } : undefined;
  const home = wanted && workAreas.find((area) => isVisibleOn(wanted, area));
  const area = home ?? workAreas[0] ?? { x: 0, y: 0, ...size };
  const width = Math.min(size.width, area.width);
  const height = Math.min(size.height, area.height);
  const x = home && wanted ? wanted.x : area.x + area.width - width - CARD_MARGIN_PX;
  const y = home && wanted ? wanted.y : area.y + CARD_MARGIN_PX;
  return {
    x: Math.round(clamp(x, area.x, area.x + area.width - width)),
    y: Math.round(clamp(y, area.y, area.y + area.height - height)),
    width: Math.round(width),
    height: Math.round(height),
  };
}

function isVisibleOn(bounds: Rectangle, area: Rectangle): boolean {
  const visibleWidth = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const visibleHeight = Math.min(bounds.y + bounds.height, area.y + area.height) - Math.max(bounds.y, area.y);
  return visibleWidth >= MIN_VISIBLE_PX && visibleHeight >= MIN_VISIBLE_PX;
}

/** On a display smaller than the minimum the display wins. */
function within(saved: number | undefined, fallback: number, min: number, max: number): number {
  return Math.round(Math.min(Math.max(saved ?? fallback, min), max));
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), Math.max(min, max));
