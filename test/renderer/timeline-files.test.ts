/**
 * Files of messages: words for them, what of them is shown, and how large. What a sender claims is never trusted.
 * Subjects: renderer/features/timeline/{describe-file,file-kind,file-ref,picture-box}.ts, renderer/text/format.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import { eventIdSchema, roomIdSchema, uploadIdSchema, userIdSchema } from "../../preload/contract/ids.ts";
import type { FileView } from "../../preload/contract/views.ts";
import { shortName } from "../../renderer/features/timeline/describe-file.ts";
import { isShownAtOnce, kindOfFile } from "../../renderer/features/timeline/file-kind.ts";
import { fileRefOf } from "../../renderer/features/timeline/file-ref.ts";
import type { MessageItem } from "../../renderer/features/timeline/group-items.ts";
import { pictureBox } from "../../renderer/features/timeline/picture-box.ts";
import { formatSize } from "../../renderer/text/format.ts";

test.each([
  [undefined, ""],
  [Number.NaN, ""],
  [-1, ""],
  [Number.POSITIVE_INFINITY, ""],
  [1e300, ""],
  [0, "0 bytes"],
  [999.4, "999 bytes"],
  [1_000, "1 kB"],
  [999_600, "1 MB"],
  [2_412_000, "2.4 MB"],
])("a size of %s bytes", (sizeBytes, expected) => {
  expect(formatSize(sizeBytes)).toBe(expected);
});

test("a long name shows its ending, and no half of a character", () => {
  expect(shortName("a.txt")).toBe("a.txt");
  const short = shortName(`${"🎉".repeat(5_000)}invoice.pdf.exe`);
  expect(Array.from(short)).toHaveLength(80);
  expect(short.endsWith("invoice.pdf.exe")).toBe(true);
  expect(short.isWellFormed()).toBe(true);
});

const file = (parts: Partial<FileView> = {}): FileView => ({
  name: "a",
  hasThumbnail: false,
  isEncrypted: true,
  ...parts,
});
const message = (parts: Partial<FileView>, eventId?: string): MessageItem => ({
  kind: "message",
  key: "k",
  ...(eventId === undefined ? {} : { eventId: v.parse(eventIdSchema, eventId) }),
  sender: { userId: v.parse(userIdSchema, "@bob:example.org"), displayName: "Bob" },
  isOwn: false,
  originServerTs: 0,
  msgtype: "image",
  body: "a",
  isEdited: false,
  isMention: false,
  file: file(parts),
  readBy: [],
});

test.each([
  ["image/png", "picture"],
  ["IMAGE/JPEG; q=1", "picture"],
  ["video/mp4", "video"],
  ["audio/ogg", "audio"],
  ["image/svg+xml", "other"],
  ["text/html", "other"],
  ["application/pdf", "other"],
  ["image/png, text/html", "other"],
  ["", "other"],
  [undefined, "other"],
])("%s is shown as %s", (contentType, expected) => {
  expect(kindOfFile(file(contentType === undefined ? {} : { contentType }))).toBe(expected);
});

test.each([
  [{ sizeBytes: 1_000 }, true],
  [{ sizeBytes: 1e12 }, false],
  [{ sizeBytes: Number.NaN }, false],
  [{}, false],
  [{ sizeBytes: 1e12, hasThumbnail: true }, true],
  [{ sizeBytes: 1, contentType: "image/svg+xml" }, false],
])("a picture of which is said %j is fetched by itself: %s", (parts, expected) => {
  expect(isShownAtOnce(message({ contentType: "image/png", ...parts }))).toBe(expected);
});

test.each([
  [4_032, 3_024, 384, 288],
  [24, 24, 56, 56],
  [100_000, 1, 384, 56],
  [1, 100_000, 56, 288],
  [-5, 100, 256, 192],
  [Number.NaN, 100, 256, 192],
  [Number.POSITIVE_INFINITY, 100, 256, 192],
  [undefined, undefined, 256, 192],
])("a picture of %s × %s has a box of %s × %s", (widthPx, heightPx, boxWidth, boxHeight) => {
  const claimed = widthPx === undefined ? {} : { widthPx, heightPx: heightPx ?? 0 };
  expect(pictureBox(claimed)).toEqual({ widthPx: boxWidth, heightPx: boxHeight });
});

test("a file is its upload until its echo is here, and its event's from then on", () => {
  const roomId = v.parse(roomIdSchema, "!r:example.org");
  const uploadId = v.parse(uploadIdSchema, "A".repeat(22));
  expect(fileRefOf(roomId, message({ uploadId }, "$e"), "file")).toEqual({ of: "upload", uploadId });
  expect(fileRefOf(roomId, message({ uploadId }), "thumbnail")).toBeUndefined();
  expect(fileRefOf(roomId, message({}, "$e"), "thumbnail")).toBeUndefined();
  expect(fileRefOf(roomId, message({}), "file")).toBeUndefined();
  expect(fileRefOf(roomId, message({ hasThumbnail: true }, "$e"), "thumbnail")).toEqual({
    of: "event",
    roomId,
    eventId: "$e",
    part: "thumbnail",
  });
});
