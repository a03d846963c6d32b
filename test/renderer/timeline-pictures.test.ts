/**
 * Files in the timeline, in a real Chromium: the box before the picture, the words where there is none, players on
 * demand, and taking a wish back. Subjects: renderer/features/timeline/{FileBody,FileCard,PictureViewer}.tsx.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/timeline.page.tsx");
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);
const damaged = { code: "rejected", message: "It was damaged on its way." } as const;

const newPage = chromiumPages();
let page: Page;
/** Addresses that answer with a picture; all others fail. */
let good: Set<string>;
let asked: string[];

beforeEach(async () => {
  good = new Set();
  asked = [];
  page = await newPage({ viewport: { width: 900, height: 700 } });
  await openBundle(page, PAGE);
  await page.route("http://localhost/file/**", (route) => {
    const { pathname } = new URL(route.request().url());
    asked.push(pathname);
    return good.has(pathname)
      ? route.fulfill({ contentType: "image/png", body: PIXEL })
      : route.fulfill({ status: 422, body: "" });
  });
});

/** The newest message carries this file. */
const showFile = (file: object, item: object = {}) =>
  page.evaluate(
    ([fileParts, itemParts]) =>
      window.timeline.change("h-1", {
        msgtype: "image",
        file: { name: "a.png", contentType: "image/png", hasThumbnail: false, isEncrypted: true, ...fileParts },
        ...itemParts,
      }),
    [file, item] as const,
  );
const fetched = () => page.evaluate(() => window.timeline.seen.fetched);
const picture = () => page.getByRole("img", { name: "a.png" });
const small = { sizeBytes: 900, widthPx: 4_000, heightPx: 3_000 };

describe("a picture", () => {
  test("has its box before it is here, and keeps it", async () => {
    let answer = (): void => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route("http://localhost/file/h-1/thumbnail", async (route) => {
      await held;
      await route.fulfill({ contentType: "image/png", body: PIXEL });
    });
    await showFile({ ...small, hasThumbnail: true });
    const before = await picture().boundingBox();
    expect(before).toMatchObject({ width: 384, height: 288 });
    answer();
    await expect.poll(() => picture().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
    expect(await picture().boundingBox()).toEqual(before);
    expect(await fetched()).toEqual([]);
  });

  test("is shown from the file where its smaller copy is damaged", async () => {
    good.add("/file/h-1/file");
    await showFile({ ...small, hasThumbnail: true });
    await expect.poll(() => picture().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
    expect(asked).toEqual(["/file/h-1/thumbnail", "/file/h-1/file"]);
  });

  test("says why it cannot be had, and is there when it can", async () => {
    await page.evaluate((error) => window.timeline.answerFetch(error), damaged);
    await showFile(small);
    await expect.poll(() => page.getByRole("alert").textContent()).toContain(damaged.message);
    expect(await fetched()).toEqual(["open h-1"]);
    good.add("/file/h-1/file");
    await page.evaluate(() => window.timeline.answerFetch(undefined));
    await page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => picture().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("that is none becomes a card that can be saved", async () => {
    await showFile(small);
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("cannot be shown here");
    await page.evaluate((error) => window.timeline.answerFetch(error), damaged);
    await page.getByRole("button", { name: "Save a.png" }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain(damaged.message);
    expect(await fetched()).toEqual(["open h-1", "save h-1"]);
  });

  test.each([
    { sizeBytes: 1e12, widthPx: 9, heightPx: 9 },
    { widthPx: 9, heightPx: 9 },
  ])("of a size like %j waits to be asked for", async (file) => {
    good.add("/file/h-1/file");
    await showFile(file);
    await page.getByRole("button", { name: "Open a.png" }).waitFor();
    expect(asked).toEqual([]);
    await page.getByRole("button", { name: "Open a.png" }).click();
    await expect.poll(() => picture().evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
  });

  test("is opened large and closed by the keyboard, the cross and a press beside it", async () => {
    good.add("/file/h-1/file");
    await showFile(small);
    const viewer = page.getByRole("dialog", { name: "a.png" });
    const leave = [
      () => page.keyboard.press("Escape"),
      () => viewer.getByRole("button", { name: "Close" }).click(),
      () => page.mouse.click(20, 600),
    ];
    for (const close of leave) {
      await page.getByRole("button", { name: "Open a.png" }).click();
      await viewer.getByRole("img").waitFor();
      await close();
      await expect.poll(() => viewer.count()).toBe(0);
    }
  });
});

describe("what is not shown by itself", () => {
  test.each(["image/svg+xml", "text/html", "application/pdf"])("%s is a card only", async (contentType) => {
    await showFile({ ...small, contentType });
    await page.getByRole("button", { name: "Save a.png" }).waitFor();
    expect(await page.getByRole("button", { name: /^(?:Open|Play) a\.png/u }).count()).toBe(0);
    expect(asked).toEqual([]);
  });

  test("a film is played here once it is, and says so where it cannot be", async () => {
    await showFile({ name: "a.mp4", contentType: "video/mp4", sizeBytes: 9 }, { msgtype: "video" });
    expect(asked).toEqual([]);
    await page.getByRole("button", { name: "Play a.mp4" }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("cannot be shown here");
    expect(await fetched()).toEqual(["open h-1"]);
    expect(asked[0]).toBe("/file/h-1/file");
    expect(await page.locator("video").count()).toBe(0);
  });

  test("a wish can be taken back, and is no error then", async () => {
    await page.evaluate(() => window.timeline.answerFetch("never"));
    await showFile({ name: "a.zip", contentType: "application/zip" }, { msgtype: "file" });
    await page.getByRole("button", { name: "Save a.zip" }).click();
    await page.getByRole("button", { name: "Stop fetching a.zip" }).click();
    await page.getByRole("button", { name: "Save a.zip" }).waitFor();
    expect(await fetched()).toEqual(["save h-1", "stop h-1"]);
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test.each(["a.png", "a.zip"])("%s is not sent after all when its sender says so", async (name) => {
    const contentType = name === "a.png" ? "image/png" : "application/zip";
    good.add("/file/h-1/file");
    await showFile(
      { ...small, name, contentType, uploadId: "A".repeat(22) },
      { isOwn: true, txnId: "txn-00000009", send: { state: "sending" } },
    );
    await page.getByRole("button", { name: `Cancel sending ${name}` }).click();
    expect(await page.evaluate(() => window.timeline.seen.discarded)).toEqual(["txn-00000009"]);
    expect(await page.getByRole("button", { name: `Save ${name}` }).count()).toBe(0);
  });
});
