/**
 * Times, days, durations and sizes in the user's own manner, by Intl. Used by every list and timeline.
 * Timestamps come from servers and may be any number: whatever cannot be a date becomes "".
 * Invariant: pure for a given locale and time zone; formatters are made once.
 */

const MS_PER_DAY = 86_400_000;
/** Beyond this a Date is invalid. */
const MAX_DATE_MS = 8_640_000_000_000_000;

/** "9:41 PM" where the day has twice twelve hours, "09:41" elsewhere, so that columns of times line up. */
const hasHalfDays = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 === true;
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: hasHalfDays ? "numeric" : "2-digit", minute: "2-digit" });
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const longWeekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const longDayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const yearFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const relativeFormat = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const isDate = (ms: number): boolean => Number.isFinite(ms) && Math.abs(ms) <= MAX_DATE_MS;

/** Whole days from the local day of `ms` to the local day of `nowMs`; negative when it lies ahead. */
export function daysBetween(ms: number, nowMs: number): number {
  const from = new Date(ms);
  const to = new Date(nowMs);
  return Math.round(
    (Date.UTC(to.getFullYear(), to.getMonth(), to.getDate()) -
      Date.UTC(from.getFullYear(), from.getMonth(), from.getDate())) /
      MS_PER_DAY,
  );
}

/** Time of day, e.g. "10:41". */
export function formatTime(ms: number): string {
  return isDate(ms) ? timeFormat.format(ms) : "";
}

/** Date and time in full, for titles, e.g. "Sunday, 22 November 2026 at 10:41". */
export function formatFull(ms: number): string {
  return isDate(ms) ? fullFormat.format(ms) : "";
}

/** The heading of a day in a timeline: "Today", "Yesterday", "Monday", "Monday, 2 November", "2 Nov 2024". */
export function formatDay(ms: number, nowMs: number = Date.now()): string {
  if (!isDate(ms)) return "";
  const days = daysBetween(ms, nowMs);
  if (days === 0 || days === 1) {
    const words = relativeFormat.format(-days, "day");
    return words.charAt(0).toLocaleUpperCase() + words.slice(1);
  }
  if (days > 1 && days < 7) return longWeekdayFormat.format(ms);
  return new Date(ms).getFullYear() === new Date(nowMs).getFullYear()
    ? longDayFormat.format(ms)
    : yearFormat.format(ms);
}

/** When something last happened, as short as a row allows: "now", "10:41", "Fri", "2 Nov", "2 Nov 2024". */
export function formatActivity(ms: number, nowMs: number = Date.now()): string {
  if (!isDate(ms)) return "";
  const days = daysBetween(ms, nowMs);
  if (days === 0) return Math.abs(nowMs - ms) < 60_000 ? relativeFormat.format(0, "second") : timeFormat.format(ms);
  if (days > 0 && days < 7) return weekdayFormat.format(ms);
  return new Date(ms).getFullYear() === new Date(nowMs).getFullYear() ? dayFormat.format(ms) : yearFormat.format(ms);
}

/** A running timer: "0:07", "12:40", "1:02:03". */
export function formatDuration(durationMs: number): string {
  const totalSeconds = Math.max(0, Math.floor((Number.isFinite(durationMs) ? durationMs : 0) / 1000));
  const hours = Math.floor(totalSeconds / 3600);
  const minutes = Math.floor((totalSeconds % 3600) / 60);
  const seconds = String(totalSeconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

const SIZE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** A size in the user's own manner, e.g. "2.4 MB"; "" for what is no size. */
export function formatSize(sizeBytes: number | undefined): string {
  if (sizeBytes === undefined || !(sizeBytes >= 0) || sizeBytes >= 1e15) return "";
  let size = Math.floor(sizeBytes);
  let unit = 0;
  while (size >= 999.5 && unit < SIZE_UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: SIZE_UNITS[unit] ?? "byte",
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: unit > 0 && size < 10 ? 1 : 0,
  }).format(size);
}
