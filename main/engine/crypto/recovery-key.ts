/**
 * Recovery keys: 32 random bytes as people write them down, or the same bytes derived from a passphrase.
 * Used by secret-storage.ts and recovery.ts. Invariants: a text with a typing error is never read as a key; the
 * number of iterations comes from the server and is bounded both ways before anything is derived.
 * spec: appendices, "Cryptographic key representation"; client-server, "Deriving keys from passphrases".
 */
import { pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { EngineError } from "../base/errors.ts";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const PREFIX = [0x8b, 0x01] as const;
const KEY_BYTES = 32;
/** Of the prefix, the key and the parity byte. */
const ENCODED_BYTES = PREFIX.length + KEY_BYTES + 1;
/** 35 bytes make 48 digits; nothing longer is worth a look, and the work grows with the square of the length. */
const MAX_DIGITS = 48;

const PASSPHRASE_ITERATIONS = 500_000;
/**
 * Fewer, and a server that lowered the number could try out passphrases on the secrets that we lock next: the
 * derived key is used to store as well as to read. Clients write 100,000 and more.
 */
export const MIN_ITERATIONS = 10_000;
/** More would keep a core busy for many seconds: nobody writes this but to do harm. */
export const MAX_ITERATIONS = 10_000_000;

export type PassphraseInfo = { salt: string; iterations: number; bits: number };

export const makeRecoveryKeyBytes = (): Uint8Array => randomBytes(KEY_BYTES);

/** The key in groups of four digits. */
export function encodeRecoveryKey(key: Uint8Array): string {
  if (key.length !== KEY_BYTES) throw new Error("a recovery key has 32 bytes");
  const bytes = Uint8Array.of(...PREFIX, ...key, 0);
  bytes[bytes.length - 1] = parityOf(bytes);
  return encodeBase58(bytes).replace(/.{4}(?=.)/gu, "$& ");
}

/** The key that the text stands for, white space aside; undefined where it is none, or has a typing error. */
export function decodeRecoveryKey(text: string): Uint8Array | undefined {
  if (text.length > MAX_DIGITS * 4) return undefined;
  const bytes = decodeBase58(text.replace(/\s/gu, ""));
  if (bytes?.length !== ENCODED_BYTES || parityOf(bytes) !== 0) return undefined;
  if (PREFIX.some((byte, index) => bytes[index] !== byte)) return undefined;
  return bytes.slice(PREFIX.length, PREFIX.length + KEY_BYTES);
}

export const makePassphraseInfo = (): PassphraseInfo => ({
  salt: randomBytes(24).toString("base64url"),
  iterations: PASSPHRASE_ITERATIONS,
  bits: KEY_BYTES * 8,
});

const derive = promisify(pbkdf2);

/** Runs beside the event loop, for some tenths of a second. Throws `rejected` where the parameters are not sane. */
export async function deriveRecoveryKey(passphrase: string, info: PassphraseInfo): Promise<Uint8Array> {
  if (!Number.isInteger(info.iterations) || info.iterations < MIN_ITERATIONS || info.iterations > MAX_ITERATIONS) {
    throw new EngineError(
      "rejected",
      "The passphrase of this account is set up in a way that is not safe to use. Use the recovery key instead.",
    );
  }
  if (info.bits !== KEY_BYTES * 8 || info.salt === "") {
    throw new EngineError(
      "rejected",
      "The passphrase of this account is set up in an unknown way. Use the recovery key.",
    );
  }
  return derive(passphrase, info.salt, info.iterations, KEY_BYTES, "sha512");
}

/** All bytes of an encoded key, the parity byte with them, XOR to 0. */
const parityOf = (bytes: Uint8Array): number => bytes.reduce((parity, byte) => parity ^ byte, 0);

function encodeBase58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let digits = "";
  for (; value > 0n; value /= 58n) digits = `${ALPHABET.charAt(Number(value % 58n))}${digits}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return ALPHABET.charAt(0).repeat(Math.max(0, zeros)) + digits;
}

function decodeBase58(digits: string): Uint8Array | undefined {
  if (digits === "" || digits.length > MAX_DIGITS) return undefined;
  let value = 0n;
  for (const digit of digits) {
    const position = ALPHABET.indexOf(digit);
    if (position < 0) return undefined;
    value = value * 58n + BigInt(position);
  }
  const hex = value.toString(16);
  const zeros = digits.length - digits.replace(/^1+/u, "").length;
  return Uint8Array.of(...new Uint8Array(zeros), ...Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}
