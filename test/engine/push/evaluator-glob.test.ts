/** That globs match as the specification says, and never explode. Subject: push/glob.ts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileGlob, compileLiteral, matchesGlob } from "../../../main/engine/push/glob.ts";
import type { GlobScope } from "../../../main/engine/push/glob.ts";

const matches = (pattern: string, text: string, scope: GlobScope) => {
  const glob = compileGlob(pattern, scope);
  return glob !== undefined && matchesGlob(glob, text);
};

test.each<[string, string, boolean]>([
  ["m.room.message", "m.room.message", true],
  ["m.room.message", "m.room.messages", false],
  ["M.Room.*", "m.room.MESSAGE", true],
  ["m.room.*", "m.room.", true],
  ["*", "", true],
  ["", "", true],
  ["", "x", false],
  ["?", "", false],
  ["?", "😀", true],
  ["a?c", "a😀c", true],
  ["a**b***c", "abc", true],
  ["*.example.org", "matrix.example.org", true],
  ["a.c", "abc", false],
  ["[ab]", "a", false],
  ["(a+)+$", "(a+)+$", true],
])("whole: %j on %j is %j", (pattern, text, expected) => {
  expect(matches(pattern, text, "whole")).toBe(expected);
});

test.each<[string, string, boolean]>([
  ["alice", "hello Alice!", true],
  ["alice", "hello malice", false],
  ["alice", "alice_ and alice2", false],
  ["alice", "malice alice", true],
  ["alice", "álice", false],
  ["@room", "hey @room", true],
  ["ali*", "we say alibaba today", true],
  ["ali*e", "alice", true],
  ["a?i", "xali ali", true],
  ["cake", "", false],
  ["", "", false],
  ["", "a cake", false],
  ["ex*ple", "An example event.", true],
  ["exple", "An example event.", false],
  ["exam*", "An example event.", true],
  ["an ev", "an event", false],
  ["lunc?*", "Lunch plans", true],
  ["lunc?*", " lunc", false],
])("words: %j in %j is %j", (pattern, text, expected) => {
  expect(matches(pattern, text, "words")).toBe(expected);
});

test("a literal takes stars as stars", () => {
  expect(matchesGlob(compileLiteral("*Bob*", "words"), "hi *bob*, hi")).toBe(true);
  expect(matchesGlob(compileLiteral("*Bob*", "words"), "hi xbob")).toBe(false);
});

/** The definition itself, with no thought for time. */
function simplyMatches(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === "*") return simplyMatches(rest, text) || (text.length > 0 && simplyMatches(pattern, text.slice(1)));
  return text.length > 0 && (first === "?" || first === text[0]) && simplyMatches(rest, text.slice(1));
}

function simplyContains(pattern: readonly string[], text: readonly string[]): boolean {
  if (pattern.length === 0) return false;
  const isBorder = (index: number) => index < 0 || index >= text.length || !/[a-z0-9_]/u.test(text[index] ?? "");
  for (let start = 0; start <= text.length; start += 1) {
    for (let end = start; end <= text.length; end += 1) {
      if (isBorder(start - 1) && isBorder(end) && simplyMatches(pattern, text.slice(start, end))) return true;
    }
  }
  return false;
}

test("agrees with the definition", () => {
  const pattern = fc.array(fc.constantFrom("a", "b", " ", "*", "?", "é"), { maxLength: 7 });
  const text = fc.array(fc.constantFrom("a", "b", " ", "é", "😀"), { maxLength: 9 });
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      expect([matches(p.join(""), t.join(""), "whole"), matches(p.join(""), t.join(""), "words")]).toEqual([
        simplyMatches(p, t),
        simplyContains(p, t),
      ]);
    }),
    { numRuns: 2_000 },
  );
});

test("the worst patterns on the longest body end soon", () => {
  const text = `${"a".repeat(20_000)}!`;
  const startedAt = performance.now();
  for (const pattern of ["*a".repeat(127), "?*".repeat(127), `${"a".repeat(254)}b`, "*".repeat(255)]) {
    matches(pattern, text, "whole");
    matches(pattern, text, "words");
  }
  matches(`${"a ".repeat(127)}b`, "a ".repeat(30_000), "words");
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(compileGlob("a".repeat(256), "whole")).toBeUndefined();
});
