/**
 * Room keys that come in while the engine is killed at its commits, again and again: what the server has handed out once
 * is on the disk, or is handed out again. Afterwards every message decrypts; there is no backup that could help. (R4)
 */
import {
  CollectStrategy,
  EncryptionSettings,
  RoomId as WasmRoomId,
  UserId as WasmUserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { randomBytes, randomInt } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { RoomId } from "../../preload/contract/ids.ts";
import type { TimelineItem } from "../../preload/contract/views.ts";
import { bodies, startProxyBefore, TestEngine } from "../support/engine-harness.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { RawDevice } from "../support/raw-device.ts";
import { newUser, sharedHomeserver } from "../support/users.ts";
import { quickCheck } from "./support/profile.ts";
import { isFast, report } from "./support/scale.ts";
import type { ChildOrder } from "./support/session-child.ts";
import { readTrace, runTraced, whyNoStrace, type KillPoint } from "./support/traced.ts";

/** The server hands out a hundred at a time. */
const KEYS = isFast ? 100 : 1_000;
const KILLS = isFast ? 3 : 25;

const reason = whyNoStrace();
if (reason !== undefined) process.stderr.write(`SKIPPED: no engine is killed while it receives keys: ${reason}.\n`);

test.skipIf(reason !== undefined)(
  `${KEYS} room keys, and an engine killed at its commits: every message decrypts`,
  async () => {
    const profileKey = randomBytes(32);
    const dataDir = await mkdtemp(join(tmpdir(), "lattice-faults-"));
    const account = await newUser("bob");
    await using proxy = await startProxyBefore(sharedHomeserver().baseUrl);
    const open = () => TestEngine.open({ dataDir, profileKey });

    const first = await TestEngine.signedIn(proxy.url, account, { dataDir, profileKey });
    const { accountId } = first;
    await first.until("encryption", { accountId }, ([view]) => view?.isDeviceVerified === true);
    const sender = await RawDevice.start(sharedHomeserver().baseUrl, await newUser("sender"));
    const roomId = (await sender.bare.createRoom({
      preset: "private_chat",
      invite: [account.userId],
      initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    })) as RoomId;
    await first.until("roomList", { accountId }, (rows) => rows.some((row) => row.roomId === roomId));
    await first.client.call("rooms.join", { accountId, room: roomId });
    await first.close();

    let delivered = 0;
    let syncsWithKeys = 0;
    proxy.add({
      path: /\/sync\?/u,
      response: {
        rewrite(body) {
          const count = (body as { to_device?: { events: unknown[] } }).to_device?.events.length ?? 0;
          delivered += count;
          if (count > 0) syncsWithKeys += 1;
          return body;
        },
      },
    });
    const order: ChildOrder = {
      dataDir,
      profileKey: profileKey.toString("base64"),
      work: { kind: "catch-up" },
      end: "close",
    };

    // What it calls before it asks the server anything: a kill there would only repeat the one before.
    const logPath = join(dataDir, "trace.log");
    await whileCatchingUp(proxy, (end) => runTraced(order, { logPath, end }));
    const trace = await readTrace(logPath);
    const untilSync = trace.slice(
      0,
      trace.findIndex(({ text }) => text.includes("/_matrix/client/v3/sync?")),
    );
    const before = (call: string) => untilSync.findLast((each) => each.call === call)?.k ?? 0;

    const texts = await sendWithNewKeys(sender, roomId, account.userId, KEYS);
    delivered = 0;
    syncsWithKeys = 0;
    let kills = 0;
    for (let life = 0; life < KILLS; life += 1) {
      // At the sync to disk itself, or at any page before it: within one commit, and between two.
      const call = life % 2 === 0 ? "fsync" : "pwrite64";
      const kill: KillPoint = { call, k: before(call) + randomInt(1, call === "fsync" ? 5 : 300) };
      const { isKilled } = await whileCatchingUp(proxy, (end) => runTraced(order, { kill, end }));
      if (isKilled) kills += 1;
      expect(quickCheck(dataDir)).toEqual({ checked: 2, damages: [] });
      // All have come through in spite of everything.
      if (!isKilled) break;
    }

    await using last = await open();
    await last.until("accounts", {}, (rows) => rows.length === 1);
    last.accountId = accountId;
    await last.until("syncState", { accountId }, ([sync]) => sync?.state === "live");
    const items = await wholeTimeline(last, roomId);
    const unread = items.filter(isUnread).length;
    report(
      `room keys ${KEYS}, handed out ${delivered} in ${syncsWithKeys} syncs, kill -9 ${kills}: ` +
        `undecryptable ${unread}/${KEYS}, messages ${bodies(items).length}/${KEYS}`,
    );
    expect(bodies(items).toSorted()).toEqual(texts.toSorted());
    expect(unread).toBe(0);
    expect(kills).toBeGreaterThan(0);
  },
  isFast ? 120_000 : 600_000,
);

/** Runs an engine, with a promise of the moment at which the server has had nothing more for it for a second. */
async function whileCatchingUp<T>(proxy: FaultProxy, run: (end: Promise<void>) => Promise<T>): Promise<T> {
  const from = proxy.requests.length;
  const isCaughtUp = (): boolean => {
    const sync = proxy.requests.slice(from).findLast(({ path }) => path.includes("/sync?"));
    return sync?.path.includes("timeout=30000") === true && sync.status === undefined && Date.now() - sync.atMs > 1_000;
  };
  const caughtUp = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (isCaughtUp()) caughtUp.resolve();
  }, 100);
  try {
    return await run(caughtUp.promise);
  } finally {
    clearInterval(timer);
  }
}

/** Sends messages, each with a room key of its own. */
async function sendWithNewKeys(sender: RawDevice, roomId: RoomId, userId: string, count: number): Promise<string[]> {
  await sender.shareKey(roomId, [userId]);
  const forAll = () => {
    const settings = new EncryptionSettings();
    settings.sharingStrategy = CollectStrategy.allDevices();
    return settings;
  };
  const texts = Array.from({ length: count }, (_, index) => `message ${index}`);
  let sending: Promise<unknown>[] = [];
  for (const body of texts) {
    await sender.olm.invalidateGroupSession(new WasmRoomId(roomId));
    const requests = await sender.olm.shareRoomKey(new WasmRoomId(roomId), [new WasmUserId(userId)], forAll());
    for (const { id, type, event_type: eventType, txn_id: txnId, body: messages } of requests) {
      sending.push(sender.bare.call("PUT", `/sendToDevice/${eventType}/${txnId}`, JSON.parse(messages)));
      await sender.olm.markRequestAsSent(id, type, "{}");
    }
    const text = JSON.stringify({ msgtype: "m.text", body });
    const content = await sender.encrypted(roomId, "m.room.message", text);
    sending.push(sender.bare.send(roomId, "m.room.encrypted", content));
    if (sending.length < 20) continue;
    await Promise.all(sending);
    sending = [];
  }
  await Promise.all(sending);
  return texts;
}

/** The timeline from its start, once all of it can be read; one that does not come to that is given as it is. */
async function wholeTimeline(engine: TestEngine, roomId: RoomId): Promise<readonly TimelineItem[]> {
  let items: readonly TimelineItem[] = [];
  // Open all the while: the window is that of whoever looks.
  const stop = engine.client.subscribe("timeline", engine.inRoom(roomId), (all) => (items = all));
  for (let page = 0, isAtStart = false; page < KEYS / 20 && !isAtStart; page += 1) {
    isAtStart = (await engine.client.call("timeline.paginate", engine.inRoom(roomId))).hasReachedStart;
  }
  const isWhole = () => items[0]?.kind === "start" && !items.some(isUnread);
  await vi.waitUntil(isWhole, { timeout: 10_000 }).catch(() => undefined);
  stop();
  return items;
}

const isUnread = (item: TimelineItem): boolean => item.kind === "placeholder" && item.reason === "undecryptable";
