/**
 * The port against a hostile client: whatever comes over it, the engine answers or drops, and goes on.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openEngine, type Engine } from "../../../main/engine/entry.node.ts";
import { portPair } from "../../../main/engine/port/local-client.ts";
import { engineCommands, engineTopics } from "../../../preload/contract/engine-contract.ts";
import type { EngineFrame, FramePort } from "../../../preload/contract/frames.ts";

let folder: string;
let engine: Engine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lattice-port-"));
  engine = await openEngine({
    dataDir: folder,
    profileKey: randomBytes(32),
    fetch: () => Promise.reject(new TypeError("no network here")),
  });
});
afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** A bare port, with the frames that came over it. */
function connect(): { port: FramePort; frames: EngineFrame[]; settle: () => Promise<void> } {
  const [near, far] = portPair();
  const frames: EngineFrame[] = [];
  near.onFrame((frame) => frames.push(frame as EngineFrame));
  engine.connect(far);
  return { port: near, frames, settle: () => new Promise((resolve) => setTimeout(resolve, 20)) };
}

/** Signing in and the like would wait for a network; the fuzz is about what comes over the port. */
const commandNames = Object.keys(engineCommands);
const topicNames = Object.keys(engineTopics);
const hostileId = fc.oneof(fc.integer(), fc.constant(1), fc.double(), fc.string());
const hostileArgs = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, maxDepth: 3 }),
  fc.record({
    accountId: fc.oneof(fc.constant("0123456789abcdef"), fc.string()),
    roomId: fc.oneof(fc.constant("!room:server"), fc.anything()),
  }),
  fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as object),
);
const hostileFrame = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, maxDepth: 3 }),
  fc.record({
    t: fc.constant("call"),
    id: hostileId,
    command: fc.oneof(fc.constantFrom(...commandNames), fc.string(), fc.constant("__proto__")),
    args: hostileArgs,
  }),
  fc.record({
    t: fc.constant("subscribe"),
    id: hostileId,
    topic: fc.oneof(fc.constantFrom(...topicNames), fc.string(), fc.constant("constructor")),
    args: hostileArgs,
  }),
  fc.record({ t: fc.constantFrom("cancel", "unsubscribe", "resync", "hello", "patch"), id: hostileId }),
);

test("no frame from a client brings the engine down, and an honest client beside it is served", async () => {
  const { port, settle } = connect();
  await fc.assert(
    fc.asyncProperty(fc.array(hostileFrame, { maxLength: 20 }), async (frames) => {
      for (const frame of frames) port.post(frame as never);
      await Promise.resolve();
    }),
    { numRuns: 300 },
  );
  await settle();
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  const client = engine.client();
  const rows = await new Promise((resolve) => client.subscribe("accounts", {}, resolve));
  expect(rows).toEqual([]);
});

test("what does not fit is answered with what is wrong", async () => {
  const { port, frames, settle } = connect();
  port.post({ t: "call", id: 1, command: "no.such.command", args: {} });
  port.post({ t: "call", id: 2, command: "accounts.signOut", args: { accountId: "../../etc" } });
  port.post({ t: "call", id: 3, command: "accounts.signOut", args: { accountId: "0123456789abcdef" } });
  port.post({ t: "subscribe", id: 4, topic: "roomList", args: { accountId: "0123456789abcdef" } });
  await settle();
  expect(frames[0]).toMatchObject({ t: "hello" });
  expect(frames.find((frame) => frame.t === "failed" && frame.id === 1)).toMatchObject({
    error: { code: "invalid-request" },
  });
  expect(frames.find((frame) => frame.t === "failed" && frame.id === 2)).toMatchObject({
    error: { code: "invalid-request" },
  });
  expect(frames.find((frame) => frame.t === "failed" && frame.id === 3)).toMatchObject({
    error: { code: "not-found" },
  });
  expect(frames.find((frame) => frame.t === "lost" && frame.id === 4)).toMatchObject({ error: { code: "not-found" } });
});

test("a subscription begins with a reset at rev 1, and resync gives it again", async () => {
  const { port, frames, settle } = connect();
  port.post({ t: "subscribe", id: 7, topic: "badge", args: {} });
  port.post({ t: "resync", id: 7 });
  await settle();
  const patches = frames.filter((frame) => frame.t === "patch");
  expect(patches.map((frame) => frame.rev)).toEqual([1, 1]);
  expect(patches[0]?.ops).toEqual([
    { op: "reset", items: [expect.objectContaining({ key: "badge", notificationCount: 0 })] },
  ]);
});

test("a command that was taken back says so", async () => {
  const { port, frames, settle } = connect();
  port.post({ t: "call", id: 9, command: "accounts.discover", args: { address: "example.invalid" } });
  port.post({ t: "cancel", id: 9 });
  await settle();
  expect(frames.find((frame) => frame.t === "failed" && frame.id === 9)).toMatchObject({
    error: { code: expect.stringMatching(/cancelled|offline/u) as string },
  });
});
