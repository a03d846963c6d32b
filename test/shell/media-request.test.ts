/**
 * Media addresses become commands or nothing, and answers never become pages.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { mediaResponse, parseMediaUrl } from "../../main/shell/media-request.ts";
import { parseRange } from "../../preload/contract/file-address.ts";

const account = "a1b2c3d4e5f6g7h8";

test("an address names a file, or a thumbnail of it", () => {
  expect(parseMediaUrl(`lattice-media://media/${account}/example.org:8448/AbC_-1`)).toEqual({
    accountId: account,
    mxc: "mxc://example.org:8448/AbC_-1",
  });
  expect(parseMediaUrl(`lattice-media://media/${account}/example.org/AbC?w=64&h=48&method=crop`)).toEqual({
    accountId: account,
    mxc: "mxc://example.org/AbC",
    thumbnail: { widthPx: 64, heightPx: 48, method: "crop" },
  });
  expect(parseMediaUrl(`lattice-media://media/${account}/example.org/AbC?w=99999&h=0`)).toEqual({
    accountId: account,
    mxc: "mxc://example.org/AbC",
  });
});

test.each([
  "lattice-media://media/",
  `lattice-media://other/${account}/example.org/a`,
  `lattice-media://media/${account}/example.org/..%2f..%2fadmin`,
  `lattice-media://media/${account}/example.org/a/b`,
  `lattice-media://media/${account}/exa%2fmple.org/a`,
  "lattice-media://media/UPPER/example.org/a",
  `https://media/${account}/example.org/a`,
  "x".repeat(5_000),
])("%s names nothing", (url) => {
  expect(parseMediaUrl(url)).toBeUndefined();
});

test("no text makes it throw", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseMediaUrl(`lattice-media://media/${text}`)));
});

test("what could run is handed over as bytes only", async () => {
  for (const contentType of [
    "text/html",
    "image/svg+xml",
    "application/javascript",
    "application/pdf",
    "text/html; charset=utf-8",
    "",
    "IMAGE/SVG+XML",
  ]) {
    const response = mediaResponse({ contentType, bytes: new Uint8Array([1]) }, null);
    expect(response.headers.get("content-type"), contentType).toBe("application/octet-stream");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
  }
  expect(
    mediaResponse({ contentType: "Image/PNG; x=y", bytes: new Uint8Array([1]) }, null).headers.get("content-type"),
  ).toBe("image/png");
});

test("a part of a film can be asked for", async () => {
  const bytes = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const part = mediaResponse({ contentType: "video/mp4", bytes }, "bytes=2-4");
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 2-4/10"]);
  expect([...new Uint8Array(await part.arrayBuffer())]).toEqual([2, 3, 4]);
  expect(parseRange("bytes=-3", 10)).toEqual({ from: 7, to: 9 });
  expect(parseRange("bytes=8-", 10)).toEqual({ from: 8, to: 9 });
  expect(parseRange("bytes=8-99", 10)).toEqual({ from: 8, to: 9 });
  expect(parseRange("bytes=10-", 10)).toBe("unsatisfiable");
  expect(parseRange("bytes=-0", 10)).toBe("unsatisfiable");
  expect(parseRange("bytes=4-2", 10)).toBe("unsatisfiable");
  for (const header of [null, "", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"])
    expect(parseRange(header, 10)).toBeUndefined();
});
