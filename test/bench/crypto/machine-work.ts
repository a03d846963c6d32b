/**
 * The work of the crypto bench on a bare OlmMachine, whatever its store; runs in Node and in a page. Opened by
 * peer-process.ts and by page.ts, which know the store.
 */
import {
  DecryptionSettings,
  DeviceLists,
  RequestType,
  RoomId,
  TrustRequirement,
  UserId,
  type OlmMachine,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { SENDER, watchLag, type ImportResult, type Room, type Work } from "./work.ts";

export type OpenedMachine = { olm: OlmMachine; close: () => void | Promise<void> };

export type MachineStore = {
  /** Opens the machine of this device, on the store that it had before if it had one. */
  open: (deviceId: string) => Promise<OpenedMachine>;
  /** Imports exported keys, in steps, and says after each how many are done. */
  importKeys: (olm: OlmMachine, keys: string, report: (doneCount: number) => void) => Promise<void>;
};

const IDLE_SYNCS = 100;
const UPLOADED_KEYS = 50;

export function openMachineWork(store: MachineStore): Work {
  const machines = new Map<string, OpenedMachine>();
  const machineOf = (deviceId: string): OlmMachine => {
    const machine = machines.get(deviceId);
    if (!machine) throw new Error(`${deviceId} is not open`);
    return machine.olm;
  };
  const closeMachine = async (deviceId: string): Promise<void> => {
    await machines.get(deviceId)?.close();
    machines.delete(deviceId);
  };

  return {
    async open(deviceId) {
      machines.set(deviceId, await store.open(deviceId));
      const olm = machineOf(deviceId);
      let upload = "";
      for (const request of await olm.outgoingRequests()) {
        if (request.type !== RequestType.KeysUpload) continue;
        upload = request.body;
        await olm.markRequestAsSent(request.id ?? "", request.type, uploaded(UPLOADED_KEYS));
      }
      return upload;
    },

    async meet(deviceId, senderKeys) {
      const olm = machineOf(deviceId);
      await olm.updateTrackedUsers([new UserId(SENDER)]);
      for (const request of await olm.outgoingRequests()) {
        if (request.type === RequestType.KeysQuery)
          await olm.markRequestAsSent(request.id ?? "", request.type, senderKeys);
      }
    },

    async receive(deviceId, batches) {
      const olm = machineOf(deviceId);
      const startMs = performance.now();
      for (const batch of batches) await receiveSync(olm, batch, UPLOADED_KEYS);
      return performance.now() - startMs;
    },

    async decrypt(deviceId, rooms, order) {
      const olm = machineOf(deviceId);
      const startMs = performance.now();
      if (order === "eachAlone") await decryptEachAlone(olm, rooms);
      else await Promise.all(rooms.flatMap(({ roomId, events }) => events.map((event) => decrypt(olm, roomId, event))));
      return performance.now() - startMs;
    },

    async idle(deviceId) {
      const olm = machineOf(deviceId);
      const unchangedMs: number[] = [];
      const countsMs: number[] = [];
      for (let at = 0; at < IDLE_SYNCS; at += 1) {
        unchangedMs.push(await timed(() => receiveSync(olm, "[]", UPLOADED_KEYS)));
        countsMs.push(await timed(() => receiveSync(olm, "[]", UPLOADED_KEYS - 1 - (at % 2))));
      }
      return { unchangedMs, countsMs };
    },

    async import(deviceId, keys): Promise<ImportResult> {
      const olm = machineOf(deviceId);
      let first: { doneCount: number; atMs: number } | undefined;
      let doneCount = 0;
      const lag = watchLag();
      await store.importKeys(olm, keys, (count) => {
        doneCount = count;
        first ??= { doneCount: count, atMs: performance.now() };
      });
      const endMs = performance.now();
      if (!first) throw new Error("no key was imported");
      return { count: doneCount - first.doneCount, tookMs: endMs - first.atMs, ...lag.stop() };
    },

    async reopen(deviceId) {
      await closeMachine(deviceId);
      const startMs = performance.now();
      machines.set(deviceId, await store.open(deviceId));
      return performance.now() - startMs;
    },

    close: closeMachine,
  };
}

const uploaded = (count: number): string => JSON.stringify({ one_time_key_counts: { signed_curve25519: count } });

async function receiveSync(olm: OlmMachine, toDevice: string, keyCount: number): Promise<void> {
  const processed = await olm.receiveSyncChanges(
    toDevice,
    new DeviceLists(),
    new Map([["signed_curve25519", keyCount]]),
    new Set(["signed_curve25519"]),
  );
  for (const event of processed) event.free();
}

async function decryptEachAlone(olm: OlmMachine, rooms: readonly Room[]): Promise<void> {
  for (const { roomId, events } of rooms) {
    // In order on purpose: that is what is measured.
    for (const event of events) await decrypt(olm, roomId, event);
  }
}

async function decrypt(olm: OlmMachine, roomId: string, event: string): Promise<void> {
  const settings = new DecryptionSettings(TrustRequirement.Untrusted);
  const decrypted = await olm.decryptRoomEvent(event, new RoomId(roomId), settings);
  const { content } = JSON.parse(decrypted.event) as { content: { body: string } };
  decrypted.free();
  if (!content.body.startsWith("Message")) throw new Error("an event came out changed");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Exported keys in steps of `step`, for stores that no key file reaches; between two of them everything else runs. */
export async function importInSteps(
  olm: OlmMachine,
  keys: string,
  step: number,
  report: (doneCount: number) => void,
): Promise<void> {
  const all = JSON.parse(keys) as unknown[];
  for (let at = 0; at < all.length; at += step) {
    const imported = await olm.importExportedRoomKeys(JSON.stringify(all.slice(at, at + step)), () => undefined);
    imported.free();
    report(Math.min(all.length, at + step));
    await new Promise<void>((resolve) => void setTimeout(resolve));
  }
}
