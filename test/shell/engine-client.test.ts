/**
 * The shell as a client of the engine: replies, patches with a gapless rev, restarts, and frames that are no frames.
 */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { FramePort } from "../../preload/contract/frames.ts";
import { EngineClient, EngineLink } from "../../main/shell/engine-client.ts";

const log = { info() {}, warn() {}, error() {} };

function openPort() {
  const sent: Record<string, unknown>[] = [];
  let onFrame: (frame: unknown) => void = () => {};
  let onClose: () => void = () => {};
  const port: FramePort = {
    post: (frame) => void sent.push(frame),
    onFrame: (listener) => void (onFrame = listener),
    onClose: (listener) => void (onClose = listener),
    close: () => {},
  };
  return { port, sent, say: (frame: unknown) => onFrame(frame), drop: () => onClose() };
}

const badge = (count: number) => ({
  key: "badge",
  unreadRoomCount: count,
  notificationCount: count,
  highlightCount: 0,
  inviteCount: 0,
  missedCallCount: 0,
});

test("a command is answered by its own reply, parsed", async () => {
  const bench = openPort();
  const client = new EngineClient(bench.port, log);
  const good = client.call("accounts.signOut", { accountId: "a1b2c3d4e5f6g7h8" as never });
  const bad = client.call("media.fetch", {} as never);
  const refused = client.call("media.fetch", {} as never);
  bench.say({ t: "reply", id: 2, value: { contentType: 1 } });
  bench.say({ t: "failed", id: 3, error: { code: "not-found", message: "It is gone." } });
  bench.say({ t: "reply", id: 1, value: {} });
  expect(await good).toEqual({});
  await expect(bad).rejects.toMatchObject({ code: "bug" });
  await expect(refused).rejects.toMatchObject({ code: "not-found", message: "It is gone." });
});

test("a command without an answer is taken back", async () => {
  vi.useFakeTimers();
  const bench = openPort();
  const call = new EngineClient(bench.port, log).call("sync.retryNow", {} as never, {
    timeoutMs: 100,
  });
  const failed = expect(call).rejects.toMatchObject({ code: "offline" });
  await vi.advanceTimersByTimeAsync(100);
  await failed;
  expect(bench.sent.at(-1)).toEqual({ t: "cancel", id: 1 });
  vi.useRealTimers();
});

test("patches apply in order; a gap asks for a reset and nothing is shown until it comes", () => {
  const bench = openPort();
  const seen: number[][] = [];
  new EngineClient(bench.port, log).subscribe("badge", {}, (items) =>
    seen.push(items.map((item) => item.notificationCount)),
  );
  bench.say({ t: "patch", id: 1, rev: 1, ops: [{ op: "reset", items: [badge(1)] }] });
  bench.say({
    t: "patch",
    id: 1,
    rev: 2,
    ops: [
      { op: "replace", at: 0, item: badge(2) },
      { op: "insert", at: 1, item: badge(3) },
    ],
  });
  bench.say({ t: "patch", id: 1, rev: 4, ops: [{ op: "cut", at: 0 }] });
  bench.say({ t: "patch", id: 1, rev: 5, ops: [{ op: "cut", at: 0 }] });
  expect(seen).toEqual([[1], [2, 3]]);
  expect(bench.sent.filter((frame) => frame["t"] === "resync")).toEqual([{ t: "resync", id: 1 }]);
  bench.say({
    t: "patch",
    id: 1,
    rev: 1,
    ops: [{ op: "reset", items: [badge(9), { key: "nonsense" }] }],
  });
  expect(seen.at(-1)).toEqual([9]);
});

test("what the shell watches goes on over a restart of the engine", async () => {
  const ports: ReturnType<typeof openPort>[] = [];
  const link = new EngineLink(() => {
    const bench = openPort();
    ports.push(bench);
    return bench.port;
  }, log);
  const seen: number[] = [];
  link.watch("badge", {}, ([item]) => seen.push(item?.notificationCount ?? 0));
  const early = link.call("sync.retryNow", {} as never);
  for (const count of [1, 2]) {
    link.onEngineStatus({ state: "running" });
    await Promise.resolve();
    const subscribe = ports.at(-1)!.sent.find((frame) => frame["t"] === "subscribe")!;
    ports.at(-1)!.say({
      t: "patch",
      id: subscribe["id"],
      rev: 1,
      ops: [{ op: "reset", items: [badge(count)] }],
    });
    const call = ports.at(-1)!.sent.find((frame) => frame["t"] === "call");
    if (call) ports.at(-1)!.say({ t: "reply", id: call["id"], value: {} });
    link.onEngineStatus({ state: "restarting", attempt: 1, delayMs: 1 });
  }
  expect(await early).toEqual({});
  expect(seen).toEqual([1, 2]);
  link.onEngineStatus({ state: "failed", message: "It cannot start." });
  await expect(link.call("sync.retryNow", {} as never)).rejects.toThrow("It cannot start.");
});

test("no frame of the other side makes it throw", () => {
  const bench = openPort();
  new EngineClient(bench.port, log).subscribe("badge", {}, () => {});
  const op = fc.record({
    op: fc.constantFrom("reset", "insert", "replace", "cut"),
    at: fc.oneof(fc.integer(), fc.double()),
    items: fc.array(fc.anything()),
    item: fc.anything(),
  });
  const frame = fc.record({
    t: fc.constantFrom("hello", "reply", "failed", "patch", "lost", "x"),
    id: fc.integer({ min: 0, max: 2 }),
    rev: fc.integer({ min: 0, max: 3 }),
    ops: fc.array(op),
    value: fc.anything(),
  });
  fc.assert(fc.property(fc.oneof(fc.anything(), frame), (data) => bench.say(data)));
});
