/**
 * The renderer's engine client against a scripted port: calls, cancellation, subscriptions, resync, reconnect,
 * and fuzz. Promise under test: nothing that the other side sends can crash it or make a call hang for ever
 * once the connection is gone.
 */
import { CONTRACT_VERSION } from "../../preload/contract/engine-contract.ts";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AccountId } from "../../preload/contract/ids.ts";
import { CommandError } from "../../renderer/engine-client/command-error.ts";
import { openEngineClient } from "../../renderer/engine-client/engine-client.ts";
import type { EngineClient } from "../../renderer/engine-client/engine-client.ts";
import type { Op } from "../../preload/contract/frames.ts";
import { topicKey, ViewStore } from "../../renderer/engine-client/view-store.ts";
import type { PatchFrame } from "../../renderer/engine-client/view-store.ts";
import { ScriptedPort } from "./scripted-port.ts";

const accountId = "abcdefghijklmnop" as AccountId;
const badge = (unreadRoomCount: number) => ({
  key: "badge",
  unreadRoomCount,
  notificationCount: 0,
  highlightCount: 0,
  inviteCount: 0,
  missedCallCount: 0,
});
const member = (index: number) => ({
  key: `@u${index}:x.y`,
  userId: `@u${index}:x.y`,
  displayName: `U${index}`,
  membership: "join",
  powerLevel: 0,
});

let ports: ScriptedPort[];
let client: EngineClient;
const port = (): ScriptedPort => {
  const last = ports.at(-1);
  if (!last) throw new Error("no port was asked for");
  return last;
};
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(async () => {
  vi.useFakeTimers();
  ports = [];
  client = openEngineClient({
    connect: () => {
      const next = new ScriptedPort();
      ports.push(next);
      return Promise.resolve(next);
    },
  });
  await settled();
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
});

describe("calls", () => {
  test("a call waits for hello, then resolves with the parsed reply", async () => {
    const reply = client.call("rooms.createDirect", { accountId, userId: "@bob:x.y" as never });
    expect(port().sent).toEqual([]);
    port().hello();
    const [call] = port().sentOf("call");
    expect(call).toMatchObject({ command: "rooms.createDirect", args: { accountId, userId: "@bob:x.y" } });
    port().deliver({ t: "reply", id: call?.id, value: { roomId: "!r:x.y" } });
    await expect(reply).resolves.toEqual({ roomId: "!r:x.y" });
  });

  test("a failure rejects with its data, a reply that does not fit with our own bug", async () => {
    port().hello();
    const refused = client.call("sync.retryNow", { accountId });
    const misread = client.call("rooms.createDirect", { accountId, userId: "@bob:x.y" as never });
    const [first, second] = port().sentOf("call");
    port().deliver({ t: "failed", id: first?.id, error: { code: "forbidden", message: "No." } });
    port().deliver({ t: "reply", id: second?.id, value: { roomId: 7 } });
    await expect(refused).rejects.toMatchObject({ code: "forbidden", message: "No." });
    await expect(misread).rejects.toMatchObject({ code: "bug" });
  });

  test("aborting sends cancel, and before the connection rejects at once", async () => {
    const early = new AbortController();
    const waiting = client.call("sync.retryNow", { accountId }, { signal: early.signal });
    early.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    port().hello();
    expect(port().sentOf("call")).toEqual([]);
    const late = new AbortController();
    const running = client.call("sync.retryNow", { accountId }, { signal: late.signal });
    late.abort();
    const [call] = port().sentOf("call");
    expect(port().sentOf("cancel")).toEqual([{ t: "cancel", id: call?.id }]);
    port().deliver({ t: "failed", id: call?.id, error: { code: "cancelled", message: "" } });
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
  });

  test("progress reaches the caller", () => {
    port().hello();
    const onProgress = vi.fn();
    client.call("sync.retryNow", { accountId }, { onProgress }).catch(() => {});
    port().deliver({ t: "progress", id: port().sentOf("call")[0]?.id, done: 1, total: 3 });
    expect(onProgress).toHaveBeenCalledWith({ done: 1, total: 3 });
  });

  test("a lost connection fails every pending call as offline and is made again", async () => {
    port().hello();
    const pending = client.call("sync.retryNow", { accountId });
    port().close();
    await expect(pending).rejects.toMatchObject({ code: "offline" });
    expect(client.connection().state).toBe("restarting");
    await vi.advanceTimersByTimeAsync(300);
    expect(ports).toHaveLength(2);
    port().hello("engine-2");
    expect(client.connection()).toEqual({ state: "connected", engineId: "engine-2" });
  });

  test("the host's word counts: restarting fails calls, failed refuses them, running connects", async () => {
    port().hello();
    const pending = client.call("sync.retryNow", { accountId });
    client.hostStatus({ state: "restarting", attempt: 1, delayMs: 0 });
    await expect(pending).rejects.toMatchObject({ code: "offline" });
    client.hostStatus({ state: "failed", message: "No disk." });
    await expect(client.call("sync.retryNow", { accountId })).rejects.toMatchObject({
      code: "offline",
      message: "No disk.",
    });
    client.hostStatus({ state: "running" });
    await settled();
    expect(ports).toHaveLength(2);
  });

  test("another contract version is refused, not misread", async () => {
    const pending = client.call("sync.retryNow", { accountId });
    port().hello("engine-1", 999);
    await expect(pending).rejects.toMatchObject({ code: "bug" });
    expect(client.connection().state).toBe("failed");
  });
});

describe("subscriptions", () => {
  test("a view subscribes with its first reader, and again on the next connection, keeping what it shows", async () => {
    port().hello();
    const view = client.view("badge", {});
    const listener = vi.fn();
    const stop = view.subscribe(listener);
    const [subscribe] = port().sentOf("subscribe");
    port().deliver({ t: "patch", id: subscribe?.id, rev: 1, ops: [{ op: "reset", items: [badge(1)] }] });
    expect(view.snapshot()).toEqual({ status: "ready", items: [badge(1)] });
    expect(listener).toHaveBeenCalledTimes(1);
    port().close();
    await vi.advanceTimersByTimeAsync(300);
    port().hello("engine-2");
    expect(view.snapshot()).toEqual({ status: "ready", items: [badge(1)] });
    const [again] = port().sentOf("subscribe");
    expect(again?.id).not.toBe(subscribe?.id);
    port().deliver({ t: "patch", id: again?.id, rev: 1, ops: [{ op: "reset", items: [badge(2)] }] });
    expect(view.snapshot()).toEqual({ status: "ready", items: [badge(2)] });
    stop();
  });

  test("readers share one subscription, which outlives the last by five seconds", async () => {
    port().hello();
    const first = client.view("roomList", { accountId }).subscribe(() => {});
    const second = client.view("roomList", { accountId }).subscribe(() => {});
    expect(port().sentOf("subscribe")).toHaveLength(1);
    first();
    second();
    await vi.advanceTimersByTimeAsync(4_900);
    client.view("roomList", { accountId }).subscribe(() => {})();
    await vi.advanceTimersByTimeAsync(4_900);
    expect(port().sentOf("unsubscribe")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(port().sentOf("unsubscribe")).toHaveLength(1);
  });

  test("a gap in rev asks for a reset once and ignores patches until it comes", () => {
    port().hello();
    const view = client.view("badge", {});
    view.subscribe(() => {});
    const id = port().sentOf("subscribe")[0]?.id;
    port().deliver({ t: "patch", id, rev: 1, ops: [{ op: "reset", items: [badge(1)] }] });
    port().deliver({ t: "patch", id, rev: 3, ops: [{ op: "replace", at: 0, item: badge(3) }] });
    port().deliver({ t: "patch", id, rev: 4, ops: [{ op: "replace", at: 0, item: badge(4) }] });
    expect(port().sentOf("resync")).toEqual([{ t: "resync", id }]);
    expect(view.snapshot()).toEqual({ status: "ready", items: [badge(1)] });
    port().deliver({ t: "patch", id, rev: 1, ops: [{ op: "reset", items: [badge(5)] }] });
    expect(view.snapshot()).toEqual({ status: "ready", items: [badge(5)] });
  });

  test("two sides that never agree end as lost instead of resyncing for ever", () => {
    port().hello();
    const view = client.view("badge", {});
    view.subscribe(() => {});
    const id = port().sentOf("subscribe")[0]?.id;
    for (let round = 0; round < 20; round++) {
      port().deliver({ t: "patch", id, rev: 1, ops: [{ op: "reset", items: [] }] });
      port().deliver({ t: "patch", id, rev: 2, ops: [{ op: "cut", at: 9 }] });
    }
    expect(view.snapshot().status).toBe("lost");
    expect(port().sentOf("resync").length).toBeLessThanOrEqual(5);
  });

  test("lost reaches the reader; a new reader tries again", () => {
    port().hello();
    const view = client.view("badge", {});
    const stop = view.subscribe(() => {});
    const id = port().sentOf("subscribe")[0]?.id;
    port().deliver({ t: "lost", id, error: { code: "not-found", message: "Gone." } });
    expect(view.snapshot()).toEqual({ status: "lost", error: { code: "not-found", message: "Gone." } });
    stop();
    view.subscribe(() => {});
    expect(port().sentOf("subscribe")).toHaveLength(2);
  });

  test("an item that does not parse keeps its place and is not shown", () => {
    port().hello();
    const view = client.view("members", { accountId, roomId: "!r:x.y" as never });
    view.subscribe(() => {});
    const id = port().sentOf("subscribe")[0]?.id;
    port().deliver({ t: "patch", id, rev: 1, ops: [{ op: "reset", items: [member(0), { key: 1 }, member(2)] }] });
    port().deliver({ t: "patch", id, rev: 2, ops: [{ op: "replace", at: 2, item: member(3) }] });
    expect(view.snapshot()).toEqual({ status: "ready", items: [member(0), member(3)] });
  });
});

describe("fuzz", () => {
  const hostileId = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.double(), fc.string());
  const hostileOp = fc.record(
    {
      op: fc.constantFrom("reset", "insert", "replace", "cut", "", "__proto__"),
      at: hostileId,
      item: fc.anything(),
      items: fc.oneof(fc.array(fc.anything()), fc.anything()),
    },
    { requiredKeys: ["op"] },
  );
  const hostileFrame = fc.oneof(
    fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true }),
    fc.record(
      {
        t: fc.constantFrom("hello", "reply", "failed", "progress", "patch", "lost", "nonsense"),
        id: hostileId,
        value: fc.anything(),
        error: fc.oneof(
          fc.anything(),
          fc.record({ code: fc.constantFrom("bug", "offline", "none"), message: fc.string() }),
        ),
        rev: fc.integer({ min: -1, max: 4 }),
        ops: fc.oneof(fc.array(hostileOp), fc.anything()),
        done: fc.double(),
        engineId: fc.string(),
        contractVersion: fc.constantFrom(CONTRACT_VERSION, CONTRACT_VERSION, 1, "2"),
      },
      { requiredKeys: ["t"] },
    ),
  );

  test("no payload from the engine's side crashes the client, and every call ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileFrame, { maxLength: 30 }), async (frames) => {
        const own = new ScriptedPort();
        const fuzzed = openEngineClient({ connect: () => Promise.resolve(own) });
        await settled();
        own.hello();
        const views = [
          fuzzed.view("badge", {}),
          fuzzed.view("roomList", { accountId }),
          fuzzed.view("timeline", { accountId, roomId: "!r:x.y" as never }),
        ];
        for (const view of views) view.subscribe(() => {});
        const call = fuzzed.call("rooms.createDirect", { accountId, userId: "@bob:x.y" as never }).then(
          (value) => typeof value.roomId === "string",
          (error: unknown) => error instanceof CommandError,
        );
        for (const frame of frames) own.deliver(frame);
        for (const view of views) expect(["loading", "ready", "lost"]).toContain(view.snapshot().status);
        fuzzed.close();
        expect(await call).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("valid patches give exactly the list that the engine has", () => {
    const step = fc.record({
      op: fc.constantFrom("insert", "replace", "cut", "reset"),
      at: fc.nat(20),
      item: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 20 }), (patches) => {
        const store = new ViewStore("members", {}, "key");
        const model: unknown[] = [];
        store.apply({ t: "patch", id: 1, rev: 1, ops: [{ op: "reset", items: [] }] });
        patches.forEach((steps, index) => {
          const ops = steps.flatMap((wanted): Op[] => {
            const item = member(wanted.item);
            if (wanted.op === "reset") {
              model.splice(0, model.length, item);
              return [{ op: "reset", items: [item] }];
            }
            if (wanted.op === "insert") {
              const at = wanted.at % (model.length + 1);
              model.splice(at, 0, item);
              return [{ op: "insert", at, item }];
            }
            if (model.length === 0) return [];
            const at = wanted.at % model.length;
            if (wanted.op === "replace") model[at] = item;
            else model.splice(at, 1);
            return [wanted.op === "replace" ? { op: "replace", at, item } : { op: "cut", at }];
          });
          expect(store.apply({ t: "patch", id: 1, rev: index + 2, ops: ops as PatchFrame["ops"] })).toBe("applied");
        });
        const snapshot = store.snapshot();
        expect(snapshot.status === "ready" ? snapshot.items : []).toEqual(model);
      }),
    );
  });

  test("topic keys do not depend on the order of the arguments, nor mix topics up", () => {
    expect(topicKey("room", { accountId, roomId: "!r" })).toBe(topicKey("room", { roomId: "!r", accountId }));
    expect(topicKey("room", { roomId: "!r" })).not.toBe(topicKey("members", { roomId: "!r" }));
    expect(topicKey("room", { a: undefined })).toBe(topicKey("room", {}));
  });
});
