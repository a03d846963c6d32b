/**
 * Sealing of small secrets (tokens) with the profile key: AES-256-GCM, a fresh nonce each time.
 * Called by table account. Invariant: what fails its tag is `undefined`, never a guess.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** nonce ‖ tag ‖ ciphertext */
export function seal(profileKey: Uint8Array, text: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", profileKey, nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

export function unseal(profileKey: Uint8Array, sealed: Uint8Array): string | undefined {
  try {
    const decipher = createDecipheriv("aes-256-gcm", profileKey, sealed.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
      "utf8",
    );
  } catch {
    return undefined;
  }
}
