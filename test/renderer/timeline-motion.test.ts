/**
 * What the eye sees of the timeline in a real Chromium: nothing moves by itself, the end stays in view, and the
 * keyboard reaches everything. Every frame is sampled right before it is painted.
 * Subjects: renderer/features/timeline/use-timeline-virtualizer.ts and TimelineList.tsx.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import { beforeEach, describe, expect, test } from "vitest";
import { openBundle } from "../interop/support/page-bundle.ts";
import { chromiumPages } from "./chromium-pages.ts";

const PAGE = join(import.meta.dirname, "pages/timeline.page.tsx");
/** Space below the last row. */
const FOOT_PX = 8;

const newPage = chromiumPages();
let page: Page;

beforeEach(async () => {
  page = await newPage({ viewport: { width: 760, height: 860 } });
  await page.addInitScript(() => {
    // A resize observer made last runs last, after layout and before paint: what it sees is what is painted.
    const watch = () => {
      const probe = document.body.appendChild(document.createElement("div"));
      probe.style.cssText = "position:fixed;top:0;height:1px;width:1px";
      let waiting: (() => void) | undefined;
      new ResizeObserver(() => {
        const run = waiting;
        waiting = undefined;
        run?.();
      }).observe(probe);
      let widthPx = 1;
      return (run: () => void) =>
        requestAnimationFrame(() => {
          waiting = run;
          widthPx = (widthPx % 9) + 1;
          probe.style.width = `${widthPx}px`;
        });
    };
    const log = () => document.querySelector<HTMLElement>("[role=log]")!;
    const rows = () => [...log().querySelectorAll<HTMLElement>("[data-key]")];
    const textTop = (row: HTMLElement) => (row.querySelector("[dir=auto]") ?? row).getBoundingClientRect().top;
    let beforePaint: ReturnType<typeof watch> | undefined;
    const sample = (act: () => void, frameCount: number, read: () => number) =>
      new Promise<number[]>((resolve) => {
        beforePaint ??= watch();
        const values: number[] = [];
        act();
        const take = () => {
          values.push(read());
          if (values.length < frameCount) beforePaint?.(take);
          else resolve(values);
        };
        beforePaint(take);
      });
    Object.assign(window, {
      probe: {
        /** How far the text of the uppermost visible row moves, per frame. */
        async displacement(act: () => void, frameCount = 12) {
          const top = log().getBoundingClientRect().top;
          const key = rows().find((row) => textTop(row) > top)!.dataset["key"];
          const find = () => rows().find((row) => row.dataset["key"] === key)!;
          const before = textTop(find());
          const values = await sample(act, frameCount, () => Math.abs(textTop(find()) - before));
          return Math.max(...values);
        },
        /** How far the last row's lower edge is from that of the list, per frame. */
        distance: (act: () => void, frameCount = 12) =>
          sample(act, frameCount, () =>
            Math.round(log().getBoundingClientRect().bottom - rows().at(-1)!.getBoundingClientRect().bottom),
          ),
        async scrollTo(offsetPx: number) {
          log().scrollTop = offsetPx;
          // Long enough for the list to know that the scrolling is over.
          await new Promise((resolve) => setTimeout(resolve, 350));
        },
      },
    });
  });
  await openBundle(page, PAGE);
  await page.waitForSelector("[data-key='h-1']");
});

type Probe = {
  displacement(act: () => void, frameCount?: number): Promise<number>;
  distance(act: () => void, frameCount?: number): Promise<number[]>;
  scrollTo(offsetPx: number): Promise<void>;
};
declare global {
  interface Window {
    probe: Probe;
  }
}

const scrollTo = (offsetPx: number) => page.evaluate((px) => window.probe.scrollTo(px), offsetPx);

test("stands at the newest message from the first frame on", async () => {
  const distances = await page.evaluate(() => window.probe.distance(() => {}));
  expect(new Set(distances)).toEqual(new Set([FOOT_PX]));
});

describe("nothing moves under the eye", () => {
  test.each([0, 300, 2_000])("when older messages come, at %i px from the start", async (offsetPx) => {
    await scrollTo(offsetPx);
    for (let round = 0; round < 3; round += 1) {
      const moved = await page.evaluate(() => window.probe.displacement(() => window.timeline.prepend(50)));
      expect(moved).toBeLessThanOrEqual(1);
    }
  });

  test("when newer messages come or grow, while reading further up", async () => {
    await scrollTo(1_500);
    expect(await page.evaluate(() => window.probe.displacement(() => window.timeline.append()))).toBe(0);
    expect(await page.evaluate(() => window.probe.displacement(() => window.timeline.growLast()))).toBe(0);
    await expect.poll(() => page.getByRole("button", { name: /new message|newest/u }).isVisible()).toBe(true);
  });

  test("when a message grows that is out of sight above", async () => {
    await scrollTo(1_500);
    expect(
      await page.evaluate(() => window.probe.displacement(() => window.timeline.grow("h-49"))),
    ).toBeLessThanOrEqual(1);
  });

  test("when messages above become readable", async () => {
    const unreadable = () => page.evaluate(() => document.querySelectorAll("[class*=undecryptable]").length);
    await page.evaluate(() => window.timeline.lock(-50, -13));
    await page.evaluate(async () => {
      const log = document.querySelector("[role=log]")!;
      const row = log.querySelector("[data-key='h-12']")!;
      await window.probe.scrollTo(
        log.scrollTop + row.getBoundingClientRect().top - log.getBoundingClientRect().top + 5,
      );
    });
    expect(await unreadable()).toBeGreaterThan(0);
    expect(await page.evaluate(() => window.probe.displacement(() => window.timeline.unlock()))).toBeLessThanOrEqual(1);
    expect(await unreadable()).toBe(0);
  });

  test("when a gap right above is filled", async () => {
    await page.evaluate(() => window.timeline.openGap("h-12"));
    await page.evaluate(async () => {
      const log = document.querySelector("[role=log]")!;
      await window.probe.scrollTo(log.scrollTop - 400);
      const row = log.querySelector("[data-key='h-12']")!;
      await window.probe.scrollTo(
        log.scrollTop + row.getBoundingClientRect().top - log.getBoundingClientRect().top + 5,
      );
    });
    expect(await page.evaluate(() => window.probe.displacement(() => window.timeline.fillGap()))).toBeLessThanOrEqual(
      1,
    );
  });

  test("when scrolling up through rows that were never drawn", async () => {
    await page.evaluate(() => window.timeline.prepend(500));
    const uneven = await page.evaluate(async () => {
      const log = document.querySelector("[role=log]")!;
      const places = () =>
        new Map(
          [...log.querySelectorAll<HTMLElement>("[data-key]")].map((row) => [
            row.dataset["key"],
            row.getBoundingClientRect().top,
          ]),
        );
      let before = places();
      let frames = 0;
      for (let step = 0; step < 60; step += 1) {
        await window.probe.distance(() => (log.scrollTop -= 130), 1);
        const now = places();
        const moves = [...now].flatMap(([key, top]) => (before.has(key) ? [Math.round(top - before.get(key)!)] : []));
        if (Math.max(...moves) - Math.min(...moves) > 1) frames += 1;
        before = now;
      }
      return frames;
    });
    expect(uneven).toBe(0);
  });
});

describe("at the end", () => {
  test.each(["append", "growLast", "growComposer"] as const)("%s: the end stays in view", async (change) => {
    const distances = await page.evaluate((name) => window.probe.distance(() => window.timeline[name]()), change);
    expect(distances).toEqual(distances.map(() => FOOT_PX));
  });

  test("what becomes readable there: the end stays in view", async () => {
    await page.evaluate(() => window.timeline.lock(-6, -1));
    const distances = await page.evaluate(() => window.probe.distance(() => window.timeline.unlock()));
    expect(distances).toEqual(distances.map(() => FOOT_PX));
  });

  test("what we write ourselves brings us there", async () => {
    await scrollTo(600);
    await page.evaluate(() => window.timeline.write());
    await expect.poll(async () => (await page.evaluate(() => window.probe.distance(() => {}, 1)))[0]).toBe(FOOT_PX);
  });
});

test("the keyboard: one stop, arrows from message to message, Home, End, copy, Escape", async () => {
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset["key"]);
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("log");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toBe("h-2");
  await page.keyboard.press("ControlOrMeta+c");
  await page.keyboard.press("Home");
  await expect.poll(focused).toBe("h-50");
  await page.keyboard.press("End");
  await expect.poll(focused).toBe("h-1");
  await page.keyboard.press("Escape");
  const seen = await page.evaluate(() => window.timeline.seen);
  expect(seen.copied[0]).toMatch(/^-2: /u);
  expect(seen.left).toBe(1);
});

test("a link asks the host to open it, and the page stays", async () => {
  await page.getByRole("link", { name: "https://example.org/hut" }).last().click();
  expect(await page.evaluate(() => window.timeline.seen.opened)).toEqual(["https://example.org/hut"]);
  expect(page.url()).toBe("http://localhost/");
});
