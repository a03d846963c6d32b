/**
 * What the parts of this folder are given. CryptoDeps: by session, when an account's encryption is opened;
 * CryptoContext: by parts.ts, once the machine is open.
 * Invariant: `olm` is one OlmMachine over one store for as long as the account is open and its disk does not fail;
 * nothing outside of this folder holds it, or any other object of the WASM.
 */
import type { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { AccountId, DeviceId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Person } from "../../../preload/contract/views.ts";
import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { Logger } from "../base/logger.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { Outgoing } from "./outgoing.ts";
import type { CryptoServer } from "./server.ts";

/** What of the crypto looks different now: the topics that show it are read again. */
export type CryptoChange = "encryption" | "verifications" | "devices" | "trust" | "undecryptable";

export type CryptoContext = {
  olm: OlmMachine;
  outgoing: Outgoing;
  server: CryptoServer;
  store: AccountStore;
  ownUserId: UserId;
  ownDeviceId: DeviceId;
  clock: Clock;
  log: Logger;
  /** Ends with the account, or with the machine. */
  signal: AbortSignal;
  changed: (...what: CryptoChange[]) => void;
};

/** What the state of a room says of its encryption. */
export type EncryptedRoom = { roomId: RoomId; content: JsonObject };

/** What an account's encryption is opened with. */
export type CryptoDeps = {
  accountId: AccountId;
  ownUserId: UserId;
  ownDeviceId: DeviceId;
  /** The account's folder. */
  folder: string;
  /** 32 bytes, the key of the whole profile: this account's store gets one derived from it. */
  profileKey: Uint8Array;
  store: AccountStore;
  server: CryptoServer;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** The rooms in the order of the list: what the user sees first is restored first. */
  roomOrder: () => readonly RoomId[];
  /** How a user is called, outside of any room. */
  personOf: (userId: UserId) => Person;
  /** Brings the whole member list of a room into the store. */
  loadMembers: (roomId: RoomId) => Promise<void>;
  changed: (...what: CryptoChange[]) => void;
  /** Keys have come: what waited for them can be read. */
  keysArrived: (sessions: ReadonlyMap<RoomId, ReadonlySet<string>>) => void;
  /** Someone's identity or devices are others now. */
  trustChanged: (userIds: readonly UserId[]) => void;
  /** What cannot be read may be readable now, or for another reason not. */
  retryDecryption: () => void;
  /** This device is one that others trust now: what waited for that can go. */
  verified: () => void;
};

/** What the response means for rooms' keys; acted on once it is stored. */
export type CryptoDelta = { track: Set<UserId>; invalidate: Set<RoomId> };
