/**
 * The edge between room list and room: dragged, or moved by arrow keys, between 240 and 420 px, and remembered.
 * Used by AppShell. Invariant: what is remembered is parsed and clamped; damage means the default width.
 */
import { useCallback, useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";
import { useText } from "../text/text.ts";
import styles from "./app.module.css";

const STORAGE_KEY = "lattice.room-list.width";
const MIN_PX = 240;
const MAX_PX = 420;
const DEFAULT_PX = 304;
const STEP_PX = 16;

const clamp = (widthPx: number): number => Math.round(Math.min(MAX_PX, Math.max(MIN_PX, widthPx)));

/** The remembered width of the room list, and how to change it. */
export function useListWidth(): [number, (widthPx: number) => void] {
  const [widthPx, setWidthPx] = useState(() => {
    const stored = Number.parseInt(localStorage.getItem(STORAGE_KEY) ?? "", 10);
    return Number.isFinite(stored) ? clamp(stored) : DEFAULT_PX;
  });
  const change = useCallback((next: number) => {
    const clamped = clamp(next);
    setWidthPx(clamped);
    localStorage.setItem(STORAGE_KEY, String(clamped));
  }, []);
  return [widthPx, change];
}

/** The handle on the edge. */
export function ListResizer({ widthPx, onResize }: { widthPx: number; onResize: (widthPx: number) => void }) {
  const t = useText();
  const isRtl = () => document.documentElement.dir === "rtl";
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.preventDefault();
    const handle = event.currentTarget;
    const startX = event.clientX;
    handle.setPointerCapture(event.pointerId);
    const move = (moved: globalThis.PointerEvent) => onResize(widthPx + (moved.clientX - startX) * (isRtl() ? -1 : 1));
    const stop = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("lostpointercapture", stop);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", stop);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const forward = isRtl() ? "ArrowLeft" : "ArrowRight";
    const backward = isRtl() ? "ArrowRight" : "ArrowLeft";
    const next = { [forward]: widthPx + STEP_PX, [backward]: widthPx - STEP_PX, Home: MIN_PX, End: MAX_PX }[event.key];
    if (next === undefined || event.altKey) return;
    event.preventDefault();
    onResize(next);
  };
  return (
    <div
      className={styles["resizer"]}
      role="separator"
      aria-orientation="vertical"
      aria-label={t("roomList.resize")}
      aria-valuenow={widthPx}
      aria-valuemin={MIN_PX}
      aria-valuemax={MAX_PX}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
      onDoubleClick={() => onResize(DEFAULT_PX)}
    />
  );
}
