/**
 * Our own picture in a corner of the stage, moved by dragging or by the arrow keys. Used by InCallView.
 * Invariant: it always comes to rest in a corner, so it never hides the middle of the other picture.
 */
import { useRef, useState } from "react";
import type { PointerEvent as ReactPointerEvent, ReactNode } from "react";
import { cornerAfterKey, nearestCorner } from "./corners.ts";
import type { Corner } from "./corners.ts";
import styles from "./in-call.module.css";

type Drag = { pointerId: number; fromX: number; fromY: number; x: number; y: number };

const isRightToLeft = (element: Element): boolean => getComputedStyle(element).direction === "rtl";

/** A tile that floats in a corner. */
export function OwnTile({ label, children }: { label: string; children: ReactNode }) {
  const tile = useRef<HTMLDivElement>(null);
  const [corner, setCorner] = useState<Corner>("bottom-end");
  const [drag, setDrag] = useState<Drag>();

  const onRelease = (event: ReactPointerEvent) => {
    const element = tile.current;
    const stage = element?.parentElement;
    if (!drag || event.pointerId !== drag.pointerId || !element || !stage) return;
    const own = element.getBoundingClientRect();
    const around = stage.getBoundingClientRect();
    const centre = {
      x: (own.x + own.width / 2 - around.x) / around.width,
      y: (own.y + own.height / 2 - around.y) / around.height,
    };
    setCorner(nearestCorner(centre, isRightToLeft(element)));
    setDrag(undefined);
  };

  return (
    // A movable tile: pointer and arrow keys do the same, and its name says so.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={tile}
      className={styles["ownTile"]}
      role="group"
      aria-label={label}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      data-corner={corner}
      data-dragging={drag ? true : undefined}
      style={drag ? { transform: `translate(${drag.x}px, ${drag.y}px)` } : undefined}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ pointerId: event.pointerId, fromX: event.clientX, fromY: event.clientY, x: 0, y: 0 });
      }}
      onPointerMove={(event) => {
        if (drag && event.pointerId === drag.pointerId)
          setDrag({ ...drag, x: event.clientX - drag.fromX, y: event.clientY - drag.fromY });
      }}
      onPointerUp={onRelease}
      onPointerCancel={() => setDrag(undefined)}
      onKeyDown={(event) => {
        const next = cornerAfterKey(corner, event.key, isRightToLeft(event.currentTarget));
        if (!next) return;
        event.preventDefault();
        setCorner(next);
      }}
    >
      {children}
    </div>
  );
}
