/**
 * What the timeline shows of replies, reactions and edits, and what it offers to do with a message, in a real
 * Chromium. Subjects: renderer/features/timeline/{MessageTools,Reactions,RepliedLine}.tsx, editable.ts.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { newestEditable } from "../../renderer/features/timeline/editable.ts";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/timeline.page.tsx");

const newPage = chromiumPages();
let page: Page;

beforeEach(async () => {
  page = await newPage({ viewport: { width: 900, height: 1_200 } });
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openBundle(page, PAGE);
  await page.waitForSelector("[data-key='h-1']");
});

const row = () => page.locator("[data-key='h-1']");
const change = (parts: object) => page.evaluate((value) => window.timeline.change("h-1", value), parts);
const done = () => page.evaluate(() => window.timeline.seen.done);
const tool = (name: string) => row().getByRole("button", { name, exact: true });
async function toolNames(): Promise<(string | null)[]> {
  await row().hover();
  await tool("Copy text").waitFor();
  const buttons = await row().getByRole("button").all();
  return Promise.all(buttons.map((button) => button.getAttribute("aria-label")));
}

describe("the tools", () => {
  test("come with the pointer, and offer for our own message what only its author can do", async () => {
    expect(await tool("Reply").count()).toBe(0);
    await change({ isOwn: false });
    expect(await toolNames()).toEqual(["React", "Reply", "Copy text"]);
    await change({ isOwn: true });
    expect(await toolNames()).toEqual(["React", "Reply", "Edit", "Copy text", "Remove"]);
    for (const name of ["Reply", "Edit", "Remove"]) await tool(name).click();
    expect(await done()).toEqual(["reply h-1", "edit h-1", "remove h-1"]);
  });

  test("offer nothing that needs an id before the server has given one, and no edit of a file", async () => {
    await change({ isOwn: true, eventId: undefined, send: { state: "sending" } });
    expect(await toolNames()).toEqual(["Copy text"]);
    await change({
      eventId: "$file",
      send: { state: "sent" },
      msgtype: "file",
      file: { name: "a.pdf", hasThumbnail: false, isEncrypted: true },
    });
    expect(await toolNames()).not.toContain("Edit");
  });

  test("come with the keyboard as well, and a reaction is picked with it", async () => {
    await change({ isOwn: false });
    await page.getByRole("log").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("React");
    await page.keyboard.press("Enter");
    const picker = page.getByRole("dialog", { name: "React" });
    await picker.getByRole("button", { name: "React with 🎉" }).press("Enter");
    expect(await done()).toEqual(["react 🎉 h-1"]);
    await expect.poll(() => picker.count()).toBe(0);
  });

  test("of the picker, one that is ours already is taken back", async () => {
    await change({ reactions: [{ key: "👍", count: 1, isOwn: true, isFailed: false, names: ["me"] }] });
    await row().hover();
    await tool("React").click();
    const own = page.getByRole("dialog", { name: "React" }).getByRole("button", { name: "React with 👍" });
    expect(await own.getAttribute("aria-pressed")).toBe("true");
    await own.click();
    expect(await done()).toEqual(["take back 👍 h-1"]);
  });
});

test("reactions say whose they are and which is ours, and a press changes ours", async () => {
  await change({
    reactions: [
      { key: "👍", count: 3, isOwn: false, isFailed: false, names: ["Bob", "Mira"] },
      { key: "❤️", count: 1, isOwn: true, isFailed: true, names: ["Alice"] },
    ],
  });
  const chips = row().getByRole("list", { name: "Reactions" }).getByRole("button");
  const words = (await chips.allTextContents()).map((text) => text.replaceAll(/[\u2068\u2069]/gu, ""));
  expect(words).toEqual(["👍3by Bob, Mira and 1 more", "❤️1by Alice. Not sent"]);
  expect(await chips.evaluateAll((all) => all.map((chip) => chip.getAttribute("aria-pressed")))).toEqual([
    "false",
    "true",
  ]);
  await chips.first().click();
  await chips.last().click();
  expect(await done()).toEqual(["react 👍 h-1", "take back ❤️ h-1"]);
});

test("an answer shows what it answers, on one line, and leads there", async () => {
  await change({
    replyTo: {
      eventId: "$h-20",
      sender: { userId: "@bob:example.org", displayName: "Bob" },
      kind: "text",
      text: "word ".repeat(40),
    },
  });
  const line = row().getByRole("button", { name: /^In reply to/u });
  expect((await line.boundingBox())?.height).toBeLessThan(24);
  await line.click();
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-key"))).toBe("h-20");
  await page.evaluate(() => window.timeline.change("h-1", { replyTo: { eventId: "$gone", text: "" } }));
  await page.locator("[role=log]").focus();
  await page.keyboard.press("End");
  await row().getByText("An earlier message").click();
});

test("what was refused says whether it is the message, its edit, or its removal", async () => {
  const error = { code: "forbidden", message: "No." };
  for (const [change_, words] of [
    [undefined, "Not sent. No."],
    ["edit", "Not changed. No."],
    ["removal", "Not removed. No."],
  ] as const) {
    await change({
      isOwn: true,
      txnId: "txn-00000001",
      send: { state: "wedged", error, ...(change_ && { change: change_ }) },
    });
    await row().getByText(words).waitFor();
  }
  await row().getByRole("button", { name: "Discard" }).click();
  expect(await page.evaluate(() => window.timeline.seen.discarded)).toEqual(["txn-00000001"]);
});

test("the last message that can be edited is ours, of words, and on the server", () => {
  const item = (parts: object) =>
    ({ kind: "message", isOwn: true, msgtype: "text", eventId: "$a", ...parts }) as TimelineItem;
  const good = item({ eventId: "$good" });
  const others = [
    item({ isOwn: false }),
    item({ eventId: undefined }),
    item({ msgtype: "image" }),
    item({ file: { name: "a" } }),
    { kind: "placeholder", key: "p", reason: "redacted" } as TimelineItem,
  ];
  expect(newestEditable([item({ eventId: "$old" }), good, ...others])).toBe(good);
  expect(newestEditable(others)).toBeUndefined();
});
