/** That the peers' attachment encryption is the specification's, and takes nothing that was touched. */
import { createDecipheriv, createHash } from "node:crypto";
import { expect, test } from "vitest";
import { attachmentUrl, decryptAttachment, encryptAttachment } from "./attachment.ts";

const plain = new TextEncoder().encode("a picture, or so ".repeat(100));

function encrypted() {
  const { ciphertext, secrets } = encryptAttachment(plain);
  return { ciphertext, file: { url: "mxc://example.org/abc", ...secrets } };
}

test("what is encrypted decrypts by hand, with the upper half of the counter random and the lower half 0", () => {
  const { ciphertext, file } = encrypted();
  const iv = Buffer.from(file.iv, "base64");
  const decipher = createDecipheriv("aes-256-ctr", Buffer.from(file.key.k, "base64url"), iv);
  expect(Buffer.concat([decipher.update(ciphertext), decipher.final()])).toEqual(Buffer.from(plain));
  expect([...iv.subarray(8)]).toEqual(Array.from({ length: 8 }, () => 0));
  const hash = createHash("sha256").update(ciphertext).digest("base64");
  expect(file.hashes.sha256).toBe(hash.replace(/=+$/u, ""));
  expect(file.key.k).toMatch(/^[\w-]{43}$/u);
});

test("it comes back; two of the same have different keys and ciphertexts", () => {
  const [first, second] = [encrypted(), encrypted()];
  expect(Buffer.from(decryptAttachment(first.ciphertext, first.file))).toEqual(Buffer.from(plain));
  expect(attachmentUrl(first.file)).toBe("mxc://example.org/abc");
  expect(first.file.key.k).not.toBe(second.file.key.k);
  expect(first.file.iv).not.toBe(second.file.iv);
  expect(first.ciphertext).not.toEqual(second.ciphertext);
});

test("a touched byte, a cut end or another file's hash is refused", () => {
  const { ciphertext, file } = encrypted();
  const touched = Uint8Array.from(ciphertext, (byte, index) => (index === 7 ? byte ^ 1 : byte));
  for (const wrong of [touched, ciphertext.subarray(0, -1), new Uint8Array(0)]) {
    expect(() => decryptAttachment(wrong, file)).toThrow("hash");
  }
  expect(() => decryptAttachment(ciphertext, { ...file, hashes: encrypted().file.hashes })).toThrow("hash");
});

test.each([
  ["no file", undefined],
  ["a text", "mxc://example.org/abc"],
  ["another version", { ...encrypted().file, v: "v1" }],
  ["no hash", { ...encrypted().file, hashes: {} }],
  ["another algorithm", { ...encrypted().file, key: { ...encrypted().file.key, alg: "A128CTR" } }],
  ["a short key", { ...encrypted().file, key: { ...encrypted().file.key, k: "AAAA" } }],
  ["a short counter", { ...encrypted().file, iv: "AAAA" }],
  ["a web address", { ...encrypted().file, url: "https://example.org/abc" }],
  ["a null", null],
])("%s is not an encrypted file", (_, file) => {
  expect(() => decryptAttachment(new Uint8Array(3), file)).toThrow();
  expect(() => attachmentUrl(file)).toThrow();
});
