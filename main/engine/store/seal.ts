/**
 * Sealing of what must not be read from the file (tokens, decrypted content, drafts) with the profile key:
 * AES-256-GCM, a fresh nonce each time. Called by the tables. Invariants: what fails its tag is `undefined`, never
 * a guess; a value opens only in the place that it was sealed for.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from "node:crypto";
import type { JsonObject } from "../matrix/json.ts";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Without it a cut-off tag would be compared as far as it goes. */
const OPTIONS = { authTagLength: TAG_BYTES };

/** Preparing a key takes three times as long as opening a preview with it, and a list has thousands. */
const prepared = new WeakMap<Uint8Array, KeyObject>();
function prepare(profileKey: Uint8Array): KeyObject {
  const known = prepared.get(profileKey);
  if (known) return known;
  const key = createSecretKey(profileKey);
  prepared.set(profileKey, key);
  return key;
}

/** Names the one place that a sealed value belongs to: its table and its row. */
export const contextOf = (table: string, ...row: readonly string[]): string => JSON.stringify([table, ...row]);

/** nonce ‖ tag ‖ ciphertext. `context` is authenticated with it: the value opens under no other. */
export function seal(profileKey: Uint8Array, text: string, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, prepare(profileKey), nonce, OPTIONS);
  cipher.setAAD(Buffer.from(context, "utf8"));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Undefined where the key, the context or the bytes are not those of the sealing. */
export function unseal(profileKey: Uint8Array, sealed: Uint8Array, context: string): string | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(ALGORITHM, prepare(profileKey), sealed.subarray(0, NONCE_BYTES), OPTIONS);
    decipher.setAAD(Buffer.from(context, "utf8"));
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
    decipher.final();
    return text.toString("utf8");
  } catch {
    return undefined;
  }
}

/** A sealed JSON object as a column gives it; undefined where there is none, or where it does not open. */
export function unsealObject(profileKey: Uint8Array, sealed: unknown, context: string): JsonObject | undefined {
  const text = sealed instanceof Uint8Array ? unseal(profileKey, sealed, context) : undefined;
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}
