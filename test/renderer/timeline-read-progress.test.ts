/**
 * When a room counts as read. Subject: renderer/features/timeline/read-progress.ts.
 */
import * as v from "valibot";
import { expect, test } from "vitest";
import { eventIdSchema } from "../../preload/contract/ids.ts";
import { createReadProgress } from "../../renderer/features/timeline/read-progress.ts";

const id = (name: string) => v.parse(eventIdSchema, `$${name}`);

/** One timer at a time, run by hand. */
function openJudge() {
  const marked: string[] = [];
  const timers = new Map<number, () => void>();
  let next = 1;
  const judge = createReadProgress((eventId) => marked.push(eventId), {
    set: (run) => {
      timers.set(next, run);
      return next++;
    },
    clear: (timer) => void timers.delete(timer),
  });
  const elapse = () => {
    const due = [...timers.values()];
    timers.clear();
    for (const run of due) run();
  };
  return { judge, marked, elapse };
}

test("marks the newest event once, after the delay", () => {
  const { judge, marked, elapse } = openJudge();
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  expect(marked).toEqual([]);
  elapse();
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  elapse();
  expect(marked).toEqual(["$a"]);
});

test("a newer event takes the place of one that waits", () => {
  const { judge, marked, elapse } = openJudge();
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  judge.see({ isAtEnd: true, isAttended: true, newest: id("b") });
  elapse();
  expect(marked).toEqual(["$b"]);
});

test.each([
  ["scrolled up", { isAtEnd: false, isAttended: true }],
  ["looking elsewhere", { isAtEnd: true, isAttended: false }],
])("%s before the delay is over: nothing is marked", (_name, sight) => {
  const { judge, marked, elapse } = openJudge();
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  judge.see({ ...sight, newest: id("a") });
  elapse();
  expect(marked).toEqual([]);
});

test("what another device has read is not marked again", () => {
  const { judge, marked, elapse } = openJudge();
  judge.wasReadUpTo(id("a"));
  judge.see({ isAtEnd: true, isAttended: true, newest: id("a") });
  elapse();
  expect(marked).toEqual([]);
});
