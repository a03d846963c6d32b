/**
 * Where the own picture rests within the stage: one of four corners. Used by OwnTile for dragging and for the
 * arrow keys. Pure. Invariant: a corner is logical (start, end), so it holds in both directions of writing.
 */

export type Corner = "top-start" | "top-end" | "bottom-start" | "bottom-end";

type Point = { x: number; y: number };

/** The corner nearest to a point of the stage, given as shares of its width and height. */
export function nearestCorner(point: Point, isRightToLeft: boolean): Corner {
  const isLeft = point.x < 0.5;
  return `${point.y < 0.5 ? "top" : "bottom"}-${isLeft === isRightToLeft ? "end" : "start"}`;
}

/** The corner that an arrow key leads to; undefined for any other key. */
export function cornerAfterKey(corner: Corner, key: string, isRightToLeft: boolean): Corner | undefined {
  const [block, inline] = corner.split("-") as ["top" | "bottom", "start" | "end"];
  switch (key) {
    case "ArrowUp":
      return `top-${inline}`;
    case "ArrowDown":
      return `bottom-${inline}`;
    case "ArrowLeft":
      return `${block}-${isRightToLeft ? "end" : "start"}`;
    case "ArrowRight":
      return `${block}-${isRightToLeft ? "start" : "end"}`;
    default:
      return undefined;
  }
}
