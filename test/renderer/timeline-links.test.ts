/**
 * What becomes a link and what never does, what counts as emoji only, and that no text of a stranger can make
 * either slow. Subject: renderer/features/timeline/find-links.ts.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { findLinks, isEmojiOnly, openableUrl } from "../../renderer/features/timeline/find-links.ts";

const links = (text: string) => findLinks(text).flatMap((part) => (part.kind === "link" ? [part.text] : []));

test.each([
  ["see https://example.org/hut.", ["https://example.org/hut"]],
  ["(https://example.org/a_(b))", ["https://example.org/a_(b)"]],
  ["HTTP://Example.org/x, and mailto:bob@example.org!", ["HTTP://Example.org/x", "mailto:bob@example.org"]],
  ["<https://example.org/?q=a&b=c#d>", ["https://example.org/?q=a&b=c#d"]],
  ["https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]],
  ["日本語https://example.org", []],
  ["javascript:alert(1) file:///etc/passwd data:text/html,x ftp://x.example", []],
  ["https:// http://: mailto: mailto:nobody xhttp://example.org", []],
  ["https://bank.example@evil.example/", []],
  [`https://example.org/${"a".repeat(3_000)}`, []],
])("%j", (text, expected) => {
  expect(links(text)).toEqual(expected);
});

test("characters that turn the direction of text end a link", () => {
  expect(links("https://example.org/\u202egpj.exe")).toEqual(["https://example.org/"]);
});

test("a link leads to the normal form, with the host as it is asked for", () => {
  expect(openableUrl("https://EXAMPLE.org")).toBe("https://example.org/");
  expect(openableUrl("https://аpple.com/")).toBe("https://xn--pple-43d.com/");
});

test("the parts put together are the text", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("https://", "mailto:", "a@b.c", "example.org", ")", "(", ".", " ", "\u202e"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join("");
      expect(
        findLinks(text)
          .map((part) => part.text)
          .join(""),
      ).toBe(text);
    }),
  );
});

test.each([
  ["👍", true],
  ["👩‍👩‍👧‍👦 🏳️‍🌈\n🇫🇷", true],
  ["❤️❤️❤️❤️❤️❤️❤️❤️", true],
  ["❤️".repeat(9), false],
  ["ok 👍", false],
  ["12", false],
  ["   ", false],
  ["", false],
])("emoji only: %j is %s", (text, expected) => {
  expect(isEmojiOnly(text)).toBe(expected);
});

const SIZE = 64 * 1_024;
const fill = (piece: string) => piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE);

test.each([
  ["one endless address", `https://${fill("a")}`],
  ["nothing but schemes", fill("https://")],
  ["many short addresses", fill("http://a ")],
  ["brackets", `https://a.example/${fill(")")}`],
  ["open brackets", `https://a.example/${fill("(")}`],
  ["mail", fill("mailto:a@")],
  ["colons", fill(":")],
  ["spaces", fill(" ")],
  ["joined emoji", fill("👩‍")],
])("64 KiB of %s takes less than 50 ms", (_name, text) => {
  // The best of five: a busy machine slows some runs, a slow pattern slows all.
  const runsMs = Array.from({ length: 5 }, () => {
    const startedAtMs = performance.now();
    findLinks(text);
    isEmojiOnly(text);
    return performance.now() - startedAtMs;
  });
  expect(Math.min(...runsMs)).toBeLessThan(50);
});
