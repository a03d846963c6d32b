/**
 * The supervisor of the engine's process: ports, crashes, orders. Runs against a child that speaks the channel without
 * an engine. Invariant under test: a crash closes every port, and the next child serves the next port.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { superviseEngine, type SupervisedEngine } from "../../main/browser-host/engine-process.ts";
import { openPortPair } from "../../main/browser-host/port-pair.ts";
import type { EngineStatus } from "../../preload/contract/shell-contract.ts";

const CHILD = `
process.on("message", (told) => {
  if (told.kind === "end") process.exit(0);
  if (told.kind === "frame" && told.frame.t === "cancel") process.send({ kind: "close", portId: told.portId });
  else if (told.kind === "frame") process.send({ kind: "frame", portId: told.portId, frame: { echo: told.frame, pid: process.pid, bytes: new Uint8Array([7]) } });
});
process.on("disconnect", () => process.exit(0));
process.send("nonsense");
process.send({ kind: "ready" });
`;

let folder: string;
let engine: SupervisedEngine | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-engine-test-"));
});
afterEach(async () => {
  await engine?.close();
  engine = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(program: string, onPid?: (pid: number) => void): Promise<SupervisedEngine> {
  const childPath = join(folder, "child.mjs");
  await writeFile(childPath, program);
  engine = superviseEngine({ childPath, dataDir: folder, ...(onPid ? { onPid } : {}) });
  return engine;
}

function untilState(of: SupervisedEngine, state: EngineStatus["state"]): Promise<EngineStatus> {
  if (of.status.state === state) return Promise.resolve(of.status);
  return new Promise((resolve) => {
    const stop = of.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve(status);
    });
  });
}

function ask(of: SupervisedEngine): {
  reply: Promise<{ pid: number; bytes: Uint8Array }>;
  closed: Promise<void>;
  close: () => void;
  cancel: () => void;
} {
  const [near, far] = openPortPair();
  const reply = new Promise<{ pid: number; bytes: Uint8Array }>((resolve) =>
    near.onFrame((frame) => resolve(frame as never)),
  );
  const closed = new Promise<void>((resolve) => near.onClose(resolve));
  of.connect(far);
  near.post({ t: "unsubscribe", id: 1 });
  return { reply, closed, close: () => near.close(), cancel: () => near.post({ t: "cancel", id: 1 }) };
}

test("frames pass both ways, bytes included, and either side can close a port", async () => {
  const running = await start(CHILD);
  await untilState(running, "running");
  const first = ask(running);
  const reply = await first.reply;
  expect(reply.pid).toBe(running.pid);
  expect([...reply.bytes]).toEqual([7]);
  first.cancel();
  await first.closed;
  const second = ask(running);
  await second.reply;
  second.close();
  await second.closed;
});

test("a killed engine is started again, with its ports closed first", async () => {
  const pids: number[] = [];
  const running = await start(CHILD, (pid) => pids.push(pid));
  await untilState(running, "running");
  const before = ask(running);
  const firstPid = (await before.reply).pid;
  process.kill(firstPid, "SIGKILL");
  await before.closed;
  expect(await untilState(running, "restarting")).toEqual({ state: "restarting", attempt: 1, delayMs: 250 });
  const meanwhile = ask(running);
  await meanwhile.closed;
  await untilState(running, "running");
  const secondPid = (await ask(running).reply).pid;
  expect(secondPid).not.toBe(firstPid);
  expect(pids).toEqual([firstPid, secondPid]);
});

test("a restart that was asked for does not wait", async () => {
  const running = await start(CHILD);
  await untilState(running, "running");
  const { pid } = running;
  running.restart();
  expect(await untilState(running, "restarting")).toMatchObject({ delayMs: 0 });
  await untilState(running, "running");
  expect(running.pid).not.toBe(pid);
});

test("an engine that can never open is reported with its reason and left alone", async () => {
  const pids: number[] = [];
  const message = "The database is from a newer version of Lattice. Update the app.";
  const failing = await start(
    `process.send({ kind: "failed", message: ${JSON.stringify(message)}, isFinal: true }, () => process.exit(1));`,
    (pid) => pids.push(pid),
  );
  expect(await untilState(failing, "failed")).toEqual({ state: "failed", message });
  expect(pids).toHaveLength(1);
});

test("an engine that dies at its start is tried again with a growing wait", async () => {
  const waits: number[] = [];
  const failing = await start("process.exit(3);");
  await new Promise<void>((resolve) => {
    failing.onStatus((status) => {
      if (status.state === "restarting") waits.push(status.delayMs);
      if (waits.length === 3) resolve();
    });
  });
  expect(waits).toEqual([250, 500, 1_000]);
});
