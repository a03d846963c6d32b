/**
 * Encrypted attachments, written from the specification alone: the other opinion on what our engine sends and reads.
 * Called by peer-process.ts. Invariant: nothing is decrypted before its hash is verified.
 * spec: client-server, "Sending encrypted attachments".
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from "node:crypto";
import * as v from "valibot";

const CIPHER = "aes-256-ctr";
const KEY_BYTES = 32;
/** Half of the counter block is random; the other half counts, from 0. */
const NONCE_BYTES = 8;
const COUNTER_BYTES = 8;

const unpadded = (length: number) => v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/u), bytesOf("base64", length));
const unpaddedUrl = (length: number) => v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*$/u), bytesOf("base64url", length));

function bytesOf(encoding: "base64" | "base64url", length: number) {
  return v.pipe(
    v.string(),
    v.transform((text) => Buffer.from(text, encoding)),
    v.check((bytes) => bytes.length === length, `not ${length} bytes`),
  );
}

/** An `EncryptedFile`, as far as it matters for decrypting. */
const encryptedFileSchema = v.object({
  url: v.pipe(v.string(), v.startsWith("mxc://")),
  v: v.literal("v2"),
  key: v.object({
    kty: v.literal("oct"),
    alg: v.literal("A256CTR"),
    ext: v.literal(true),
    key_ops: v.pipe(
      v.array(v.string()),
      v.check((operations) => operations.includes("encrypt") && operations.includes("decrypt")),
    ),
    k: unpaddedUrl(KEY_BYTES),
  }),
  iv: unpadded(NONCE_BYTES + COUNTER_BYTES),
  hashes: v.object({ sha256: unpadded(32) }),
});

/** What the `file` of an event must say, the address apart. */
export type AttachmentSecrets = Omit<v.InferInput<typeof encryptedFileSchema>, "url">;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/u, "");

/** Encrypts with a fresh key and counter. */
export function encryptAttachment(bytes: Uint8Array): { ciphertext: Uint8Array; secrets: AttachmentSecrets } {
  const key = randomBytes(KEY_BYTES);
  const iv = Buffer.concat([randomBytes(NONCE_BYTES), Buffer.alloc(COUNTER_BYTES)]);
  const cipher = createCipheriv(CIPHER, key, iv);
  const ciphertext = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return {
    ciphertext,
    secrets: {
      v: "v2",
      key: { kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"], k: key.toString("base64url") },
      iv: base64(iv),
      hashes: { sha256: base64(createHash("sha256").update(ciphertext).digest()) },
    },
  };
}

/** Where the ciphertext of an event's `file` is; throws where it is not an encrypted file. */
export const attachmentUrl = (file: unknown): string => v.parse(encryptedFileSchema, file).url;

/** Verifies and decrypts; throws where the `file` is malformed or the hash does not fit. */
export function decryptAttachment(ciphertext: Uint8Array, file: unknown): Uint8Array {
  const { key, iv, hashes } = v.parse(encryptedFileSchema, file);
  if (!timingSafeEqual(createHash("sha256").update(ciphertext).digest(), hashes.sha256)) {
    throw new Error("the hash of the attachment does not fit");
  }
  const decipher = createDecipheriv(CIPHER, key.k, iv);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
