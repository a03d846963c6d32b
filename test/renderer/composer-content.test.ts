/**
 * What typed text becomes, and when the room hears that somebody types.
 * Subjects: renderer/features/composer/message-content.ts and typing-reporter.ts, renderer/engine-client/txn-id.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import { MAX_BODY_LENGTH, messageContentSchema } from "../../preload/contract/engine-contract.ts";
import { mintTxnId } from "../../renderer/engine-client/txn-id.ts";
import { findMentions, remainingLength, toContent } from "../../renderer/features/composer/message-content.ts";
import { TYPING_REPEAT_MS, createTypingReporter } from "../../renderer/features/composer/typing-reporter.ts";

test.each([
  ["hello", { msgtype: "m.text", body: "hello" }],
  ["  keeps\r\n  its shape \n", { msgtype: "m.text", body: "  keeps\n  its shape" }],
  ["/me waves", { msgtype: "m.emote", body: "waves" }],
  ["/me", { msgtype: "m.text", body: "/me" }],
  ["/measure", { msgtype: "m.text", body: "/measure" }],
  ["hi @bob:example.org", { msgtype: "m.text", body: "hi @bob:example.org", mentionedUserIds: ["@bob:example.org"] }],
])("%j is sent as %j", (typed, content) => {
  expect(toContent(typed)).toEqual(content);
  expect(v.is(messageContentSchema, toContent(typed))).toBe(true);
});

test.each(["", "   \n", "/me  ", "a".repeat(MAX_BODY_LENGTH + 1), "語".repeat(MAX_BODY_LENGTH)])(
  "nothing to send (%#)",
  (typed) => {
    expect(toContent(typed)).toBeUndefined();
  },
);

test("wide characters fill an event sooner", () => {
  expect(remainingLength("a".repeat(39_000))).toBe(1_000);
  expect(remainingLength("語".repeat(14_900))).toBe(100);
  expect(remainingLength("語".repeat(15_001))).toBeLessThan(0);
});

test.each([
  ["@bob:example.org, @mira:matrix.example:8448.", ["@bob:example.org", "@mira:matrix.example:8448"]],
  ["@bob:example.org @bob:example.org", ["@bob:example.org"]],
  ["@v6:[2001:db8::1]:8448", ["@v6:[2001:db8::1]:8448"]],
  ["mail bob@host:example.org, @bob, @:example.org, @bob:", []],
])("mentions in %j", (text, expected) => {
  expect(findMentions(text)).toEqual(expected);
});

test.each(["@", "@a", "@a:", "@a:b.", "a@b:c", "@a:[", "@a:b:"])("64 KiB of %j takes less than 50 ms", (piece) => {
  const text = piece.repeat(Math.ceil(65_536 / piece.length));
  // The best of five: a busy machine slows some runs, a slow pattern slows all.
  const runsMs = Array.from({ length: 5 }, () => {
    const startedAtMs = performance.now();
    findMentions(text);
    return performance.now() - startedAtMs;
  });
  expect(Math.min(...runsMs)).toBeLessThan(50);
});

test("transaction ids fit the contract and differ", () => {
  expect(mintTxnId()).not.toBe(mintTxnId());
});

test("typing is told at once, every twenty seconds, and ended once", () => {
  const told: string[] = [];
  let nowMs = 0;
  const reporter = createTypingReporter(
    (isTyping) => told.push(`${nowMs} ${isTyping}`),
    () => nowMs,
  );
  reporter.stopped();
  reporter.typed("h");
  nowMs = TYPING_REPEAT_MS - 1;
  reporter.typed("he");
  nowMs = TYPING_REPEAT_MS;
  reporter.typed("hel");
  reporter.typed("");
  reporter.stopped();
  reporter.typed("  ");
  expect(told).toEqual(["0 true", "20000 true", "20000 false"]);
});
