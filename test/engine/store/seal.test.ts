/**
 * Sealing: what was sealed comes back under the same key and context, and under nothing else.
 */
import { createCipheriv, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { contextOf, seal, unseal, unsealObject } from "../../../main/engine/store/seal.ts";

const key = randomBytes(32);
const context = contextOf("event", "!room:example.org", "$event");

test.each(["", "text", "ünï\u{1f600}\u0000", "x".repeat(100_000)])("gives back what was sealed", (text) => {
  expect(unseal(key, seal(key, text, context), context)).toBe(text);
});

test("no two sealings look alike", () => {
  const sealed = Array.from({ length: 100 }, () => Buffer.from(seal(key, "same", context)).toString("hex"));
  expect(new Set(sealed.map((hex) => hex.slice(0, 24))).size).toBe(100);
  expect(new Set(sealed.map((hex) => hex.slice(-8))).size).toBeGreaterThan(90);
});

test("opens with no other key and in no other place", () => {
  const sealed = seal(key, "text", context);
  expect(unseal(randomBytes(32), sealed, context)).toBeUndefined();
  for (const other of ["", contextOf("event", "!room:example.org", "$other"), contextOf("draft", "!room:example.org")])
    expect(unseal(key, sealed, other)).toBeUndefined();
  // A key of the wrong length is no key either.
  expect(unseal(randomBytes(16), sealed, context)).toBeUndefined();
});

test("ids cannot be cut in two ways that name the same place", () => {
  expect(contextOf("event", "!a $b", "$c")).not.toBe(contextOf("event", "!a", "$b $c"));
  expect(contextOf("event", '!a","$b', "$c")).not.toBe(contextOf("event", "!a", '$b","$c'));
});

test("every flipped byte, every missing end and every addition is noticed", () => {
  const sealed = seal(key, "a text of some length", context);
  for (let at = 0; at < sealed.length; at += 1) {
    const flipped = Uint8Array.from(sealed);
    flipped[at] = (flipped[at] ?? 0) ^ 0x01;
    expect(unseal(key, flipped, context)).toBeUndefined();
    expect(unseal(key, sealed.subarray(0, at), context)).toBeUndefined();
  }
  expect(unseal(key, Buffer.concat([sealed, Buffer.of(0)]), context)).toBeUndefined();
  expect(unseal(key, new Uint8Array(0), context)).toBeUndefined();
});

test("a shortened tag is refused: it would be easier to guess", () => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 4 });
  cipher.setAAD(Buffer.from(context));
  cipher.final();
  expect(unseal(key, Buffer.concat([nonce, cipher.getAuthTag()]), context)).toBeUndefined();
});

test("a column that is no blob has no object in it", () => {
  for (const value of [null, undefined, "text", 7]) expect(unsealObject(key, value, context)).toBeUndefined();
  expect(unsealObject(key, seal(key, '{"a":1}', context), context)).toEqual({ a: 1 });
});
