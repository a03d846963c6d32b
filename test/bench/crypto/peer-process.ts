/**
 * One peer of the crypto bench that runs in Node: node peer-process.ts <store> <folder>. Started by peers.ts, which
 * asks it over IPC for the calls of Work.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DeviceId, initAsync, OlmMachine, StoreHandle, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import type * as ids from "../../../preload/contract/ids.ts";
import { importKeyFile } from "../../../main/engine/crypto/key-file.ts";
import { openEngineWork } from "./engine-work.ts";
import { importInSteps, openMachineWork, type MachineStore } from "./machine-work.ts";
import { installNullIndexedDb } from "./null-indexeddb.ts";
import { PASSPHRASE, RECEIVER, type NodePeer, type PeerAnswer, type PeerCall, type Work } from "./work.ts";

const [peer, folder] = process.argv.slice(2) as [NodePeer, string];
const STORE_KEY = new Uint8Array(32).fill(7);

async function openWork(): Promise<Work> {
  switch (peer) {
    case "engine":
      return openEngineWork(folder);
    case "durable":
      return openMachineWork(await durableStore());
    case "memory":
      return openMachineWork({ open: openInMemory, importKeys: importFile });
    case "fake":
      // WASM finds IndexedDB on the global object.
      Object.assign(globalThis, await import("fake-indexeddb"));
      return openMachineWork({ open: openOnGlobal, importKeys: importFile });
    case "null":
      installNullIndexedDb();
      return openMachineWork({ open: openOnGlobal, importKeys: importFile });
  }
}

/** Ours, as the engine opens it. */
async function durableStore(): Promise<MachineStore> {
  const { openMachine } = await import("../../../main/engine/crypto/machine.ts");
  return {
    async open(deviceId) {
      const own = join(folder, deviceId);
      mkdirSync(own, { recursive: true });
      return openMachine({
        ownUserId: RECEIVER as ids.UserId,
        ownDeviceId: deviceId as ids.DeviceId,
        storeName: deviceId,
        path: join(own, "crypto.db"),
        storeKey: STORE_KEY,
      });
    },
    importKeys: importFile,
  };
}

async function openInMemory(deviceId: string) {
  const olm = await OlmMachine.initialize(new UserId(RECEIVER), new DeviceId(deviceId));
  return { olm, close: () => olm.close() };
}

async function openOnGlobal(deviceId: string) {
  const handle = await StoreHandle.openWithKey(deviceId, STORE_KEY);
  const olm = await OlmMachine.initFromStore(new UserId(RECEIVER), new DeviceId(deviceId), handle);
  return { olm, close: () => olm.close() };
}

/** `keys` is the text of a key file, or what is in one. */
async function importFile(olm: OlmMachine, keys: string, report: (doneCount: number) => void): Promise<void> {
  if (keys.startsWith("[")) await importInSteps(olm, keys, 250, report);
  else await importKeyFile(olm, keys, PASSPHRASE, { report });
}

await initAsync();
const work = await openWork();
const answer = (message: PeerAnswer): void => void process.send?.(message);
process.on("message", ({ id, name, args }: PeerCall) => {
  const run = work[name] as (...args: unknown[]) => Promise<unknown>;
  run(...args).then(
    (value) => answer({ id, ok: true, value }),
    (error: unknown) => answer({ id, ok: false, error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});
process.once("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
answer({ id: 0, ok: true, value: undefined });
