/** That names which look alike are told apart, and that nothing invisible gets through. Subject: matrix/display-name.ts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanName, clipText, disambiguateName } from "../../../main/engine/matrix/display-name.ts";

test.each([
  ["Alice", "Alice"],
  ["  Alice \n Smith ", "Alice Smith"],
  ["Al\u202eice", "Alice"],
  ["\u2066Alice\u2069", "Alice"],
  ["A\u200blic\ufeffe", "Alice"],
  ["Alice\u200d", "Alice"],
  ["Ali\u200cce", "Alice"],
  ["Alice\u{e0041}", "Alice"],
  ["Alice\ufe0f", "Alice"],
  ["1\ufe0f\u20e3", "1\ufe0f\u20e3"],
  ["Alice\u00a0\u3000B", "Alice B"],
  ["\u200b\u202e \u3164", undefined],
  ["", undefined],
  [undefined, undefined],
  ["👩‍👩‍👧 family", "👩‍👩‍👧 family"],
  ["می‌خواهم", "می‌خواهم"],
  ["❤️", "❤️"],
])("%j reads %j", (written, shown) => {
  expect(cleanName(written)).toBe(shown);
});

test("a name is told apart where it must be", () => {
  expect(disambiguateName("Alice", "@alice:x", true)).toBe("Alice");
  expect(disambiguateName("Alice", "@alice:x", false)).toBe("Alice (@alice:x)");
  expect(disambiguateName(undefined, "@alice:x", true)).toBe("@alice:x");
  expect(disambiguateName("\u202e", "@alice:x", true)).toBe("@alice:x");
  expect(disambiguateName("@admin:x", "@eve:x", true)).toBe("@admin:x (@eve:x)");
  expect(disambiguateName("@eve:x", "@eve:x", true)).toBe("@eve:x");
});

test("a name of 64 KiB is short and quick", () => {
  expect(cleanName("x".repeat(65_536))).toHaveLength(256);
  expect(clipText("ab😀", 3)).toBe("ab");
});

test("cleaning twice is cleaning once, and never fails", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      const once = cleanName(name);
      expect(cleanName(once)).toBe(once);
      expect(once ?? "x").not.toMatch(/[\u202a-\u202e\u2066-\u2069\p{Cc}]/u);
    }),
    { numRuns: 300 },
  );
});
