/**
 * The OlmMachine of one account over its durable store. Opened and closed by crypto.ts.
 *   <account folder>/crypto.db   the machine's store: IndexedDB on SQLite, its values encrypted with the store key
 * Invariants: one machine for a store; a store that cannot be opened is left as it is, and the reason is told:
 * its keys are nowhere else. What the machine answers has reached the disk before it answers.
 */
import { DeviceId, initAsync, OlmMachine, StoreHandle, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import type * as ids from "../../../preload/contract/ids.ts";
import { EngineError } from "../base/errors.ts";
import { openIndexedDb, StorageFailure, type IndexedDbHandle } from "./indexeddb/index.ts";
import { indexedDbRouter } from "./wasm-globals.ts";

export type MachineOptions = {
  ownUserId: ids.UserId;
  ownDeviceId: ids.DeviceId;
  /** Names the store among those of other accounts in this process. */
  storeName: string;
  /** File of the store; made where it is missing. */
  path: string;
  /** 32 bytes. */
  storeKey: Uint8Array;
};

export async function openMachine(options: MachineOptions): Promise<{ olm: OlmMachine; close: () => void }> {
  const database = openFile(options.path);
  const unmount = indexedDbRouter().mount(options.storeName, database);
  const release = () => {
    unmount();
    database.close();
  };
  try {
    await initAsync();
    const handle = await StoreHandle.openWithKey(options.storeName, options.storeKey);
    const olm = await OlmMachine.initFromStore(
      new UserId(options.ownUserId),
      new DeviceId(options.ownDeviceId),
      handle,
    );
    return {
      olm,
      close() {
        olm.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw toOpenError(error);
  }
}

function openFile(path: string): IndexedDbHandle {
  try {
    return openIndexedDb({ path });
  } catch (error) {
    throw toOpenError(error);
  }
}

/** The machine's own words are for the log; the user learns what it means and that nothing was deleted. */
function toOpenError(error: unknown): unknown {
  if (error instanceof EngineError) return error;
  if (error instanceof StorageFailure) {
    return new EngineError(
      "store-corrupt",
      "The key store in this profile is damaged, or in use by another program. It was left as it is; nothing was deleted.",
      {},
      { cause: error },
    );
  }
  const words = error instanceof Error ? error.message : String(error);
  const message = /account|device|user/iu.test(words)
    ? "The key store in this profile belongs to another device. It was left as it is; sign out and in again."
    : "The key store cannot be opened with this profile's key. It was left as it is; nothing was deleted.";
  return new EngineError("encryption-not-ready", message, {}, { cause: error });
}
