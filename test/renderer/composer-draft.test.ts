/**
 * How a draft gets to the engine: soon, in order, again after the engine was away, and never by way of the
 * page's own storage. Subjects: renderer/features/composer/draft-keeper.ts, old-drafts.ts.
 */
import { describe, expect, test } from "vitest";
import { MAX_BODY_LENGTH } from "../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../preload/contract/errors.ts";
import { DraftKeeper, KEEP_AFTER_MS, KEEP_AGAIN_MS } from "../../renderer/features/composer/draft-keeper.ts";
import { forgetOldDrafts } from "../../renderer/features/composer/old-drafts.ts";

const away: EngineErrorData = { code: "offline", message: "Interrupted." };
const full: EngineErrorData = { code: "disk-full", message: "The disk is full." };

/** A keeper with an engine and a clock that the test moves. */
function openKeeper(known = "") {
  const kept: string[] = [];
  const replies: PromiseWithResolvers<EngineErrorData | undefined>[] = [];
  let timer: { run: () => void; delayMs: number } | undefined;
  const keeper = new DraftKeeper(
    (text) => {
      kept.push(text);
      const reply = Promise.withResolvers<EngineErrorData | undefined>();
      replies.push(reply);
      return reply.promise;
    },
    {
      set: (run, delayMs) => {
        timer = { run, delayMs };
        return 1;
      },
      clear: () => void (timer = undefined),
    },
    known,
  );
  return {
    keeper,
    kept,
    delayMs: () => timer?.delayMs,
    fire() {
      const due = timer;
      timer = undefined;
      due?.run();
    },
    async answer(error?: EngineErrorData) {
      const reply = replies.shift();
      reply?.resolve(error);
      await reply?.promise;
    },
  };
}

describe("a draft", () => {
  test("goes to the engine at most half a second after a key, as it is by then", () => {
    const { keeper, kept, delayMs, fire } = openKeeper();
    keeper.changed("h");
    expect(delayMs()).toBe(KEEP_AFTER_MS);
    expect(KEEP_AFTER_MS).toBeLessThanOrEqual(500);
    keeper.changed("he");
    keeper.changed("hel");
    expect(kept).toEqual([]);
    fire();
    expect(kept).toEqual(["hel"]);
  });

  test("goes at once when the user leaves, and not a second time", () => {
    const { keeper, kept, delayMs } = openKeeper();
    keeper.changed("half a sen");
    keeper.flush();
    keeper.flush();
    expect(kept).toEqual(["half a sen"]);
    expect(delayMs()).toBeUndefined();
  });

  test("is not told to an engine that has it", () => {
    const { keeper, kept, fire } = openKeeper("known");
    keeper.changed("known!");
    keeper.changed("known");
    fire();
    keeper.flush();
    expect(kept).toEqual([]);
  });

  test("is told again to an engine that was away, as it is by then", async () => {
    const { keeper, kept, delayMs, fire, answer } = openKeeper();
    keeper.changed("one");
    keeper.flush();
    await answer(away);
    expect(delayMs()).toBe(KEEP_AGAIN_MS);
    keeper.changed("one two");
    fire();
    expect(kept).toEqual(["one", "one two"]);
    await answer();
    expect(delayMs()).toBeUndefined();
    keeper.flush();
    expect(kept).toHaveLength(2);
  });

  test("whose failure comes after a newer one went is not told again", async () => {
    const { keeper, kept, answer } = openKeeper();
    keeper.changed("old");
    keeper.flush();
    keeper.changed("new");
    keeper.flush();
    await answer(away);
    keeper.flush();
    expect(kept).toEqual(["old", "new"]);
  });

  test("that a full disk refused is tried with the next key, not in a loop", async () => {
    const { keeper, kept, delayMs, fire, answer } = openKeeper();
    keeper.changed("one");
    keeper.flush();
    await answer(full);
    expect(delayMs()).toBeUndefined();
    keeper.changed("one");
    fire();
    expect(kept).toEqual(["one", "one"]);
  });

  test("longer than the engine takes keeps its beginning, and no half of a character", () => {
    const { keeper, kept } = openKeeper();
    keeper.changed("x".repeat(MAX_BODY_LENGTH + 5));
    keeper.flush();
    keeper.changed(`${"x".repeat(MAX_BODY_LENGTH - 1)}🎉`);
    keeper.flush();
    expect(kept.map((text) => text.length)).toEqual([MAX_BODY_LENGTH, MAX_BODY_LENGTH - 1]);
  });
});

describe("drafts of versions before", () => {
  test("are forgotten, and nothing else is", () => {
    const values = new Map([
      ["lattice.draft.abcdefgh12345678.!a:example.org", "{}"],
      ["lattice.listWidth", "304"],
      ["lattice.draft.abcdefgh12345678.!b:example.org", "damaged"],
    ]);
    forgetOldDrafts(() => ({
      length: values.size,
      key: (index) => [...values.keys()][index] ?? null,
      removeItem: (key) => void values.delete(key),
    }));
    expect([...values.keys()]).toEqual(["lattice.listWidth"]);
  });

  test("a storage that is forbidden does no harm", () => {
    const forbidden = () => {
      throw new DOMException("denied", "SecurityError");
    };
    expect(() => forgetOldDrafts(forbidden)).not.toThrow();
    expect(() => forgetOldDrafts(() => ({ length: 1, key: forbidden, removeItem: forbidden }))).not.toThrow();
  });
});
