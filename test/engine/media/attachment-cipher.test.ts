/**
 * Attachments as others encrypt and decrypt them: the Rust SDK's wasm and WebCrypto on the other side, in any pieces
 * and from any place. Subject: attachment-cipher.ts.
 */
import { Attachment, EncryptedAttachment, initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import {
  createAttachmentKey,
  openAttachmentDecryptor,
  openAttachmentEncryptor,
  type AttachmentKey,
} from "../../../main/engine/media/attachment-cipher.ts";
import { parseEncryptedFile, toEncryptedFileJson } from "../../../main/engine/matrix/file-content.ts";
import type { MxcUri } from "../../../main/engine/matrix/ids.ts";

const mxc = "mxc://example.org/abc" as MxcUri;
const anyBytes = fc.uint8Array({ maxLength: 3_000 });
const anyCuts = fc.array(fc.nat(3_000), { maxLength: 8 });

beforeAll(() => initAsync());

function encrypt(key: AttachmentKey, clear: Uint8Array, cuts: readonly number[] = []) {
  const encryptor = openAttachmentEncryptor(key);
  const places = [0, ...cuts.filter((cut) => cut <= clear.length).toSorted((a, b) => a - b), clear.length];
  const pieces = places.slice(1).map((end, index) => encryptor.update(clear.subarray(places[index], end)));
  return { encrypted: Buffer.concat(pieces), sha256: encryptor.finish() };
}

test("what we encrypt, the Rust SDK decrypts, however it was cut", () => {
  fc.assert(
    fc.property(anyBytes, anyCuts, (clear, cuts) => {
      const key = createAttachmentKey();
      const { encrypted, sha256 } = encrypt(key, clear, cuts);
      const info = JSON.stringify(toEncryptedFileJson({ mxc, ...key, sha256 }));
      expect(Buffer.from(Attachment.decrypt(new EncryptedAttachment(encrypted, info)))).toEqual(Buffer.from(clear));
    }),
    { numRuns: 100 },
  );
});

test("what the Rust SDK encrypts, we decrypt from any place on", () => {
  fc.assert(
    fc.property(anyBytes, fc.nat(3_000), (clear, place) => {
      const attachment = Attachment.encrypt(clear);
      const described = JSON.parse(attachment.mediaEncryptionInfo ?? "") as Record<string, unknown>;
      const file = parseEncryptedFile({ ...described, url: mxc });
      const { encryptedData } = attachment;
      if (!file) throw new Error("what the Rust SDK says is not understood");
      expect(createHash("sha256").update(encryptedData).digest()).toEqual(Buffer.from(file.sha256));
      const offset = Math.min(place, clear.length);
      expect(Buffer.from(openAttachmentDecryptor(file, offset).update(encryptedData.subarray(offset)))).toEqual(
        Buffer.from(clear.subarray(offset)),
      );
    }),
    { numRuns: 100 },
  );
});

test("WebCrypto with its 64-bit counter reads the same", async () => {
  await fc.assert(
    fc.asyncProperty(anyBytes, async (clear) => {
      const key = createAttachmentKey();
      const { encrypted } = encrypt(key, clear);
      const webKey = await crypto.subtle.importKey("raw", new Uint8Array(key.key), "AES-CTR", false, ["decrypt"]);
      const decrypted = await crypto.subtle.decrypt(
        { name: "AES-CTR", counter: new Uint8Array(key.iv), length: 64 },
        webKey,
        encrypted,
      );
      expect(Buffer.from(decrypted)).toEqual(Buffer.from(clear));
    }),
    { numRuns: 50 },
  );
});

test("a part reads as in the whole, also where the counter runs over", () => {
  const ivs = fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.constantFrom(
      new Uint8Array(16).fill(255),
      Uint8Array.from({ length: 16 }, (_, index) => (index < 8 ? 7 : 255)),
    ),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      ivs,
      anyBytes,
      fc.nat(3_000),
      (key, iv, data, place) => {
        const whole = openAttachmentDecryptor({ key, iv }, 0).update(data);
        const offset = Math.min(place, data.length);
        expect(openAttachmentDecryptor({ key, iv }, offset).update(data.subarray(offset))).toEqual(
          whole.subarray(offset),
        );
      },
    ),
  );
});

test("the counter goes on correctly beyond 4 GiB", () => {
  const key = createAttachmentKey();
  const offset = 5 * 2 ** 30 + 3;
  const iv = Buffer.from(key.iv);
  iv.writeBigUInt64BE(BigInt(Math.floor(offset / 16)), 8);
  const data = new Uint8Array(100).fill(9);
  expect(openAttachmentDecryptor(key, offset).update(data.subarray(3))).toEqual(
    openAttachmentDecryptor({ key: key.key, iv }, 0).update(data).subarray(3),
  );
});

test("100,000 keys and as many IVs, no two alike, each with a counter that starts at 0", () => {
  const keys = new Set<string>();
  const ivs = new Set<string>();
  for (let index = 0; index < 100_000; index += 1) {
    const { key, iv } = createAttachmentKey();
    keys.add(Buffer.from(key).toString("base64"));
    ivs.add(Buffer.from(iv).toString("base64"));
    if (key.length !== 32 || iv.length !== 16 || iv.subarray(8).some((byte) => byte !== 0)) throw new Error("bad key");
  }
  expect([keys.size, ivs.size]).toEqual([100_000, 100_000]);
});
