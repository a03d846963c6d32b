/** That only a file described exactly as the specification says is one, and that its name deceives nobody. Subject: file-content.ts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cleanFileName,
  parseEncryptedFile,
  readFileContent,
  toEncryptedFileJson,
} from "../../../main/engine/matrix/file-content.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";

const K = "A".repeat(43);
const good = {
  v: "v2",
  url: "mxc://example.org/abc",
  key: { kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"], k: K },
  iv: "AQIDBAUGBwgAAAAAAAAAAA",
  hashes: { sha256: K },
};
const MESSAGE = "m.room.message";
const image = (more: JsonObject): JsonObject => ({ msgtype: "m.image", body: "a.png", ...more });

test("a description of an encrypted file, there and back", () => {
  const file = parseEncryptedFile(good);
  expect(file?.key).toHaveLength(32);
  expect(Buffer.from(file?.iv ?? []).toString("hex")).toBe("01020304050607080000000000000000");
  expect(file && toEncryptedFileJson(file)).toEqual(good);
});

test("padding and more words than needed do no harm", () => {
  const padded = {
    ...good,
    iv: `${good.iv}==`,
    hashes: { sha256: `${K}=`, sha512: "x" },
    key: { ...good.key, key_ops: ["decrypt", "encrypt", "wrapKey"] },
    mimetype: "image/png",
  };
  expect(parseEncryptedFile(padded)).toEqual(parseEncryptedFile(good));
});

test.each<[string, unknown]>([
  ["version 1", { ...good, v: "v1" }],
  ["no version", { ...good, v: undefined }],
  ["another version", { ...good, v: "v3" }],
  ["no address", { ...good, url: undefined }],
  ["a web address", { ...good, url: "https://example.org/abc" }],
  ["an address that climbs", { ...good, url: "mxc://example.org/../../v3/account/whoami" }],
  ["no key", { ...good, key: undefined }],
  ["a key of 31 bytes", { ...good, key: { ...good.key, k: "A".repeat(42) } }],
  ["a key of 33 bytes", { ...good, key: { ...good.key, k: "A".repeat(44) } }],
  ["a key in the other alphabet", { ...good, key: { ...good.key, k: `+/${"A".repeat(41)}` } }],
  ["an endless key", { ...good, key: { ...good.key, k: "A".repeat(60_000) } }],
  ["another algorithm", { ...good, key: { ...good.key, alg: "A128CTR" } }],
  ["no algorithm", { ...good, key: { ...good.key, alg: undefined } }],
  ["another kind of key", { ...good, key: { ...good.key, kty: "RSA" } }],
  ["a key that is not extractable", { ...good, key: { ...good.key, ext: false } }],
  ["a key that may not decrypt", { ...good, key: { ...good.key, key_ops: ["encrypt"] } }],
  ["a key for nothing", { ...good, key: { ...good.key, key_ops: "decrypt" } }],
  ["no iv", { ...good, iv: undefined }],
  ["an iv of 8 bytes", { ...good, iv: "AQIDBAUGBwg" }],
  ["an iv of 15 bytes", { ...good, iv: "A".repeat(20) }],
  ["an iv of blanks", { ...good, iv: " ".repeat(22) }],
  ["an iv that is a list", { ...good, iv: [1, 2, 3] }],
  ["no hashes", { ...good, hashes: undefined }],
  ["only another hash", { ...good, hashes: { md5: K } }],
  ["a short hash", { ...good, hashes: { sha256: "A".repeat(42) } }],
  ["an empty hash", { ...good, hashes: { sha256: "" } }],
  ["null", null],
  ["a list", [good]],
  ["text", JSON.stringify(good)],
])("%s is no encrypted file", (_what, raw) => {
  expect(parseEncryptedFile(raw)).toBeUndefined();
  // And no way around it to a file in the clear.
  expect(readFileContent(MESSAGE, image({ file: raw as JsonObject, url: "mxc://evil.example/x" }))).toBeUndefined();
});

test("what stands on a prototype is not there", () => {
  const raw = JSON.parse(`{"__proto__": ${JSON.stringify(good)}}`) as unknown;
  expect(parseEncryptedFile(raw)).toBeUndefined();
});

test("no JSON makes it throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("file", "url", "info", "body", "filename"), (value, key) => {
      parseEncryptedFile(value);
      readFileContent(MESSAGE, image({ url: "mxc://example.org/a", [key]: value as JsonObject }));
    }),
  );
});

test("a picture with its caption, its figures and a thumbnail", () => {
  const content = image({
    body: "Look!",
    filename: "C:\\fakepath\\holi\u202egnp.day.png",
    file: good,
    info: {
      mimetype: "Image/PNG; x=y",
      size: 12.9,
      w: 1e9,
      h: -4,
      duration: "long",
      thumbnail_url: "mxc://example.org/t",
      thumbnail_info: { mimetype: "image/webp", w: 10, h: 20, size: 3 },
    },
  });
  expect(readFileContent(MESSAGE, content)).toEqual({
    source: { at: "server-encrypted", file: parseEncryptedFile(good) },
    name: "holignp.day.png",
    caption: "Look!",
    contentType: "image/png",
    sizeBytes: 12,
    widthPx: 100_000,
    heightPx: undefined,
    durationMs: undefined,
    thumbnail: {
      source: { at: "server", mxc: "mxc://example.org/t" },
      contentType: "image/webp",
      sizeBytes: 3,
      widthPx: 10,
      heightPx: 20,
    },
  });
});

test("who has no file, has none", () => {
  const url = "mxc://example.org/a";
  expect(readFileContent(MESSAGE, { msgtype: "m.text", body: "x", url })).toBeUndefined();
  expect(readFileContent("m.room.avatar", { url })).toBeUndefined();
  expect(readFileContent(MESSAGE, image({}))).toBeUndefined();
  expect(readFileContent(MESSAGE, image({ url: "mxc://" }))).toBeUndefined();
  expect(readFileContent("m.sticker", { body: "wave", url })?.name).toBe("wave");
  expect(readFileContent(MESSAGE, { msgtype: "m.file", body: "", url })).toMatchObject({
    name: "file",
    caption: undefined,
  });
});

test("only our own pending message names an upload", () => {
  const content = image({ "lattice.upload": "A".repeat(22), info: { "lattice.thumbnail_upload": "B".repeat(22) } });
  expect(readFileContent(MESSAGE, content)).toBeUndefined();
  expect(readFileContent(MESSAGE, content, { isPending: true })).toMatchObject({
    source: { at: "upload", uploadId: "A".repeat(22) },
    thumbnail: { source: { at: "upload", uploadId: "B".repeat(22) } },
  });
  expect(
    readFileContent(MESSAGE, image({ "lattice.upload": "../../account.db" }), { isPending: true }),
  ).toBeUndefined();
});

test("a file's name is the last part of its path, on one line, with its ending", () => {
  expect(cleanFileName("/etc/../passwd")).toBe("passwd");
  expect(cleanFileName("..\\..\\evil.exe")).toBe("evil.exe");
  expect(cleanFileName("a\nb\u0000c.txt")).toBe("a b c.txt");
  expect(cleanFileName("photo/")).toBe("photo");
  for (const nothing of [undefined, "", "..", ".", "/", "  ", "\u200b\u202e", "a/.."]) {
    expect(cleanFileName(nothing)).toBeUndefined();
  }
  const long = cleanFileName(`${"x".repeat(9_000)}.tar.gz`);
  expect(long).toHaveLength(255);
  expect(long?.endsWith(".gz")).toBe(true);
});
