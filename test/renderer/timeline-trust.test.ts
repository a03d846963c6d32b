/**
 * What the timeline says about messages that cannot be read or deserve a second look, and about files, in a real
 * Chromium: every state has words that assistive technology reads, and its one action.
 * Subjects: renderer/features/timeline/{Shield,UndecryptableBody,FileCard}.tsx.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import { shieldSchema, undecryptableCauseSchema } from "../../preload/contract/views.ts";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/timeline.page.tsx");
const causes = undecryptableCauseSchema.options;
const shields = shieldSchema.options;

const newPage = chromiumPages();
let page: Page;

beforeEach(async () => {
  page = await newPage({ viewport: { width: 900, height: 1_800 } });
  await openBundle(page, PAGE);
  await page.waitForSelector("[data-key='h-1']");
});

const row = (at: number) => page.locator(`[data-key='h${at * 6}']`);

test("each cause says why in words of its own, and offers what helps, where something does", async () => {
  await page.evaluate((all) => window.timeline.showCauses(all), causes);
  const words: string[] = [];
  const offers: Record<string, string> = {};
  for (const [index, cause] of causes.entries()) {
    const line = row(index).locator("p");
    words.push((await line.textContent()) ?? "");
    const button = line.getByRole("button");
    if ((await button.count()) > 0) offers[cause] = (await button.textContent()) ?? "";
  }
  expect(new Set(words).size).toBe(causes.length);
  for (const text of words) expect(text).toMatch(/^(?:Not readable|Not shown)\b.+/u);
  expect(offers).toEqual({
    "missing-key": "Try again",
    "key-too-new": "Try again",
    "history-unverified-device": "Confirm this device",
    "withheld-unverified": "Confirm this device",
  });
});

test("trying again asks once and says so; confirming this device is handed to the app", async () => {
  await page.evaluate((all) => window.timeline.showCauses(all), causes);
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect.poll(() => row(0).textContent()).toContain("Asked again.");
  expect(await row(0).getByRole("button").count()).toBe(0);
  await page.getByRole("button", { name: "Confirm this device" }).first().click();
  const seen = await page.evaluate(() => window.timeline.seen);
  expect([seen.retries, seen.verifies]).toEqual([1, 1]);
});

test("each of the seven shields is a sign with words, red where it may be a trick", async () => {
  await page.evaluate((all) => window.timeline.showShields(all), shields);
  const said: string[] = [];
  const grave: string[] = [];
  for (const [index, shield] of shields.entries()) {
    const sign = row(index).locator(`[data-shield='${shield}']`);
    const words = (await sign.textContent()) ?? "";
    expect(await sign.getAttribute("title")).toBe(words);
    said.push(words);
    if (((await sign.getAttribute("class")) ?? "").includes("grave")) grave.push(shield);
  }
  expect(new Set(said).size).toBe(7);
  expect(grave).toEqual(["verification-violation", "mismatched-sender", "sent-in-clear"]);
});

test("a later line of a group with a shield says it as well", async () => {
  await page.evaluate(() => {
    window.timeline.change("h-2", { shield: "sent-in-clear", sender: { userId: "@x:y", displayName: "X" } });
    window.timeline.change("h-1", { shield: "sent-in-clear", sender: { userId: "@x:y", displayName: "X" } });
  });
  expect(await page.locator("[data-key='h-1'] [data-shield]").count()).toBe(0);
  expect(await page.locator("[data-key='h-1']").textContent()).toContain("Not encrypted");
});

describe("a file", () => {
  const file = (parts: object) => ({ name: "plan.pdf", hasThumbnail: false, isEncrypted: true, ...parts });
  const show = (parts: object) =>
    page.evaluate(
      (value) => window.timeline.change("h-1", { msgtype: "file", body: "plan.pdf", file: value }),
      file(parts),
    );
  const card = () => page.locator("[data-key='h-1']");

  test("shows name, kind and size, and its caption once", async () => {
    await show({ sizeBytes: 2_412_000, caption: "the plan" });
    const text = (await card().textContent()) ?? "";
    expect(text).toContain("plan.pdf");
    expect(text).toContain("PDF file · 2.4 MB");
    expect(text.match(/the plan/gu)).toHaveLength(1);
  });

  test("is fetched when asked for, and a failure is told in its place", async () => {
    await page.evaluate(() => window.timeline.answerFetch({ code: "offline", message: "There is no connection." }));
    await show({});
    // What the page cannot show is not opened: it is saved.
    expect(await card().getByRole("button", { name: "Open plan.pdf" }).count()).toBe(0);
    await card().getByRole("button", { name: "Save plan.pdf" }).click();
    await expect.poll(() => card().getByRole("alert").textContent()).toContain("There is no connection.");
    expect(await page.evaluate(() => window.timeline.seen.fetched)).toEqual(["save h-1"]);
  });

  test("that is being sent cannot be fetched, and one that others can read says so", async () => {
    await show({ isEncrypted: false });
    expect(await card().textContent()).toContain("not encrypted");
    await page.evaluate(() => window.timeline.change("h-1", { send: { state: "sending" } }));
    expect(
      await card()
        .getByRole("button", { name: /Open|Save/u })
        .count(),
    ).toBe(0);
  });

  test("on its way says how far it has come, aloud at each quarter, and can be taken back", async () => {
    await show({ sizeBytes: 2_000_000 });
    const send = (sentBytes: number) =>
      page.evaluate(
        (upload) => window.timeline.change("h-1", { txnId: "txn-00000001", send: { state: "sending", upload } }),
        { sentBytes, totalBytes: 2_000_000 },
      );
    const bar = card().getByRole("progressbar", { name: "Sending plan.pdf" });
    const aloud = () => card().getByRole("status").allTextContents();
    await send(400_000);
    const heightPx = (await card().boundingBox())?.height;
    expect(await card().textContent()).toContain("400 kB of 2 MB sent");
    expect(await bar.getAttribute("value")).toBe("20");
    expect(await aloud()).toEqual([""]);
    await send(1_100_000);
    expect(await aloud()).toEqual(["Sending plan.pdf: 50 %"]);
    await send(1_400_000);
    expect(await aloud()).toEqual(["Sending plan.pdf: 50 %"]);
    await send(9_000_000);
    expect(await card().textContent()).toContain("2 MB of 2 MB sent");
    await card().getByRole("button", { name: "Cancel sending plan.pdf" }).click();
    expect(await page.evaluate(() => window.timeline.seen.discarded)).toEqual(["txn-00000001"]);
    await page.evaluate(() => window.timeline.change("h-1", { send: { state: "sending" } }));
    expect(await bar.count()).toBe(0);
    expect((await card().boundingBox())?.height).toBe(heightPx);
  });
});
