/**
 * The OlmMachine of one account over its durable store. Opened and closed by crypto.ts.
 *   <account folder>/crypto.db   the machine's store: IndexedDB on SQLite, its values encrypted with the store key
 * Invariants: one machine for a store; a store that cannot be opened is left as it is, and the reason is told:
 * its keys are nowhere else. What the machine answers has reached the disk before it answers; where the disk failed
 * it throws an EngineError that says so, and anything else that it throws is about what it was given. A machine whose
 * disk has failed is done: what it could not keep is in its memory all the same, so that it would take a message that
 * comes again for a replay. It answers nothing any more; the next machine goes on from the store's last commit.
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
  /** Called once, soon after the file of an open machine has failed: the machine is to be closed. */
  onFailed?: () => void;
};

/** The machine's own object store for how rooms are encrypted. Under another name, nothing would be put together. */
const ROOM_SETTINGS = "room_settings";

export type Machine = {
  olm: OlmMachine;
  /**
   * Runs `work`, which tells the machine of the settings of many rooms: they reach the disk together, when this has
   * resolved, and no later. What else the machine writes meanwhile is kept at once, as ever.
   */
  settingRooms: (work: () => Promise<void>) => Promise<void>;
  /** Set as soon as the file has failed: from then on nothing that comes from this machine is to be believed. */
  failure: () => EngineError | undefined;
  /** Lets go of the store, so that another machine can open it. What still runs here fails. */
  close: () => void;
};

export async function openMachine(options: MachineOptions): Promise<Machine> {
  let failure: EngineError | undefined;
  let isOpen = false;
  const database = openFile(options.path, (reason) => {
    failure ??= toFailedError(reason);
    if (!isOpen) return;
    isOpen = false;
    // Not in the middle of the statement that failed.
    setImmediate(() => options.onFailed?.());
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
    if (failure) throw failure;
    isOpen = true;
    return {
      olm: untilFailure(olm, () => failure),
      settingRooms: (work) => database.syncOnce([ROOM_SETTINGS], work),
      failure: () => failure,
      close() {
        isOpen = false;
        olm.close();
        release();
      },
    };
  } catch (error) {
    release();
    throw failure ?? toOpenError(error);
  }
}

function openFile(path: string, onFailure: (failure: StorageFailure) => void): IndexedDbHandle {
  try {
    return openIndexedDb({ path, onFailure });
  } catch (error) {
    throw toOpenError(error);
  }
}

/**
 * The same machine, as long as its file has not failed. Of that it only knows that a transaction was aborted, which looks
 * like a fault in what it was given, or is passed over: a message that it could not keep is then one that it cannot read.
 */
function untilFailure(olm: OlmMachine, failure: () => EngineError | undefined): OlmMachine {
  const believed = (value: unknown): unknown => {
    const reason = failure();
    if (reason) throw reason;
    return value;
  };
  return new Proxy(olm, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        believed(undefined);
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        return result.then(believed, (error: unknown) => {
          throw failure() ?? error;
        });
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/** SQLite's codes for a file that is itself damaged. */
const DAMAGED: ReadonlySet<number | undefined> = new Set([11, 26]);
/** And for one that cannot be reached or written now: read-only, I/O error, full, cannot be opened. */
const UNREACHABLE: ReadonlySet<number | undefined> = new Set([8, 10, 13, 14]);

/** SQLite's extended codes keep the primary one in the low byte. */
function codeOf(failure: StorageFailure): number | undefined {
  const { errcode } = (failure.cause ?? {}) as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** A store that fails while it is open, as the sync and the outbox understand it: they wait, or they stop. */
function toFailedError(failure: StorageFailure): EngineError {
  if (DAMAGED.has(codeOf(failure))) {
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
    if (UNREACHABLE.has(codeOf(error))) return toFailedError(error);
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
