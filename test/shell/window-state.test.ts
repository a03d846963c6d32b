/**
 * The window opens where it stood, but always on a display that exists.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { clampBounds } from "../../main/shell/window-state.ts";

const laptop = { x: 0, y: 0, width: 1_440, height: 860 };
const second = { x: 1_440, y: -200, width: 1_920, height: 1_040 };

test("the first start is in the middle of the first display", () => {
  expect(clampBounds(undefined, [laptop])).toEqual({ x: 120, y: 30, width: 1_200, height: 800 });
});
test("a place that still exists is kept", () => {
  const saved = { x: 1_500, y: 0, width: 900, height: 700 };
  expect(clampBounds(saved, [laptop, second])).toEqual(saved);
});
test("a place on a display that is gone is forgotten", () => {
  expect(clampBounds({ x: 1_500, y: 0, width: 900, height: 700 }, [laptop])).toEqual({
    x: 120,
    y: 30,
    width: 1_200,
    height: 800,
  });
});
test("a window half outside is moved in", () => {
  expect(clampBounds({ x: -300, y: 500, width: 900, height: 700 }, [laptop])).toEqual({
    x: 0,
    y: 160,
    width: 900,
    height: 700,
  });
});

test("the result always fits a display", () => {
  const side = fc.double({ min: -1e9, max: 1e9 });
  const rectangle = fc.record({ x: side, y: side, width: side, height: side });
  fc.assert(
    fc.property(
      fc.option(rectangle, { nil: undefined }),
      fc.constantFrom([laptop], [laptop, second], [{ x: 0, y: 0, width: 320, height: 200 }]),
      (saved, areas) => {
        const bounds = clampBounds(saved, areas);
        expect(Object.values(bounds).every(Number.isSafeInteger)).toBe(true);
        const fits = areas.some(
          (area) =>
            bounds.x >= area.x &&
            bounds.y >= area.y &&
            bounds.x + bounds.width <= area.x + area.width &&
            bounds.y + bounds.height <= area.y + area.height,
        );
        expect(fits).toBe(true);
      },
    ),
  );
});
