/**
 * The composer at work in a real Chromium, over an engine that the test plays: drafts, sharing ahead, and what a
 * changed identity holds back. Subjects: renderer/features/composer/{ComposerPane,ComposerView,IdentityNotice}.tsx.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/composer.page.tsx");
const OLD_DRAFT = "lattice.draft.abcdefgh12345678.!room:example.org";

const newPage = chromiumPages();
let page: Page;

beforeEach(async () => {
  page = await newPage({ viewport: { width: 900, height: 500 } });
  await page.addInitScript((key) => {
    localStorage.setItem(key, '{"text":"in the clear","unsent":[]}');
    localStorage.setItem("lattice.other", "stays");
  }, OLD_DRAFT);
  await openBundle(page, PAGE);
});

const field = () => page.getByRole("textbox");
const callsOf = (command: string) => page.evaluate((name) => window.composer.callsOf(name), command);
const drafts = async () => (await callsOf("rooms.setDraft")).map(({ text }) => text);

describe("drafts", () => {
  test("what the engine kept is there with the room, and old ones are gone from the page's storage", async () => {
    await page.evaluate(() => {
      window.composer.room({ draft: "half a sen" });
      window.composer.open();
    });
    expect(await field().inputValue()).toBe("half a sen");
    expect(await drafts()).toEqual([]);
    expect(await page.evaluate(() => Object.keys(localStorage))).toEqual(["lattice.other"]);
  });

  test("what is typed goes to the engine by itself, and no echo touches it", async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
    });
    await page.keyboard.type("hello");
    await expect.poll(async () => (await drafts()).at(-1)).toBe("hello");
    await page.keyboard.type(" there");
    await page.evaluate(() => window.composer.room({ draft: "hello" }));
    await page.keyboard.type("!");
    expect(await field().inputValue()).toBe("hello there!");
    await page.evaluate(() => window.composer.room({ draft: "" }));
    expect(await field().inputValue()).toBe("hello there!");
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("hello");
  });

  test.each(["leaving the field", "leaving the room"])("%s keeps it at once", async (how) => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
    });
    await page.keyboard.type("abc");
    if (how === "leaving the field") await page.getByRole("button", { name: "elsewhere" }).focus();
    else await page.evaluate(() => window.composer.close());
    expect((await drafts()).at(-1)).toBe("abc");
    if (how === "leaving the field") return;
    // The room topic may still say what it said before.
    await page.evaluate(() => window.composer.open());
    expect(await field().inputValue()).toBe("abc");
  });

  test("what is sent leaves no draft behind, and what fails to be sent does", async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
    });
    await page.keyboard.type("one");
    await expect.poll(drafts).toEqual(["one"]);
    await page.keyboard.press("Enter");
    await expect.poll(drafts).toEqual(["one", ""]);
    await page.evaluate(() => window.composer.fail("outbox.send"));
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await expect.poll(() => field().inputValue()).toBe("two");
    await expect.poll(async () => (await drafts()).at(-1)).toBe("two");
    expect(await page.getByRole("alert").textContent()).toContain("The disk is full.");
  });
});

describe("sharing ahead", () => {
  const prepared = async () => (await callsOf("rooms.prepareToSend")).length;

  test("once for each stay: with the first key, not with the opening of the room", async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
    });
    expect(await field().evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await prepared()).toBe(0);
    await page.keyboard.type("hey");
    expect(await prepared()).toBe(1);
    await page.getByRole("button", { name: "elsewhere" }).focus();
    await field().click();
    expect(await prepared()).toBe(2);
    await page.keyboard.type("!");
    expect(await prepared()).toBe(2);
  });

  test("not in a room that is not encrypted, nor while somebody's identity has changed", async () => {
    await page.evaluate(() => {
      window.composer.room({ isEncrypted: false });
      window.composer.open();
    });
    await page.keyboard.type("hey");
    await page.evaluate(() => window.composer.change(false));
    await page.keyboard.type("hey");
    expect(await prepared()).toBe(0);
  });
});

describe("a changed identity", () => {
  beforeEach(async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
      window.composer.change(false);
    });
  });

  test("holds the text back and keeps it, until it is accepted", async () => {
    await page.keyboard.type("is that you?");
    await page.keyboard.press("Enter");
    expect(await callsOf("outbox.send")).toEqual([]);
    expect(await field().inputValue()).toBe("is that you?");
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: /It is fine/u }).click();
    await expect.poll(() => callsOf("trust.acknowledge")).toHaveLength(1);
    expect((await callsOf("trust.acknowledge"))[0]).toMatchObject({ userId: "@bob:example.org" });
    await page.evaluate(() => window.composer.room({}));
    await expect.poll(() => field().evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    await expect.poll(() => callsOf("outbox.send")).toHaveLength(1);
  });

  test("is told in words that belong to the field, and can be verified", async () => {
    const described = await field().getAttribute("aria-describedby");
    const notice = page.locator(`[id='${described}']`);
    expect(await notice.textContent()).toMatch(/Bob.*identity has changed\. If you did not expect this/u);
    await page.getByRole("button", { name: /^Verify/u }).click();
    await expect.poll(() => callsOf("verifications.request")).toHaveLength(1);
    expect((await callsOf("verifications.request"))[0]).toEqual({
      accountId: "abcdefgh12345678",
      userId: "@bob:example.org",
    });
  });

  test("that cannot be accepted now says why, and still holds", async () => {
    await page.evaluate(() => window.composer.fail("trust.acknowledge"));
    await page.keyboard.type("x");
    await page.getByRole("button", { name: /It is fine/u }).click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("The disk is full.");
    await field().press("Enter");
    expect(await callsOf("outbox.send")).toEqual([]);
  });

  test("of somebody verified says so", async () => {
    await page.evaluate(() => window.composer.change(true));
    expect(await page.getByRole("status").textContent()).toContain("You had verified the one before.");
    expect(await page.getByRole("button", { name: /Go on unverified/u }).isEnabled()).toBe(true);
  });
});

describe("an answer", () => {
  beforeEach(async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
      window.composer.answerTo("when do we meet?");
    });
    await page.getByText("Reply to Bob").waitFor();
  });

  test("names what it answers, takes the focus, and goes once", async () => {
    expect(await page.getByRole("status").textContent()).toBe("Reply to Bob when do we meet?");
    await page.keyboard.type("at three");
    await page.keyboard.press("Enter");
    await expect.poll(() => callsOf("outbox.send")).toHaveLength(1);
    expect((await callsOf("outbox.send"))[0]).toMatchObject({ content: { body: "at three" }, replyTo: "$question" });
    await expect.poll(() => page.getByText("Reply to Bob").count()).toBe(0);
    await page.keyboard.type("sharp");
    await page.keyboard.press("Enter");
    await expect.poll(() => callsOf("outbox.send")).toHaveLength(2);
    expect((await callsOf("outbox.send"))[1]).not.toHaveProperty("replyTo");
  });

  test.each(["Escape", "the button"])("is given up by %s, and the text stays", async (way) => {
    await page.keyboard.type("hm");
    if (way === "Escape") await page.keyboard.press("Escape");
    else await page.getByRole("button", { name: "Do not reply" }).click();
    await expect.poll(() => page.getByText("Reply to Bob").count()).toBe(0);
    expect(await field().inputValue()).toBe("hm");
  });
});

describe("an edit", () => {
  beforeEach(async () => {
    await page.evaluate(() => {
      window.composer.room({});
      window.composer.open();
    });
  });
  const begin = async () => {
    await page.keyboard.press("ArrowUp");
    await page.getByText("Editing your message").waitFor();
    await expect.poll(() => field().inputValue()).toBe("at thre");
  };

  test("of the last message begins with the up arrow, with the cursor at its end, and is saved", async () => {
    await begin();
    await page.keyboard.type("e");
    await page.keyboard.press("Enter");
    await expect.poll(() => callsOf("outbox.edit")).toHaveLength(1);
    expect((await callsOf("outbox.edit"))[0]).toMatchObject({ eventId: "$question", content: { body: "at three" } });
    await expect.poll(() => page.getByText("Editing your message").count()).toBe(0);
    expect(await field().inputValue()).toBe("");
    expect(await callsOf("outbox.send")).toEqual([]);
    expect(await drafts()).toEqual([]);
  });

  test("that changes nothing sends nothing; one that is given up neither", async () => {
    await begin();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByText("Editing your message").count()).toBe(0);
    await begin();
    await page.keyboard.type(" o’clock");
    await page.keyboard.press("Escape");
    await expect.poll(() => field().inputValue()).toBe("");
    expect(await callsOf("outbox.edit")).toEqual([]);
  });

  test("leaves what was being written alone, and the arrow belongs to that text", async () => {
    await page.keyboard.type("half a thought");
    await page.keyboard.press("ArrowUp");
    expect(await page.getByText("Editing your message").count()).toBe(0);
    await page.evaluate(() => window.composer.answerTo("when?"));
    await page.getByText("Reply to Bob").waitFor();
    expect(await field().inputValue()).toBe("half a thought");
  });

  test("that the engine does not take stays, says why, and can be tried again", async () => {
    await begin();
    await page.evaluate(() => window.composer.fail("outbox.edit"));
    await page.keyboard.type("e");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("The disk is full.");
    expect(await field().inputValue()).toBe("at three");
    await page.evaluate(() => window.composer.mend());
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByText("Editing your message").count()).toBe(0);
    expect(await callsOf("outbox.edit")).toHaveLength(2);
  });
});
