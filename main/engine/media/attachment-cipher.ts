/**
 * Encryption of attachments: AES-256-CTR, with the SHA-256 of the ciphertext beside it. Used by uploads (encrypting)
 * and by whoever reads a file (decrypting from any place in it).
 * Invariants: a key serves one file, ever; CTR proves nothing, so callers compare the hash before they use one
 * decrypted byte. spec: client-server, "Sending encrypted attachments".
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

export type AttachmentKey = {
  /** 32 bytes. */
  key: Uint8Array;
  /** 16 bytes: random above, a counter from 0 in the lower 8. */
  iv: Uint8Array;
};

const ALGORITHM = "aes-256-ctr";
const BLOCK_BYTES = 16;
const IV_RANDOM_BYTES = 8;

/** A fresh key and IV. The counter starts at 0, so that no client's 64-bit counter can overflow. */
export function createAttachmentKey(): AttachmentKey {
  const iv = new Uint8Array(BLOCK_BYTES);
  iv.set(randomBytes(IV_RANDOM_BYTES));
  return { key: new Uint8Array(randomBytes(32)), iv };
}

/** Encrypts a file piece by piece. */
export function openAttachmentEncryptor({ key, iv }: AttachmentKey) {
  const cipher = createCipheriv(ALGORITHM, key, iv);
  const hash = createHash("sha256");
  return {
    /** The ciphertext of the next piece. */
    update(bytes: Uint8Array): Uint8Array {
      const encrypted = cipher.update(bytes);
      hash.update(encrypted);
      return encrypted;
    },
    /** The SHA-256 of all ciphertext. */
    finish: (): Uint8Array => new Uint8Array(hash.digest()),
  };
}

/** Decrypts what stands from `offset` on in the file, piece by piece; the pieces must follow each other. */
export function openAttachmentDecryptor({ key, iv }: AttachmentKey, offset: number) {
  const decipher = createDecipheriv(ALGORITHM, key, counterAt(iv, Math.floor(offset / BLOCK_BYTES)));
  // The key stream begins with the block: what belongs to bytes before the offset is thrown away.
  decipher.update(new Uint8Array(offset % BLOCK_BYTES));
  return { update: (bytes: Uint8Array): Uint8Array => decipher.update(bytes) };
}

/** The counter is 128 bits wide, as in the Rust SDK; it matters only for an IV that another client let start high. */
function counterAt(iv: Uint8Array, blocks: number): Uint8Array {
  const counter = (BigInt(`0x${Buffer.from(iv).toString("hex")}`) + BigInt(blocks)) % (1n << 128n);
  return Buffer.from(counter.toString(16).padStart(BLOCK_BYTES * 2, "0"), "hex");
}
