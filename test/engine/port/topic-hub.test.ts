/**
 * When patches go out: bursts together, and what somebody waits for on the line at once.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AccountId } from "../../../preload/contract/ids.ts";
import { openTopicHub, type TopicSource } from "../../../main/engine/port/topic-hub.ts";
import { ChangeSet } from "../../../main/engine/sync/change-set.ts";

const accountId = "account1account1" as AccountId;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function subscribe(turn: TopicSource["turn"]) {
  const hub = openTopicHub((error) => {
    throw error;
  });
  let count = 0;
  const read = () => [{ key: String(count) }];
  const source: TopicSource = {
    key: "topic",
    accountId,
    turn,
    open: () => ({ read, isTouchedBy: () => true }),
  };
  const patches: { rev: number; key: string }[] = [];
  hub.subscribe(source, {
    patch: (rev, ops) => patches.push({ rev, key: JSON.stringify(ops).match(/"key":"(\d+)"/u)?.[1] ?? "" }),
    lost: () => {},
  });
  const change = () => {
    count += 1;
    hub.publish(accountId, new ChangeSet());
  };
  return { patches, change };
}

test("a burst of changes goes out as one patch, after its pause", async () => {
  const { patches, change } = subscribe("with-others");
  change();
  await vi.advanceTimersByTimeAsync(0);
  for (let each = 0; each < 3; each += 1) change();
  await vi.advanceTimersByTimeAsync(5);
  expect(patches.map(({ key }) => key)).toEqual(["0", "1"]);
  await vi.advanceTimersByTimeAsync(16);
  expect(patches).toEqual([
    { rev: 1, key: "0" },
    { rev: 2, key: "1" },
    { rev: 3, key: "4" },
  ]);
});

test("what is urgent goes out with the end of the work that has changed it, as one patch too", async () => {
  const { patches, change } = subscribe("at-once");
  for (let each = 0; each < 3; each += 1) change();
  expect(patches).toHaveLength(1);
  await Promise.resolve();
  expect(patches.slice(1)).toEqual([{ rev: 2, key: "3" }]);
  change();
  await Promise.resolve();
  expect(patches.at(-1)).toEqual({ rev: 3, key: "4" });
});

test("what tells that the others are complete goes after them, whoever was subscribed first", async () => {
  const hub = openTopicHub((error) => {
    throw error;
  });
  const said: string[] = [];
  let count = 0;
  for (const [key, turn] of [["state", "after-others"] as const, ["list", "with-others"] as const]) {
    const open = () => ({ read: () => [{ key: String(count) }], isTouchedBy: () => true });
    hub.subscribe({ key, accountId, turn, open }, { patch: () => said.push(key), lost: () => {} });
  }
  said.length = 0;
  count += 1;
  hub.publish(accountId, new ChangeSet());
  await vi.advanceTimersByTimeAsync(0);
  expect(said).toEqual(["list", "state"]);
});
