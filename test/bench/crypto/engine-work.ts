/**
 * The work of the crypto bench on our engine: sync responses through the pipeline with the steps of a session, from
 * the parsed body to the commit, into a store on disk. Opened by peer-process.ts.
 * Invariants: the server knows the sender's keys and answers nothing else, so that nothing but what is measured runs;
 * what was to be decrypted is in the store afterwards, sealed, or the work fails.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { AccountId, DeviceId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { systemClock } from "../../../main/engine/base/clock.ts";
import { Logger, silentSink } from "../../../main/engine/base/logger.ts";
import { openCrypto } from "../../../main/engine/crypto/crypto.ts";
import { cryptoStep } from "../../../main/engine/crypto/crypto.step.ts";
import type { CryptoServer } from "../../../main/engine/crypto/server.ts";
import { parseSyncBody } from "../../../main/engine/matrix/sync-body.ts";
import { pushStep } from "../../../main/engine/push/push.step.ts";
import { powerLevelsOf } from "../../../main/engine/rooms/room-view.ts";
import { roomsStep } from "../../../main/engine/rooms/rooms.step.ts";
import { openTyping } from "../../../main/engine/rooms/typing.ts";
import { openAccountStore } from "../../../main/engine/store/account-store.ts";
import { openPeople } from "../../../main/engine/store/people.ts";
import { openPipeline } from "../../../main/engine/sync/pipeline.ts";
import { timelineStep } from "../../../main/engine/timeline/timeline.step.ts";
import { PASSPHRASE, RECEIVER, SENDER, watchLag, type ImportResult, type Room, type Work } from "./work.ts";

const PROFILE_KEY = new Uint8Array(32).fill(9);
const UPLOADED_KEYS = 50;
/** So short a time is not to be seen one by one. */
const IDLE_SYNCS_AT_ONCE = 1_000;
const IDLE_SYNCS = 100;
/** Our own server: what it does not know waits for ever. */
const unanswered = new Promise<never>(() => undefined);

type Account = Awaited<ReturnType<typeof openAccount>>;

export function openEngineWork(folder: string): Work {
  const accounts = new Map<string, Account>();
  const accountOf = (deviceId: string): Account => {
    const account = accounts.get(deviceId);
    if (!account) throw new Error(`${deviceId} is not open`);
    return account;
  };
  return {
    async open(deviceId) {
      const account = await openAccount(join(folder, deviceId), deviceId);
      accounts.set(deviceId, account);
      return account.upload();
    },
    meet: (deviceId, senderKeys) => accountOf(deviceId).meet(senderKeys),
    async receive(deviceId, batches) {
      const bodies = batches.map((batch) => syncBody({ to_device: { events: JSON.parse(batch) as unknown } }));
      const startMs = performance.now();
      for (const body of bodies) await accountOf(deviceId).apply(body);
      return performance.now() - startMs;
    },
    decrypt: (deviceId, rooms) => accountOf(deviceId).decrypt(rooms),
    idle: (deviceId) => accountOf(deviceId).idle(),
    import: (deviceId, keys) => accountOf(deviceId).importKeys(keys),
    reopen: (deviceId) => accountOf(deviceId).reopen(),
    async close(deviceId) {
      await accountOf(deviceId).close();
      accounts.delete(deviceId);
    },
  };
}

async function openAccount(folder: string, deviceId: string) {
  mkdirSync(folder, { recursive: true });
  const store = openAccountStore(join(folder, "account.db"), PROFILE_KEY);
  const ending = new AbortController();
  const log = new Logger(silentSink);
  const ownUserId = RECEIVER as UserId;
  const server = openServer();
  const openOwnCrypto = () =>
    openCrypto({
      accountId: deviceId as AccountId,
      ownUserId,
      ownDeviceId: deviceId as DeviceId,
      folder,
      profileKey: PROFILE_KEY,
      store,
      server: server.client,
      clock: systemClock,
      log,
      signal: ending.signal,
      roomOrder: () => [],
      personOf: (userId) => ({ userId, displayName: userId }),
      loadMembers: async () => undefined,
      changed: () => undefined,
      keysArrived: () => undefined,
      trustChanged: () => undefined,
      retryDecryption: () => undefined,
      verified: () => undefined,
    });
  let crypto = openOwnCrypto();
  await crypto.parts();
  const push = pushStep({
    store,
    ownUserId,
    powerLevelsOf: (roomId) => powerLevelsOf(store, roomId),
    onNotified: () => undefined,
    onRead: () => undefined,
  });
  const pipeline = openPipeline({
    store,
    steps: [
      cryptoStep({ crypto, isEncrypted: (roomId) => store.rooms.read(roomId)?.isEncrypted ?? false }),
      roomsStep({ store, direct: { note() {}, settle() {}, flush() {} }, ownUserId, typing: openTyping(ownUserId) }),
      push.step,
      timelineStep({ store, people: openPeople(store.members), ownUserId, pushMarkOf: push.markOf }),
    ],
    publish: () => undefined,
    log,
    signal: ending.signal,
  });
  const { apply } = pipeline;

  return {
    apply,

    async upload(): Promise<string> {
      await (await crypto.parts()).outgoing.flush();
      return server.upload();
    },

    async meet(senderKeys: string): Promise<void> {
      server.setSenderKeys(senderKeys);
      await crypto.afterSync({ track: new Set([SENDER as UserId]), invalidate: new Set() });
      await (await crypto.parts()).outgoing.flush();
    },

    async decrypt(rooms: readonly Room[]): Promise<number> {
      await apply(syncBody({ rooms: { join: Object.fromEntries(rooms.map(({ roomId }) => [roomId, newRoom])) } }));
      const updates = Object.fromEntries(
        rooms.map(({ roomId, events }) => [
          roomId,
          { timeline: { events: events.map((event) => JSON.parse(event) as unknown), limited: false } },
        ]),
      );
      const body = syncBody({ rooms: { join: updates } });
      const startMs = performance.now();
      await apply(body);
      const tookMs = performance.now() - startMs;
      for (const { roomId, events } of rooms) {
        const shown = store.events.readNewestShown(roomId as RoomId, events.length);
        const readable = shown.filter(({ type, encryption }) => type === "m.room.message" && !encryption?.cause);
        if (readable.length !== events.length) throw new Error("not every event is in the store, and readable");
      }
      return tookMs;
    },

    async idle() {
      const { receiveSync } = await crypto.parts();
      const unchanged = syncBody({});
      await receiveSync(unchanged);
      const unchangedMs: number[] = [];
      const countsMs: number[] = [];
      for (let sync = 0; sync < IDLE_SYNCS; sync += 1) {
        const startMs = performance.now();
        for (let at = 0; at < IDLE_SYNCS_AT_ONCE; at += 1) await receiveSync(unchanged);
        unchangedMs.push((performance.now() - startMs) / IDLE_SYNCS_AT_ONCE);
      }
      for (let sync = 0; sync < IDLE_SYNCS; sync += 1) {
        const counts = { device_one_time_keys_count: { signed_curve25519: UPLOADED_KEYS - 1 - (sync % 2) } };
        const changed = syncBody(counts);
        const startMs = performance.now();
        await receiveSync(changed);
        countsMs.push(performance.now() - startMs);
      }
      return { unchangedMs, countsMs };
    },

    async importKeys(keys: string): Promise<ImportResult> {
      const parts = await crypto.parts();
      let first: { doneCount: number; atMs: number } | undefined;
      let doneCount = 0;
      const lag = watchLag();
      const report = (count: number) => {
        doneCount = count;
        first ??= { doneCount: count, atMs: performance.now() };
      };
      await parts.importKeys(keys, PASSPHRASE, { report });
      const endMs = performance.now();
      if (!first) throw new Error("no key was imported");
      return { count: doneCount - first.doneCount, tookMs: endMs - first.atMs, ...lag.stop() };
    },

    async reopen(): Promise<number> {
      await crypto.close();
      const startMs = performance.now();
      crypto = openOwnCrypto();
      await crypto.parts();
      return performance.now() - startMs;
    },

    async close(): Promise<void> {
      ending.abort();
      await crypto.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let lastBatch = 0;

/** A response of /sync, parsed. What it does not say of keys is as it was. */
function syncBody(response: object) {
  return parseSyncBody({
    next_batch: `batch-${(lastBatch += 1)}`,
    device_one_time_keys_count: { signed_curve25519: UPLOADED_KEYS },
    device_unused_fallback_key_types: ["signed_curve25519"],
    ...response,
  });
}

const stateEvent = (type: string, stateKey: string, content: object) => ({
  event_id: `$${type}`,
  type,
  state_key: stateKey,
  sender: SENDER,
  origin_server_ts: 1_700_000_000_000,
  content,
});

const newRoom = {
  state: {
    events: [
      stateEvent("m.room.create", "", { room_version: "11" }),
      stateEvent("m.room.encryption", "", { algorithm: "m.megolm.v1.aes-sha2" }),
      stateEvent("m.room.member", RECEIVER, { membership: "join" }),
      stateEvent("m.room.member", SENDER, { membership: "join" }),
    ],
  },
};

function openServer() {
  let uploaded = "";
  let senderKeys = "{}";
  const answers: Partial<CryptoServer> = {
    async uploadKeys(body) {
      uploaded ||= body;
      return JSON.stringify({ one_time_key_counts: { signed_curve25519: UPLOADED_KEYS } });
    },
    queryKeys: async () => senderKeys,
  };
  return {
    client: new Proxy(answers, {
      get: (target, name) => Reflect.get(target, name) ?? (() => unanswered),
    }) as CryptoServer,
    upload: () => uploaded,
    setSenderKeys: (keys: string) => void (senderKeys = keys),
  };
}
