/** A call that outlives its engine, by a client of paper. What the whole app makes of it shows test/e2e/messages.spec.ts. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CommandArgs } from "../../preload/contract/engine-contract.ts";
import { CommandError } from "../../renderer/engine-client/command-error.ts";
import type { EngineClient, EngineConnection } from "../../renderer/engine-client/engine-client.ts";
import { callSteadily } from "../../renderer/engine-client/steady-call.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const args = { txnId: "m1" } as CommandArgs<"outbox.send">;
const offline = new CommandError({ code: "offline", message: "interrupted" });
const full = new CommandError({ code: "disk-full", message: "full" });

/** A client whose replies are those given, in order; at the end it takes everything. */
function openWorld(...errors: CommandError[]) {
  let connection: EngineConnection = { state: "connected", engineId: "one" };
  const listeners = new Set<() => void>();
  const calls: unknown[] = [];
  const client = {
    call: async (_command: string, called: unknown) => {
      calls.push(called);
      const error = errors.shift();
      if (error) throw error;
      return { done: true };
    },
    connection: () => connection,
    onConnection: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as EngineClient;
  let outcome: unknown;
  const begin = () =>
    void callSteadily(client, "outbox.send", args).then(
      () => (outcome = "taken"),
      (error: unknown) => (outcome = error),
    );
  const become = async (next: EngineConnection) => {
    connection = next;
    for (const listener of [...listeners]) listener();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { begin, become, calls, listeners, outcome: () => outcome };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

test("an engine that ends before it replied is asked again when it is back, for the same", async () => {
  const { begin, become, calls, listeners, outcome } = openWorld(offline);
  await become({ state: "restarting" });
  begin();
  await vi.advanceTimersByTimeAsync(5_000);
  await become({ state: "connecting" });
  expect([calls.length, outcome()]).toEqual([1, undefined]);
  await become({ state: "connected", engineId: "two" });
  expect(calls).toEqual([args, args]);
  expect([outcome(), listeners.size, vi.getTimerCount()]).toEqual(["taken", 0, 0]);
});

test("what does not come back, or cannot, is told", async () => {
  const away = openWorld(offline);
  await away.become({ state: "restarting" });
  away.begin();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([away.outcome(), away.calls.length, away.listeners.size]).toEqual([offline, 1, 0]);

  const failed = openWorld(offline);
  await failed.become({ state: "restarting" });
  failed.begin();
  await settle();
  await failed.become({ state: "failed", message: "broken" });
  expect([failed.outcome(), failed.calls.length]).toEqual([offline, 1]);
});

test("a refusal is told at once, and an engine that ends again and again is not asked for ever", async () => {
  const refused = openWorld(full);
  refused.begin();
  await settle();
  expect([refused.outcome(), refused.calls.length]).toEqual([full, 1]);
  const dying = openWorld(offline, offline, offline, offline, offline);
  dying.begin();
  await settle();
  expect([dying.outcome(), dying.calls.length]).toEqual([offline, 4]);
});
