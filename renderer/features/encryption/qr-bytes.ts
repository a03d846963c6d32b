/**
 * QR codes of raw bytes: the modules to draw, and the bytes that a camera picture holds. Used by QrCode and
 * QrScanner. spec: e2ee, "QR codes": the payload is binary, so text is only its carrier here, one character a byte.
 * Invariant: a picture without a code, or with another kind of code, gives nothing, and never throws.
 */
import { encodeQR } from "qr";
import { decodeQR } from "qr/decode.js";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/** The bytes of a base64 text; undefined where it is none. */
export function bytesOfBase64(base64: string): Uint8Array | undefined {
  try {
    return bytesOf(atob(base64));
  } catch {
    return undefined;
  }
}

export const base64Of = (bytes: Uint8Array): string => btoa(textOf(bytes));

/** Rows of modules, true for dark, with the quiet zone around them; undefined where the bytes are too many. */
export function modulesOf(bytes: Uint8Array): boolean[][] | undefined {
  if (bytes.length === 0) return undefined;
  try {
    return encodeQR(textOf(bytes), "raw", { encoding: "byte", textEncoder: bytesOf, ecc: "low", border: 4 });
  } catch {
    return undefined;
  }
}

/** One SVG path of all dark modules, a unit each. */
export function pathOf(modules: readonly (readonly boolean[])[]): string {
  return modules
    .flatMap((row, y) =>
      [...row.entries()]
        .filter(([x, isDark]) => isDark && row[x - 1] !== true)
        .map(([x]) => {
          let end = x;
          while (row[end] === true) end++;
          return `M${x} ${y}h${end - x}v1H${x}z`;
        }),
    )
    .join("");
}

export type Picture = { width: number; height: number; data: Uint8ClampedArray | Uint8Array };

/** A poor picture is looked at again for this long at most, so that the window stays responsive. */
const RETRIES_MS = 80;

/** The bytes of the first code in the picture. */
export function bytesInPicture(picture: Picture): Uint8Array | undefined {
  try {
    return bytesOf(decodeQR(picture, { textDecoder: textOf, timeLimit: RETRIES_MS }));
  } catch {
    return undefined;
  }
}

const PREFIX = "MATRIX";
const VERSION = 2;
/** Prefix, version, mode, length, two keys, and a secret of at least 8 bytes. */
const MIN_LENGTH = 6 + 1 + 1 + 2 + 32 + 32 + 8;

/** Whether the bytes are a verification code at all; whether it is the right one, the crypto decides. */
export const isVerificationCode = (bytes: Uint8Array): boolean =>
  bytes.length >= MIN_LENGTH && textOf(bytes.subarray(0, PREFIX.length)) === PREFIX && bytes[PREFIX.length] === VERSION;
