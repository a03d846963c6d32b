/**
 * A homeserver for the tests of engine/crypto, as far as encryption goes: keys, signatures, to-device messages,
 * key backups, account data, devices and direct rooms of several users, in memory; and machines that talk to it.
 * It checks no signature, as a real homeserver checks few: what a client accepts is the client's business.
 * Invariants: an answer that was given is never changed afterwards (all is copied, by JSON, on its way in and
 * out); what a device is sent is delivered once, in order; `calls` names all that was asked, in order.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeviceId as WasmDeviceId,
  DeviceLists,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RoomId,
  UserId as WasmUserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { onTestFinished } from "vitest";
import type { DeviceId, UserId } from "../../preload/contract/ids.ts";
import { systemClock, type Clock } from "../../main/engine/base/clock.ts";
import { EngineError } from "../../main/engine/base/errors.ts";
import { Logger, silentSink } from "../../main/engine/base/logger.ts";
import type { JsonObject } from "../../main/engine/matrix/json.ts";
import type { CryptoChange, CryptoContext } from "../../main/engine/crypto/context.ts";
import { openOutgoing } from "../../main/engine/crypto/outgoing.ts";
import type { BackupInfo, CryptoServer } from "../../main/engine/crypto/server.ts";
import { openAccountStore } from "../../main/engine/store/account-store.ts";

export type WireDict = { [key: string]: unknown };
type Signed = WireDict & { signatures?: { [userId: string]: { [keyId: string]: string } } };

/** One request, as a test sees it. `body` is what was sent, parsed. */
export type ServerCall = { userId: string; deviceId: string; name: keyof CryptoServer; body: unknown };
/** Called before each request is served; what it throws is what the client gets, and the server does nothing. */
export type Intercept = (call: ServerCall) => void | Promise<void>;

/** What of a sync response concerns encryption. */
export type Delivery = {
  toDevice: WireDict[];
  deviceLists: { changed: string[]; left: string[] };
  oneTimeKeyCounts: { [algorithm: string]: number };
  unusedFallbackKeyTypes: string[];
  /** Events of rooms that a member has not seen yet, in order; own ones come with `unsigned.transaction_id`. */
  roomEvents: WireDict[];
};

type DeviceRecord = {
  displayName: string | undefined;
  deviceKeys: Signed | undefined;
  oneTimeKeys: Map<string, unknown>;
  fallbackKeys: Map<string, { keyId: string; key: unknown; isUsed: boolean }>;
  inbox: WireDict[];
  /** How much of the change stream, and of the room events, this device has been told. */
  seenChanges: number;
  seenRoomEvents: number;
  sentTxnIds: Set<string>;
};
type CrossSigningType = "master_key" | "self_signing_key" | "user_signing_key";
type UserRecord = {
  password: string | undefined;
  devices: Map<string, DeviceRecord>;
  crossSigning: { [type in CrossSigningType]?: Signed };
  /** What others signed of this user's master key: seen by its signer only. */
  foreignSignatures: { signer: string; keyId: string; signature: string }[];
  accountData: Map<string, JsonObject>;
  backups: Map<string, BackupRecord>;
  nextBackupVersion: number;
};
type BackupRecord = {
  algorithm: string;
  authData: JsonObject;
  rooms: Map<string, Map<string, JsonObject>>;
  etag: number;
};

const copy = <T>(value: T): T => structuredClone(value);
const parse = (body: string): WireDict => JSON.parse(body) as WireDict;
const at = (value: unknown, key: string): unknown => (value as WireDict | undefined)?.[key];
const entriesOf = (value: unknown): [string, unknown][] => Object.entries((value as WireDict | undefined) ?? {});

export const notFound = () =>
  new EngineError("not-found", "The server does not know this.", { errcode: "M_NOT_FOUND" });
export const serverError = () => new EngineError("server-error", "The server has a problem right now.");
export const offline = () => new EngineError("offline", "The server cannot be reached.");

export function startCryptoServer() {
  const users = new Map<string, UserRecord>();
  /** Users whose keys changed, in order; `to` where only one user is told. */
  const changes: { userId: string; to?: string }[] = [];
  const rooms = new Map<string, { members: string[] }>();
  const roomEvents: WireDict[] = [];
  const calls: ServerCall[] = [];
  let intercept: Intercept | undefined;
  let eventCount = 0;

  function user(userId: string): UserRecord {
    let found = users.get(userId);
    if (!found) {
      found = {
        password: undefined,
        devices: new Map(),
        crossSigning: {},
        foreignSignatures: [],
        accountData: new Map(),
        backups: new Map(),
        nextBackupVersion: 1,
      };
      users.set(userId, found);
    }
    return found;
  }

  function addDevice(userId: string, deviceId: string, displayName?: string): DeviceRecord {
    const { devices } = user(userId);
    let found = devices.get(deviceId);
    if (!found) {
      found = {
        displayName,
        deviceKeys: undefined,
        oneTimeKeys: new Map(),
        fallbackKeys: new Map(),
        inbox: [],
        seenChanges: changes.length,
        seenRoomEvents: roomEvents.length,
        sentTxnIds: new Set(),
      };
      devices.set(deviceId, found);
    }
    return found;
  }

  /** Deleted devices stay deleted: a request of one is answered as a server would. */
  function deviceOf(userId: string, deviceId: string): DeviceRecord {
    const device = users.get(userId)?.devices.get(deviceId);
    if (!device)
      throw new EngineError("signed-out", "The server has ended this session.", { errcode: "M_UNKNOWN_TOKEN" });
    return device;
  }

  /** spec: user-interactive authentication with `m.login.password`, for a user that has one. */
  function authenticate(userId: string, password: string | undefined): void {
    const wanted = user(userId).password;
    if (wanted === undefined) return;
    if (password === undefined) throw new EngineError("password-needed", "Your server asks for your password.");
    if (password !== wanted)
      throw new EngineError("wrong-credentials", "The password is wrong.", { errcode: "M_FORBIDDEN" });
  }

  function signaturesSeenBy(viewer: string, owner: string, key: Signed | undefined): Signed | undefined {
    if (!key) return undefined;
    const seen = copy(key);
    for (const foreign of user(owner).foreignSignatures) {
      if (foreign.signer !== viewer || !Object.hasOwn((seen["keys"] as WireDict) ?? {}, foreign.keyId)) continue;
      const [signatureKeyId, signature] = foreign.signature.split(" ") as [string, string];
      (seen.signatures ??= {})[viewer] = { ...seen.signatures[viewer], [signatureKeyId]: signature };
    }
    return seen;
  }

  function queryKeys(viewer: string, body: WireDict): WireDict {
    const answer = {
      device_keys: {} as WireDict,
      master_keys: {} as WireDict,
      self_signing_keys: {} as WireDict,
      user_signing_keys: {} as WireDict,
      failures: {},
    };
    for (const [userId, asked] of entriesOf(body["device_keys"])) {
      const record = users.get(userId);
      if (!record) continue;
      const wanted = asked as string[];
      const devices: WireDict = {};
      for (const [deviceId, device] of record.devices) {
        if (!device.deviceKeys || (wanted.length > 0 && !wanted.includes(deviceId))) continue;
        devices[deviceId] = {
          ...copy(device.deviceKeys),
          ...(device.displayName !== undefined && { unsigned: { device_display_name: device.displayName } }),
        };
      }
      answer.device_keys[userId] = devices;
      const { master_key: master, self_signing_key: selfSigning, user_signing_key: userSigning } = record.crossSigning;
      if (master) answer.master_keys[userId] = signaturesSeenBy(viewer, userId, master);
      if (selfSigning) answer.self_signing_keys[userId] = copy(selfSigning);
      if (userSigning && viewer === userId) answer.user_signing_keys[userId] = copy(userSigning);
    }
    return answer;
  }

  function uploadSignatures(signer: string, body: WireDict): WireDict {
    const failures: WireDict = {};
    const fail = (userId: string, keyId: string) => {
      failures[userId] = {
        ...(failures[userId] as WireDict | undefined),
        [keyId]: { errcode: "M_NOT_FOUND", error: "Not found" },
      };
    };
    for (const [userId, signedKeys] of entriesOf(body)) {
      for (const [keyId, signedKey] of entriesOf(signedKeys)) {
        const given = entriesOf(at(at(signedKey, "signatures"), signer)) as [string, string][];
        const record = users.get(userId);
        if (userId === signer) {
          const target =
            record?.devices.get(keyId)?.deviceKeys ??
            Object.values(record?.crossSigning ?? {}).find((key) =>
              Object.hasOwn((key["keys"] as WireDict) ?? {}, `ed25519:${keyId}`),
            );
          if (!target) fail(userId, keyId);
          else (target.signatures ??= {})[signer] = { ...target.signatures[signer], ...Object.fromEntries(given) };
          if (target) changes.push({ userId });
        } else if (
          record?.crossSigning.master_key &&
          Object.hasOwn(record.crossSigning.master_key["keys"] as WireDict, `ed25519:${keyId}`)
        ) {
          for (const [signatureKeyId, signature] of given) {
            record.foreignSignatures.push({
              signer,
              keyId: `ed25519:${keyId}`,
              signature: `${signatureKeyId} ${signature}`,
            });
          }
          changes.push({ userId, to: signer });
        } else {
          fail(userId, keyId);
        }
      }
    }
    return { failures };
  }

  function backupOf(userId: string, version: string): BackupRecord {
    const backup = user(userId).backups.get(version);
    if (!backup) throw notFound();
    return backup;
  }

  const newestBackup = (userId: string): string | undefined => [...user(userId).backups.keys()].at(-1);

  function infoOf(version: string, backup: BackupRecord): BackupInfo {
    let count = 0;
    for (const sessions of backup.rooms.values()) count += sessions.size;
    return { version, algorithm: backup.algorithm, authData: copy(backup.authData), count, etag: String(backup.etag) };
  }

  /** spec: the backed-up key with the better claim stays. */
  function isBetter(candidate: JsonObject, present: JsonObject): boolean {
    const rank = (key: JsonObject) =>
      [
        key["is_verified"] === true ? 0 : 1,
        Number(key["first_message_index"]),
        Number(key["forwarded_count"]),
      ] as const;
    const [a, b] = [rank(candidate), rank(present)];
    const difference = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
    return difference < 0;
  }

  /** The server as one device sees it. The device is made where it does not exist yet. */
  function client(userId: string, deviceId: string): CryptoServer {
    addDevice(userId, deviceId);
    const own = userId as UserId;
    async function serve<T>(name: keyof CryptoServer, body: unknown, work: () => T): Promise<T> {
      const call: ServerCall = { userId, deviceId, name, body: copy(body) };
      calls.push(call);
      await intercept?.(call);
      deviceOf(userId, deviceId);
      return work();
    }
    return {
      uploadKeys: (text) =>
        serve("uploadKeys", parse(text), () => {
          const body = parse(text);
          const device = deviceOf(userId, deviceId);
          if (body["device_keys"]) {
            const before = JSON.stringify(device.deviceKeys);
            const uploaded = body["device_keys"] as Signed;
            // Signatures that came by themselves stay, as long as the keys are the same.
            device.deviceKeys =
              JSON.stringify(device.deviceKeys?.["keys"]) === JSON.stringify(uploaded["keys"])
                ? mergeSignatures(device.deviceKeys as Signed, uploaded)
                : uploaded;
            if (JSON.stringify(device.deviceKeys) !== before) changes.push({ userId });
          }
          for (const [keyId, key] of entriesOf(body["one_time_keys"])) {
            const known = device.oneTimeKeys.get(keyId);
            if (known && JSON.stringify(known) !== JSON.stringify(key)) {
              throw new EngineError("rejected", `One time key ${keyId} already exists.`, {
                errcode: "M_INVALID_PARAM",
              });
            }
            device.oneTimeKeys.set(keyId, key);
          }
          for (const [keyId, key] of entriesOf(body["fallback_keys"])) {
            device.fallbackKeys.set(keyId.split(":")[0] ?? "", { keyId, key, isUsed: false });
          }
          return JSON.stringify({ one_time_key_counts: countsOf(device) });
        }),
      queryKeys: (text) => serve("queryKeys", parse(text), () => JSON.stringify(queryKeys(userId, parse(text)))),
      claimKeys: (text) =>
        serve("claimKeys", parse(text), () => {
          const claimed: WireDict = {};
          for (const [claimedUser, devices] of entriesOf(parse(text)["one_time_keys"])) {
            for (const [claimedDevice, algorithm] of entriesOf(devices)) {
              const key = claim(users.get(claimedUser)?.devices.get(claimedDevice), String(algorithm));
              if (!key) continue;
              claimed[claimedUser] = { ...(claimed[claimedUser] as WireDict | undefined), [claimedDevice]: key };
            }
          }
          return JSON.stringify({ one_time_keys: claimed, failures: {} });
        }),
      uploadSignatures: (text) =>
        serve("uploadSignatures", parse(text), () => JSON.stringify(uploadSignatures(userId, parse(text)))),
      sendToDevice: (eventType, txnId, text) =>
        serve("sendToDevice", { eventType, txnId, ...parse(text) }, () => {
          const sender = deviceOf(userId, deviceId);
          if (sender.sentTxnIds.has(txnId)) return "{}";
          sender.sentTxnIds.add(txnId);
          for (const [toUser, devices] of entriesOf(parse(text)["messages"])) {
            for (const [toDevice, content] of entriesOf(devices)) {
              for (const [id, device] of users.get(toUser)?.devices ?? []) {
                if (toDevice === "*" || toDevice === id)
                  device.inbox.push({ type: eventType, sender: userId, content: copy(content) });
              }
            }
          }
          return "{}";
        }),
      sendRoomEvent: (roomId, eventType, txnId, content) =>
        serve("sendRoomEvent", { roomId, eventType, txnId, content: parse(content) }, () => {
          const sent = roomEvents.find(
            (event) => event["txnId"] === txnId && event["senderDevice"] === deviceId && event["sender"] === userId,
          );
          if (sent) return JSON.stringify({ event_id: sent["event_id"] });
          if (!rooms.get(roomId)?.members.includes(userId)) {
            throw new EngineError("forbidden", "The server does not allow this.", { errcode: "M_FORBIDDEN" });
          }
          eventCount += 1;
          const event_id = `$event${eventCount}`;
          roomEvents.push({
            type: eventType,
            room_id: roomId,
            sender: userId,
            event_id,
            origin_server_ts: Date.now(),
            content: parse(content),
            txnId,
            senderDevice: deviceId,
          });
          return JSON.stringify({ event_id });
        }),
      uploadSigningKeys: (body, options) =>
        serve("uploadSigningKeys", body, () => {
          const record = user(userId);
          const keys = (["master_key", "self_signing_key", "user_signing_key"] as const).filter((type) => body[type]);
          const isKnown = keys.every(
            (type) => JSON.stringify(at(record.crossSigning[type], "keys")) === JSON.stringify(at(body[type], "keys")),
          );
          // spec: a repeat of what is there needs no authentication.
          if (isKnown && keys.length > 0) return;
          authenticate(userId, options?.password);
          if (body["master_key"]) record.foreignSignatures = [];
          for (const type of keys) record.crossSigning[type] = copy(body[type]) as unknown as Signed;
          changes.push({ userId });
        }),
      putBackupKeys: (version, text) =>
        serve("putBackupKeys", { version, ...parse(text) }, () => {
          const newest = newestBackup(userId);
          if (newest === undefined) throw notFound();
          if (newest !== version) {
            throw new EngineError("forbidden", "The server does not allow this.", {
              errcode: "M_WRONG_ROOM_KEYS_VERSION",
            });
          }
          const backup = backupOf(userId, version);
          for (const [roomId, room] of entriesOf(parse(text)["rooms"])) {
            const sessions = backup.rooms.get(roomId) ?? new Map<string, JsonObject>();
            backup.rooms.set(roomId, sessions);
            for (const [sessionId, key] of entriesOf(at(room, "sessions"))) {
              const present = sessions.get(sessionId);
              if (present && !isBetter(key as JsonObject, present)) continue;
              sessions.set(sessionId, key as JsonObject);
              backup.etag += 1;
            }
          }
          const { count, etag } = infoOf(version, backup);
          return JSON.stringify({ count, etag });
        }),
      backupInfo: (version) =>
        serve("backupInfo", { version }, () => {
          const wanted = version ?? newestBackup(userId);
          const backup = wanted === undefined ? undefined : user(userId).backups.get(wanted);
          return backup && wanted !== undefined ? infoOf(wanted, backup) : undefined;
        }),
      createBackup: (backup) =>
        serve("createBackup", backup, () => {
          const record = user(userId);
          const version = String(record.nextBackupVersion);
          record.nextBackupVersion += 1;
          record.backups.set(version, {
            algorithm: backup.algorithm,
            authData: copy(backup.authData),
            rooms: new Map(),
            etag: 0,
          });
          return version;
        }),
      deleteBackup: (version) =>
        serve("deleteBackup", { version }, () => {
          if (!user(userId).backups.delete(version)) throw notFound();
        }),
      backupKeys: (version, place) =>
        serve("backupKeys", { version, ...place }, () => {
          const backup = user(userId).backups.get(version);
          if (!backup) return undefined;
          if (place?.sessionId !== undefined) return copy(backup.rooms.get(place.roomId)?.get(place.sessionId));
          if (place) return { sessions: plain(backup.rooms.get(place.roomId) ?? new Map()) };
          return {
            rooms: plain(
              new Map([...backup.rooms].map(([id, sessions]) => [id, { sessions: plain(sessions) }] as const)),
            ),
          };
        }),
      accountData: (type) => serve("accountData", { type }, () => copy(user(userId).accountData.get(type))),
      setAccountData: (type, content) =>
        serve("setAccountData", { type, content }, () => void user(userId).accountData.set(type, copy(content))),
      devices: () =>
        serve("devices", {}, () =>
          [...user(userId).devices].map(([id, device]) => ({
            deviceId: id as DeviceId,
            displayName: device.displayName,
            lastSeenTs: undefined,
            lastSeenAddress: undefined,
          })),
        ),
      renameDevice: (renamed, displayName) =>
        serve("renameDevice", { deviceId: renamed, displayName }, () => {
          const device = user(userId).devices.get(renamed);
          if (!device) throw notFound();
          device.displayName = displayName;
          changes.push({ userId });
        }),
      deleteDevices: (deviceIds, options) =>
        serve("deleteDevices", { deviceIds: [...deviceIds] }, () => {
          authenticate(userId, options?.password);
          for (const id of deviceIds) user(userId).devices.delete(id);
          changes.push({ userId });
        }),
      directRoom: (withUser) =>
        serve("directRoom", { userId: withUser }, () => {
          const members = [own, withUser].toSorted();
          for (const [roomId, room] of rooms) if (room.members.join(" ") === members.join(" ")) return roomId;
          const roomId = `!direct${rooms.size + 1}:test`;
          rooms.set(roomId, { members });
          return roomId;
        }),
    };
  }

  /** What the next sync response of this device says; given once. To-device messages come in batches. */
  function deliver(userId: string, deviceId: string, options: { maxToDevice?: number } = {}): Delivery {
    const device = deviceOf(userId, deviceId);
    const changed = new Set<string>();
    for (const change of changes.slice(device.seenChanges)) {
      if (change.to === undefined || change.to === userId) changed.add(change.userId);
    }
    device.seenChanges = changes.length;
    const news = roomEvents
      .slice(device.seenRoomEvents)
      .filter((event) => rooms.get(String(event["room_id"]))?.members.includes(userId))
      .map(({ txnId, senderDevice, ...event }) => ({
        ...copy(event),
        ...(senderDevice === deviceId && event["sender"] === userId && { unsigned: { transaction_id: txnId } }),
      }));
    device.seenRoomEvents = roomEvents.length;
    return {
      toDevice: copy(device.inbox.splice(0, options.maxToDevice ?? 100)),
      deviceLists: { changed: [...changed], left: [] },
      oneTimeKeyCounts: countsOf(device),
      unusedFallbackKeyTypes: [...device.fallbackKeys].filter(([, key]) => !key.isUsed).map(([algorithm]) => algorithm),
      roomEvents: news,
    };
  }

  return {
    users,
    calls,
    client,
    deliver,
    addDevice,
    /** From now on this user's server asks for a password where the specification says that it may. */
    setPassword: (userId: string, password: string | undefined) => void (user(userId).password = password),
    /** Runs before every request; undefined takes it away. */
    setIntercept: (next: Intercept | undefined) => void (intercept = next),
    countCalls: (name: keyof CryptoServer, userId?: string) =>
      calls.filter((call) => call.name === name && (userId === undefined || call.userId === userId)).length,
    /** Puts a message into a device's inbox, as a hostile server may. */
    injectToDevice: (userId: string, deviceId: string, event: WireDict) =>
      void deviceOf(userId, deviceId).inbox.push(copy(event)),
    /** Tells everyone that this user's keys changed, as after a test has tampered with `users`. */
    touch: (userId: string) => void changes.push({ userId }),
    makeRoom: (roomId: string, members: string[]) => void rooms.set(roomId, { members: members.toSorted() }),
  };
}
export type CryptoTestServer = ReturnType<typeof startCryptoServer>;

function mergeSignatures(known: Signed, uploaded: Signed): Signed {
  const signatures = { ...known.signatures };
  for (const [signer, given] of Object.entries(uploaded.signatures ?? {}))
    signatures[signer] = { ...signatures[signer], ...given };
  return { ...uploaded, signatures };
}

function countsOf(device: DeviceRecord): { [algorithm: string]: number } {
  const counts: { [algorithm: string]: number } = { signed_curve25519: 0 };
  for (const keyId of device.oneTimeKeys.keys()) {
    const algorithm = keyId.split(":")[0] ?? "";
    counts[algorithm] = (counts[algorithm] ?? 0) + 1;
  }
  return counts;
}

function claim(device: DeviceRecord | undefined, algorithm: string): WireDict | undefined {
  for (const [keyId, key] of device?.oneTimeKeys ?? []) {
    if (!keyId.startsWith(`${algorithm}:`)) continue;
    device?.oneTimeKeys.delete(keyId);
    return { [keyId]: key };
  }
  const fallback = device?.fallbackKeys.get(algorithm);
  if (!fallback) return undefined;
  fallback.isUsed = true;
  return { [fallback.keyId]: fallback.key };
}

/** Keys such as `__proto__` stay keys, as in what JSON.parse makes. */
const plain = (map: ReadonlyMap<string, unknown>): JsonObject =>
  JSON.parse(JSON.stringify(Object.fromEntries(map))) as JsonObject;

/** Time as it is, but no wait takes longer than a moment; `skip` moves it. */
export function hurriedClock(): Clock & { skip: (ms: number) => void } {
  let skippedMs = 0;
  return {
    now: () => systemClock.now() + skippedMs,
    monotonic: () => systemClock.monotonic() + skippedMs,
    setTimer: (_delayMs, run) => systemClock.setTimer(1, run),
    skip: (ms) => void (skippedMs += ms),
  };
}

/** Makes room keys, as sending messages would; gives the ids of their sessions. */
export async function makeRoomKeys(machine: TestMachine, roomId: string, count: number): Promise<string[]> {
  const sessionIds: string[] = [];
  for (let made = 0; made < count; made += 1) {
    await machine.olm.invalidateGroupSession(new RoomId(roomId));
    await machine.olm.shareRoomKey(new RoomId(roomId), [], new EncryptionSettings());
    const content = parse(await machine.olm.encryptRoomEvent(new RoomId(roomId), "m.room.message", "{}"));
    sessionIds.push(String(content["session_id"]));
  }
  return sessionIds;
}

/** The ids of the sessions whose keys are here. */
export async function sessionsOf(machine: TestMachine): Promise<Set<string>> {
  const keys = JSON.parse(await machine.olm.exportRoomKeys(() => true)) as { session_id: string }[];
  return new Set(keys.map((key) => key.session_id));
}

/** What a machine made of one to-device message. `type` is that of ProcessedToDeviceEventType. */
export type ProcessedMessage = { type: number; event: WireDict };

export type TestMachine = {
  context: CryptoContext;
  olm: OlmMachine;
  userId: UserId;
  deviceId: DeviceId;
  /** What `context.changed` was told. */
  changes: CryptoChange[];
  /** One sync response: into the machine, then what it wants sent. Gives what came. */
  sync: (options?: { maxToDevice?: number }) => Promise<{ toDevice: ProcessedMessage[]; roomEvents: WireDict[] }>;
  /** Follows the devices of these users, and asks for their keys. */
  track: (...userIds: string[]) => Promise<void>;
  /** Ends the account, as a quit does. Comes by itself with the end of the test. */
  stop: () => void;
};

export type MachineOptions = {
  clock?: Clock;
  /** A machine that exists already, to go on with it after a "restart" with the same store. */
  olm?: OlmMachine;
  /** The folder of the account's database; a new one where it is not given. */
  folder?: string;
  profileKey?: Uint8Array;
};

/** An OlmMachine on the memory store, signed in as this device, with the context that the parts of engine/crypto take. */
export async function startMachine(
  server: CryptoTestServer,
  userId: string,
  deviceId: string,
  options: MachineOptions = {},
): Promise<TestMachine> {
  await initAsync();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "lattice-crypto-"));
  const profileKey = options.profileKey ?? randomBytes(32);
  const store = openAccountStore(join(folder, "account.db"), profileKey);
  const ending = new AbortController();
  const olm = options.olm ?? (await OlmMachine.initialize(new WasmUserId(userId), new WasmDeviceId(deviceId)));
  olm.roomKeyRequestsEnabled = true;
  olm.roomKeyForwardingEnabled = true;
  const clock = options.clock ?? systemClock;
  const log = new Logger(silentSink);
  const client = server.client(userId, deviceId);
  const changes: CryptoChange[] = [];
  const outgoing = openOutgoing({
    olm,
    server: client,
    sendRoomMessage: (roomId, type, txnId, content) => client.sendRoomEvent(roomId, type, txnId, content),
    clock,
    log,
    signal: ending.signal,
  });
  const context: CryptoContext = {
    olm,
    outgoing,
    server: client,
    store,
    ownUserId: userId as UserId,
    ownDeviceId: deviceId as DeviceId,
    clock,
    log,
    signal: ending.signal,
    changed: (...what) => void changes.push(...what),
  };

  async function sync(syncOptions: { maxToDevice?: number } = {}) {
    const delivery = server.deliver(userId, deviceId, syncOptions);
    const processed = await olm.receiveSyncChanges(
      JSON.stringify(delivery.toDevice),
      new DeviceLists(
        delivery.deviceLists.changed.map((changed) => new WasmUserId(changed)),
        [],
      ),
      new Map(Object.entries(delivery.oneTimeKeyCounts)),
      new Set(delivery.unusedFallbackKeyTypes),
    );
    const toDevice = processed.map((message) => ({ type: message.type, event: parse(message.rawEvent) }));
    await outgoing.flush();
    return { toDevice, roomEvents: delivery.roomEvents };
  }

  let isStopped = false;
  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    ending.abort();
    store.close();
  };
  onTestFinished(() => {
    stop();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  });
  await outgoing.flush();
  return {
    context,
    olm,
    userId: context.ownUserId,
    deviceId: context.ownDeviceId,
    changes,
    sync,
    async track(...userIds) {
      await olm.updateTrackedUsers(userIds.map((tracked) => new WasmUserId(tracked)));
      await outgoing.flush();
    },
    stop,
  };
}
