/**
 * Recovery keys: what is written can be read, by us and by matrix-js-sdk; what has a typing error cannot.
 */
import { pbkdf2Sync } from "node:crypto";
import fc from "fast-check";
import {
  decodeRecoveryKey as decodePeer,
  encodeRecoveryKey as encodePeer,
} from "matrix-js-sdk/lib/crypto-api/recovery-key.js";
import { describe, expect, test } from "vitest";
import {
  decodeRecoveryKey,
  deriveRecoveryKey,
  encodeRecoveryKey,
  makePassphraseInfo,
  makeRecoveryKeyBytes,
  MAX_ITERATIONS,
  MIN_ITERATIONS,
} from "../../../main/engine/crypto/recovery-key.ts";

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("as text", () => {
  test("any key survives, and matrix-js-sdk writes the same text", () => {
    fc.assert(
      fc.property(keys, (key) => {
        const text = encodeRecoveryKey(key);
        expect(text).toBe(encodePeer(key));
        expect(text).toMatch(/^(?:[1-9A-HJ-NP-Za-km-z]{4} ){11}[1-9A-HJ-NP-Za-km-z]{4}$/u);
        expect(decodeRecoveryKey(text)).toEqual(new Uint8Array(key));
        expect(decodePeer(text)).toEqual(new Uint8Array(key));
      }),
    );
  });

  test("white space of any kind, or none, makes no difference", () => {
    const key = makeRecoveryKeyBytes();
    const text = encodeRecoveryKey(key);
    for (const typed of [text.replaceAll(" ", ""), ` ${text}\n`, text.replaceAll(" ", "\t\u00a0 ")]) {
      expect(decodeRecoveryKey(typed)).toEqual(new Uint8Array(key));
    }
  });

  test("one wrong digit is noticed", () => {
    fc.assert(
      fc.property(keys, fc.nat(47), fc.nat(56), (key, position, shift) => {
        const digits = encodeRecoveryKey(key).replaceAll(" ", "");
        const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        const wrong = alphabet.charAt((alphabet.indexOf(digits.charAt(position)) + 1 + shift) % 58);
        const typed = digits.slice(0, position) + wrong + digits.slice(position + 1);
        // One byte of parity lets one error in 256 through: then it is another key, which the storage refuses.
        expect(decodeRecoveryKey(typed)).not.toEqual(new Uint8Array(key));
        if (position < 2) expect(decodeRecoveryKey(typed)).toBeUndefined();
      }),
    );
  });

  test("what is no recovery key is none, however long and strange it is", () => {
    const text = encodeRecoveryKey(makeRecoveryKeyBytes());
    const strange = [
      "",
      " ",
      "0",
      "Il0O",
      text.slice(1),
      `${text}1`,
      `1${text}`,
      "1".repeat(48),
      "z".repeat(48),
      "z".repeat(1_000_000),
      "correct horse",
      "\u0000",
      "😀".repeat(35),
    ];
    for (const typed of strange) expect(decodeRecoveryKey(typed)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (typed) => decodeRecoveryKey(typed) === undefined));
  });
});

describe("from a passphrase", () => {
  test("is PBKDF2 with HMAC-SHA-512", async () => {
    const info = { salt: "salt", iterations: MIN_ITERATIONS, bits: 256 };
    const expected = pbkdf2Sync("correct horse ☃", "salt", MIN_ITERATIONS, 32, "sha512");
    expect(Buffer.from(await deriveRecoveryKey("correct horse ☃", info))).toEqual(expected);
  });

  test("new salts differ, and the count of iterations is that of other clients", () => {
    expect(makePassphraseInfo().salt).not.toBe(makePassphraseInfo().salt);
    expect(makePassphraseInfo()).toMatchObject({ iterations: 500_000, bits: 256 });
  });

  test.each([0, 1, -1, 1.5, NaN, Infinity, MIN_ITERATIONS - 1, MAX_ITERATIONS + 1, 2 ** 32 - 1, 2 ** 53])(
    "%d iterations are refused before any work is done",
    async (iterations) => {
      await expect(deriveRecoveryKey("x", { salt: "s", iterations, bits: 256 })).rejects.toMatchObject({
        code: "rejected",
      });
    },
  );

  test.each([
    { salt: "", bits: 256 },
    { salt: "s", bits: 8 },
    { salt: "s", bits: 512 },
    { salt: "s", bits: 0 },
  ])("parameters that make another key are refused: %o", async (parameters) => {
    await expect(deriveRecoveryKey("x", { iterations: MIN_ITERATIONS, ...parameters })).rejects.toMatchObject({
      code: "rejected",
    });
  });
});
