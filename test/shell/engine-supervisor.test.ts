/**
 * The supervisor with a pretended engine process: restart with back-off, ports that wait, failures that are told.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";
import { backoffDelayMs } from "../../main/shell/backoff.ts";
import { EngineOpenError, EngineSupervisor, type EngineProcess } from "../../main/shell/engine-supervisor.ts";

type Port = { name: string; isClosed: boolean; close(): void };
const makePort = (name: string): Port => ({
  name,
  isClosed: false,
  close() {
    this.isClosed = true;
  },
});

function openBench(
  openMessage: () => Promise<{ dataDir: string; profileKey: Uint8Array }> = async () => ({
    dataDir: "/d",
    profileKey: new Uint8Array(32),
  }),
) {
  const processes: {
    posted: unknown[];
    ports: Port[];
    say(message: unknown): void;
    exit(code: number): void;
    isKilled: boolean;
  }[] = [];
  const statuses: EngineStatus[] = [];
  const supervisor = new EngineSupervisor<Port>({
    openMessage,
    fork(): EngineProcess<Port> {
      const messageListeners: ((message: unknown) => void)[] = [];
      const exitListeners: ((code: number) => void)[] = [];
      const entry = {
        posted: [] as unknown[],
        ports: [] as Port[],
        isKilled: false,
        say: (message: unknown) => messageListeners.forEach((listener) => listener(message)),
        exit: (code: number) => exitListeners.splice(0).forEach((listener) => listener(code)),
      };
      processes.push(entry);
      return {
        post: (message, ports = []) => void (entry.posted.push(message), entry.ports.push(...ports)),
        onMessage: (listener) => void messageListeners.push(listener),
        onExit: (listener) => void exitListeners.push(listener),
        kill: () => {
          entry.isKilled = true;
          entry.exit(143);
        },
      };
    },
    log: { info() {}, warn() {}, error() {} },
    random: () => 1,
  });
  supervisor.onStatus((status) => statuses.push(status));
  const settle = () => vi.advanceTimersByTimeAsync(0);
  return { supervisor, processes, statuses, settle, last: () => processes.at(-1)! };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("opens the engine with the key by message, then hands out the newest port of each owner", async () => {
  const bench = openBench();
  const [first, second, shell] = [makePort("w1"), makePort("w2"), makePort("s")];
  bench.supervisor.start();
  bench.supervisor.connect("window", first);
  bench.supervisor.connect("window", second);
  bench.supervisor.connect("shell", shell);
  await bench.settle();
  expect(bench.last().posted).toEqual([{ dataDir: "/d", profileKey: new Uint8Array(32) }]);
  bench.last().say({ state: "opened" });
  expect(bench.statuses).toEqual([{ state: "running" }]);
  expect(bench.last().ports.map((port) => port.name)).toEqual(["w2", "s"]);
  expect(first.isClosed).toBe(true);
});

test("restarts with growing waits, and counts anew after a steady life", async () => {
  const bench = openBench();
  bench.supervisor.start();
  await bench.settle();
  for (const delayMs of [250, 500, 1_000]) {
    bench.last().say({ state: "opened" });
    bench.last().exit(9);
    expect(bench.statuses.at(-1)).toMatchObject({ state: "restarting", delayMs });
    await vi.advanceTimersByTimeAsync(delayMs);
  }
  bench.last().say({ state: "opened" });
  await vi.advanceTimersByTimeAsync(61_000);
  bench.last().exit(9);
  expect(bench.statuses.at(-1)).toEqual({ state: "restarting", attempt: 1, delayMs: 250 });
  const waiting = makePort("w");
  bench.supervisor.connect("window", waiting);
  await vi.advanceTimersByTimeAsync(250);
  bench.last().say({ state: "opened" });
  expect(bench.last().ports).toEqual([waiting]);
});

test("an engine that never opens is given up with a message, and ports do not hang", async () => {
  const bench = openBench();
  bench.supervisor.start();
  const port = makePort("w");
  bench.supervisor.connect("window", port);
  for (let tries = 0; tries < 5; tries += 1) {
    await bench.settle();
    bench.last().exit(1);
    await vi.advanceTimersByTimeAsync(30_000);
  }
  expect(bench.processes).toHaveLength(5);
  expect(bench.supervisor.status).toMatchObject({
    state: "failed",
    message: expect.stringContaining("reinstall"),
  });
  expect(port.isClosed).toBe(true);
  const late = makePort("late");
  bench.supervisor.connect("window", late);
  expect(late.isClosed).toBe(true);
});

test("a profile that cannot be opened is told in the engine's own words, without a restart", async () => {
  const bench = openBench();
  bench.supervisor.start();
  await bench.settle();
  bench.last().say({ state: "failed", message: "This profile was made by a newer Lattice." });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(bench.statuses).toEqual([{ state: "failed", message: "This profile was made by a newer Lattice." }]);
  expect(bench.processes).toHaveLength(1);
  expect(bench.last().isKilled).toBe(true);
});

test("a locked key store is explained and tried again", async () => {
  let isLocked = true;
  const bench = openBench(async () => {
    if (isLocked) throw new EngineOpenError("unlock your keyring", { retryAfterMs: 10_000 });
    return { dataDir: "/d", profileKey: new Uint8Array(32) };
  });
  bench.supervisor.start();
  await bench.settle();
  expect(bench.supervisor.status).toEqual({ state: "failed", message: "unlock your keyring" });
  isLocked = false;
  await vi.advanceTimersByTimeAsync(10_000);
  bench.last().say({ state: "opened" });
  expect(bench.supervisor.status).toEqual({ state: "running" });
});

test("stopping lets the engine close, and kills it when it does not", async () => {
  for (const isStuck of [false, true]) {
    const bench = openBench();
    bench.supervisor.start();
    await bench.settle();
    bench.last().say({ state: "opened" });
    const stopped = bench.supervisor.stop();
    expect(bench.last().posted.at(-1)).toEqual({ close: true });
    if (isStuck) await vi.advanceTimersByTimeAsync(5_000);
    else bench.last().exit(0);
    await stopped;
    expect(bench.last().isKilled).toBe(isStuck);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bench.processes).toHaveLength(1);
  }
});

test("reports that cannot be read change nothing", async () => {
  const bench = openBench();
  bench.supervisor.start();
  await bench.settle();
  for (const report of [undefined, null, 1, "opened", {}, { state: "x" }, { state: "failed" }, [{ state: "opened" }]])
    bench.last().say(report);
  expect(bench.statuses).toEqual([]);
});

test("the wait doubles up to its ceiling", () => {
  const rule = { firstMs: 250, maxMs: 30_000 };
  expect([0, 1, 2, 3, 20, 1e9].map((attempt) => backoffDelayMs(rule, attempt, () => 1))).toEqual([
    250, 500, 1_000, 2_000, 30_000, 30_000,
  ]);
  expect(backoffDelayMs(rule, 0, () => 0)).toBe(125);
});
