/** What the timeline says of files. Subject: file-view.ts. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { fileSchema } from "../../../preload/contract/views.ts";
import { readFileView } from "../../../main/engine/timeline/file-view.ts";

const url = "mxc://example.org/abc";
const encrypted = {
  v: "v2",
  url,
  key: { kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"], k: "A".repeat(43) },
  iv: "AQIDBAUGBwgAAAAAAAAAAA",
  hashes: { sha256: "A".repeat(43) },
};

test("a received picture, in the clear and encrypted: no key is shown", () => {
  const info = { mimetype: "image/png", size: 5, w: 6, h: 7, thumbnail_file: encrypted };
  const view = readFileView("m.room.message", {
    msgtype: "m.image",
    body: "Nice",
    filename: "a.png",
    file: encrypted,
    info,
  });
  expect(view).toEqual({
    name: "a.png",
    caption: "Nice",
    contentType: "image/png",
    sizeBytes: 5,
    widthPx: 6,
    heightPx: 7,
    hasThumbnail: true,
    isEncrypted: true,
  });
  expect(v.is(fileSchema, view)).toBe(true);
  expect(readFileView("m.room.message", { msgtype: "m.file", body: "x", url })).toEqual({
    name: "x",
    hasThumbnail: false,
    isEncrypted: false,
  });
  expect(readFileView("m.room.message", { msgtype: "m.text", body: "x" })).toBeUndefined();
});

test("a local echo names its uploads; a received message cannot", () => {
  const content = {
    msgtype: "m.image",
    body: "a.png",
    "lattice.upload": "A".repeat(22),
    info: { "lattice.thumbnail_upload": "B".repeat(22) },
  };
  expect(readFileView("m.room.message", content, { isEncryptedRoom: true })).toEqual({
    name: "a.png",
    hasThumbnail: true,
    isEncrypted: true,
    uploadId: "A".repeat(22),
    thumbnailUploadId: "B".repeat(22),
  });
  expect(readFileView("m.room.message", content)).toBeUndefined();
});
