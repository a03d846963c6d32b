/**
 * Words for a file: a size that cannot be is left out, and the ending of a name is always seen.
 * Subjects: renderer/features/timeline/describe-file.ts, renderer/text/format.ts.
 */
import { expect, test } from "vitest";
import { shortName } from "../../renderer/features/timeline/describe-file.ts";
import { formatSize } from "../../renderer/text/format.ts";

test.each([
  [undefined, ""],
  [Number.NaN, ""],
  [-1, ""],
  [Number.POSITIVE_INFINITY, ""],
  [1e300, ""],
  [0, "0 bytes"],
  [999.4, "999 bytes"],
  [1_000, "1 kB"],
  [999_600, "1 MB"],
  [2_412_000, "2.4 MB"],
])("a size of %s bytes", (sizeBytes, expected) => {
  expect(formatSize(sizeBytes)).toBe(expected);
});

test("a long name shows its ending, and no half of a character", () => {
  expect(shortName("a.txt")).toBe("a.txt");
  const short = shortName(`${"🎉".repeat(5_000)}invoice.pdf.exe`);
  expect(Array.from(short)).toHaveLength(80);
  expect(short.endsWith("invoice.pdf.exe")).toBe(true);
  expect(short.isWellFormed()).toBe(true);
});
