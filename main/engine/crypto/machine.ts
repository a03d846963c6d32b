/**
 * The OlmMachine of one account over its durable store. Opened and closed by crypto.ts.
 *   <account folder>/crypto.db   the machine's store: IndexedDB on SQLite, its values encrypted with the store key
 * Invariants: one machine for a store; a store that cannot be opened is left as it is, and the reason is told:
 * its keys are nowhere else. What the machine answers has reached the disk before it answers; where the disk failed
 * it throws an EngineError that says so, and anything else that it throws is about what it was given.
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
  const failures: Failures = { count: 0, last: undefined };
  const database = openFile(options.path, (failure) => {
    failures.count += 1;
    failures.last = failure;
  });
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
      olm: withFailures(olm, failures),
      close() {
        olm.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw failures.last ? toFailedError(failures.last) : toOpenError(error);
  }
}

function openFile(path: string, onFailure: (failure: StorageFailure) => void): IndexedDbHandle {
  try {
    return openIndexedDb({ path, onFailure });
  } catch (error) {
    throw toOpenError(error);
  }
}

/** What the file of a machine's store has come to since it was opened. */
type Failures = { count: number; last: StorageFailure | undefined };

/**
 * The same machine. Of a store whose file fails it only knows that a transaction was aborted, which looks like a fault
 * in what it was given: what it throws from a call in which the file failed is the file's failure.
 */
function withFailures(olm: OlmMachine, failures: Failures): OlmMachine {
  return new Proxy(olm, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const countBefore = failures.count;
        const explain = (error: unknown): never => {
          throw failures.last && failures.count > countBefore ? toFailedError(failures.last) : error;
        };
        try {
          const result: unknown = Reflect.apply(value, target, args);
          return result instanceof Promise ? result.catch(explain) : result;
        } catch (error) {
          return explain(error);
        }
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/** SQLite's extended codes keep the primary one in the low byte: these say that the file itself is damaged. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);

/** A store that fails while it is open, as the sync and the outbox understand it: they wait, or they stop. */
function toFailedError(failure: StorageFailure): EngineError {
  const { errcode } = (failure.cause ?? {}) as { errcode?: unknown };
  if (typeof errcode === "number" && DAMAGED.has(errcode & 0xff)) {
    return new EngineError(
      "store-corrupt",
      "The key store in this profile is damaged. It was left as it is; nothing was deleted.",
      {},
      { cause: failure },
    );
  }
  const message =
    failure.reason.name === "QuotaExceededError"
      ? "The disk is full. Nothing was lost; free some space and Lattice goes on."
      : "The disk cannot be written. Check its space and permissions; Lattice goes on when it can.";
  return new EngineError("disk-full", message, {}, { cause: failure });
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
