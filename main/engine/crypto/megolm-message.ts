/**
 * The one thing that we read of a Megolm message ourselves: its place in the ratchet, by which a message that is
 * played again is known. Called by decryptor.ts. Invariant: hostile bytes give undefined, never an error.
 * spec: olm, "The Megolm message format": version 3, then tagged values, of which 0x08 is the index as a varint.
 */
const VERSION = 3;
const INDEX_TAG = 0x08;
const MAX_VARINT_BYTES = 5;

/** The message index, 0 to 2^32 - 1; undefined where there is none. */
export function messageIndexOf(ciphertext: string): number | undefined {
  // The index stands first in every message there is: eight bytes are enough, and a long text costs nothing.
  const bytes = Buffer.from(ciphertext.slice(0, 12), "base64");
  if (bytes[0] !== VERSION || bytes[1] !== INDEX_TAG) return undefined;
  let index = 0;
  for (let at = 0; at < MAX_VARINT_BYTES; at += 1) {
    const byte = bytes[2 + at];
    if (byte === undefined) return undefined;
    index += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return index < 2 ** 32 ? index : undefined;
  }
  return undefined;
}
