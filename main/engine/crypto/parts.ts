/**
 * The parts of an open machine, wired to each other. Loaded by crypto.ts when encryption is first needed: the WASM
 * behind it costs tens of milliseconds, which no start of the app waits for.
 * Invariant: what the machine reports by itself arrives here and nowhere else, and leaves as plain data.
 */
import { DeviceLists, UserId as WasmUserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { EncryptionView } from "../../../preload/contract/views.ts";
import { backoffMs, EngineError, retryPlan, toErrorData } from "../base/errors.ts";
import { isObject, readString, type JsonObject } from "../matrix/json.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import type { CryptoContext, CryptoDelta, CryptoDeps, EncryptedRoom } from "./context.ts";
import { openDecryptor } from "./decryptor.ts";
import { inGroups, openDevices, readDevices } from "./devices.ts";
import { openEncryptor } from "./encryptor.ts";
import { exportKeyFile, importKeyFile, type KeyFileOptions } from "./key-file.ts";
import { openMachine } from "./machine.ts";
import { openOutgoing } from "./outgoing.ts";
import { openRecovery } from "./recovery.ts";
import { isSecretStorageType } from "./secret-storage.ts";
import { openTrust } from "./trust.ts";
import { openVerifications } from "./verification.ts";

const SIGNED_ONLY = "crypto.sends-to-signed-devices-only";

/** `onFailed` is called once, when the store has failed: these parts are to be closed, and others opened. */
export async function openParts(given: CryptoDeps, onFailed: () => void) {
  const ending = new AbortController();
  const deps = { ...given, signal: AbortSignal.any([given.signal, ending.signal]) };
  const storeKey = new Uint8Array(hkdfSync("sha256", deps.profileKey, deps.accountId, "lattice crypto store", 32));
  const machine = await openMachine({
    ownUserId: deps.ownUserId,
    ownDeviceId: deps.ownDeviceId,
    storeName: deps.accountId,
    path: join(deps.folder, "crypto.db"),
    storeKey,
    onFailed,
  });
  const { olm } = machine;
  if (deps.signal.aborted) {
    machine.close();
    throw new EngineError("cancelled", "Cancelled.");
  }
  const { store } = deps;
  const outgoing = openOutgoing({
    ...deps,
    olm,
    sendRoomMessage: (roomId, type, txnId, content) =>
      sendVerification(roomId, type, txnId, JSON.parse(content) as JsonObject),
  });
  let lastFacts: string | undefined;
  const context: CryptoContext = {
    ...deps,
    olm,
    outgoing,
    changed(...what) {
      deps.changed(...what);
      // Why something cannot be read hangs on the state of backup and device: a new one is a new reason to try.
      if (what.includes("encryption")) queueMicrotask(noteFacts);
    },
  };
  const trust = openTrust({ context, personOf: deps.personOf });
  const devices = openDevices(context);
  const recovery = openRecovery(context, { firstRooms: deps.roomOrder, knownRooms: deps.roomOrder });
  const facts = () => {
    const { isDeviceVerified, backup } = recovery.view();
    const hasBackup = backup.state === "unknown" ? undefined : backup.state !== "none";
    return { isDeviceVerified, isBackupUsable: backup.state === "active", hasBackup };
  };
  function noteFacts(): void {
    const now = JSON.stringify(facts());
    if (now === lastFacts) return;
    const isFirst = lastFacts === undefined;
    lastFacts = now;
    if (!isFirst && !deps.signal.aborted) deps.retryDecryption();
  }
  const decryptor = openDecryptor({ context, facts, missing: recovery.requestSession });
  const sendsToSignedDevicesOnly = () => store.settings.read(SIGNED_ONLY)?.["isOn"] !== false;
  /** Resolved once it is known whether this device is one that others will listen to. */
  const settled = Promise.withResolvers<void>();
  let isSettled = false;
  const encryptor = openEncryptor({
    context,
    trust,
    loadMembers: deps.loadMembers,
    sendsToSignedDevicesOnly,
    identitySettled: settled.promise,
  });
  /** Verification between users runs in a room: encrypted where the room is, to everyone as they are now. */
  async function sendVerification(roomId: RoomId, type: string, txnId: string, content: JsonObject): Promise<string> {
    const wire = store.rooms.read(roomId)?.isEncrypted
      ? await encryptor.encrypt(roomId, type, content, { isVerification: true })
      : { type, content };
    return deps.server.sendRoomEvent(roomId, wire.type, txnId, JSON.stringify(wire.content), { signal: deps.signal });
  }

  const verifications = openVerifications({
    context,
    sendInRoom: async (roomId, type, content, txnId) => {
      const answer: unknown = JSON.parse(await sendVerification(roomId, type, txnId, content));
      const eventId = isObject(answer) ? readString(answer, "event_id") : undefined;
      if (eventId === undefined) throw new EngineError("server-error", "The server's answer makes no sense.");
      return { eventId };
    },
    personOf: deps.personOf,
    deviceNameOf: devices.nameOf,
    onOwnDeviceVerified: () => inBackground("verified", whenVerified()),
  });

  /** What the last response said of key counts: the machine is asked again only when that changes. */
  let lastCounts: string | undefined;
  let hasWork = false;

  async function receiveSync(body: SyncBody): Promise<void> {
    const counts = JSON.stringify([body.oneTimeKeyCounts, body.unusedFallbackKeyTypes]);
    const hasNews =
      body.toDevice.length > 0 ||
      body.deviceListsChanged.length > 0 ||
      body.deviceListsLeft.length > 0 ||
      counts !== lastCounts;
    if (body.accountData.some(({ type }) => isSecretStorageType(type))) recovery.noteSecretStorage();
    if (!hasNews) return;
    const taken = await handOver(body, verifications.withoutStorms(body.toDevice));
    await verifications.noticed(taken);
    // The machine tells of the backup's key alone, and takes those of the identity in without a word.
    if (taken.some(({ type }) => type === "m.secret.send")) inBackground("secrets", recovery.noteOwnIdentity());
    lastCounts = counts;
    hasWork = true;
  }

  /**
   * Gives the machine what is for it, and gives back the to-device messages as they are once decrypted. Where it
   * chokes on one of them, that one alone is set aside; where it cannot work at all, or its store fails, the sync must
   * wait: what the server is told we have, it does not give again.
   */
  async function handOver(body: SyncBody, toDevice: readonly JsonObject[]): Promise<JsonObject[]> {
    try {
      return await handOverAll(body, toDevice);
    } catch (error) {
      if (toDevice.length === 0 || error instanceof EngineError) throw error;
      const taken = await handOverAll(body, []);
      for (const event of toDevice) {
        try {
          taken.push(...(await handOverAll({ ...body, deviceListsChanged: [], deviceListsLeft: [] }, [event])));
        } catch (cause) {
          if (cause instanceof EngineError) throw cause;
          deps.log.warn("a to-device message was set aside", { type: readString(event, "type")?.slice(0, 100) });
        }
      }
      return taken;
    }
  }

  async function handOverAll(body: SyncBody, toDevice: readonly JsonObject[]): Promise<JsonObject[]> {
    const processed = await olm.receiveSyncChanges(
      JSON.stringify(toDevice),
      new DeviceLists(toWasm(body.deviceListsChanged), toWasm(body.deviceListsLeft)),
      new Map(Object.entries(body.oneTimeKeyCounts)),
      body.unusedFallbackKeyTypes && new Set(body.unusedFallbackKeyTypes),
    );
    const events: unknown[] = processed.map((event) => {
      const raw: unknown = JSON.parse(event.rawEvent);
      event.free();
      return raw;
    });
    return events.filter(isObject);
  }

  async function afterSync(delta: CryptoDelta): Promise<void> {
    for (const roomId of delta.invalidate) await encryptor.invalidate(roomId);
    await encryptor.track([...delta.track]);
    if (!hasWork && delta.track.size === 0) return;
    hasWork = false;
    outgoing.flushSoon();
  }

  /** This device has just become one that others trust: what waited for that goes on. */
  async function whenVerified(): Promise<void> {
    await recovery.noteOwnIdentity();
    await devices.judge();
    deps.verified();
  }

  /**
   * Makes the account's identity where it has none, and finishes what a kill left undone; tried until the server has
   * answered. The password is the one just typed at sign-in, where there was one; where the server wants it later,
   * the user is asked then.
   */
  async function settleIdentity(password: string | undefined): Promise<void> {
    const goOn = () => {
      isSettled = true;
      settled.resolve();
      deps.changed("encryption");
      recovery.start();
    };
    for (let attempt = 0; !deps.signal.aborted; attempt += 1) {
      try {
        const outcome = await recovery.bootstrap({ password });
        if (outcome !== "elsewhere") await whenVerified();
        return goOn();
      } catch (error) {
        // Nothing else waits for a server that fails just here.
        goOn();
        if (error instanceof EngineError && error.code === "password-needed") return;
        const plan = retryPlan(error, attempt);
        if (plan.when === "never") throw error;
        await recovery.pause(plan.when === "after" ? plan.delayMs : backoffMs(attempt));
      }
    }
  }

  function inBackground(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!deps.signal.aborted) deps.log.warn("background work stopped", { what, code: toErrorData(error).code });
    });
  }

  listen();

  /** Many reports of one turn become one. */
  function listen(): void {
    let sessions = new Map<RoomId, Set<string>>();
    olm.registerRoomKeyUpdatedCallback(async (infos) => {
      if (sessions.size === 0) {
        setImmediate(() => {
          const arrived = sessions;
          sessions = new Map();
          if (!deps.signal.aborted) deps.keysArrived(arrived);
        });
      }
      recovery.noteRoomKeys();
      for (const info of infos) {
        const roomId = info.roomId.toString() as RoomId;
        sessions.set(roomId, (sessions.get(roomId) ?? new Set()).add(info.sessionId));
      }
    });
    olm.registerUserIdentityUpdatedCallback(async (userId) => {
      noteUsers([userId.toString() as UserId]);
    });
    olm.registerDevicesUpdatedCallback(async (userIds) => noteUsers(userIds as UserId[]));
    olm.registerReceiveSecretCallback(async () => recovery.noteSecret());
  }

  function noteUsers(userIds: readonly UserId[]): void {
    for (const userId of userIds) trust.identityUpdated(userId);
    trust.devicesUpdated(userIds);
    if (userIds.includes(deps.ownUserId)) inBackground("own devices", whenOwnDevicesChanged());
    deps.trustChanged(userIds);
  }

  async function whenOwnDevicesChanged(): Promise<void> {
    const wasVerified = recovery.view().isDeviceVerified;
    await recovery.noteOwnIdentity();
    devices.refreshSoon();
    if (!wasVerified && recovery.view().isDeviceVerified) deps.verified();
  }

  async function view(): Promise<EncryptionView> {
    const own = await readDevices(olm, deps.ownUserId, deps.ownDeviceId);
    const isTrusted = (device: (typeof own)[number]) => device.trust === "verified" || device.trust === "signed";
    return {
      key: "encryption",
      state: "ready",
      ...recovery.view(),
      // While the identity is being made, all looks as if this device were not of it.
      ...(!isSettled && { nextStep: "none" as const }),
      canVerifyWithDevice: own.some((device) => device.deviceId !== deps.ownDeviceId && isTrusted(device)),
      sendsToSignedDevicesOnly: sendsToSignedDevicesOnly(),
      undecryptableCount: store.events.countUndecryptable(),
      fingerprint: inGroups(olm.identityKeys.ed25519.toBase64()),
    };
  }

  return {
    olm,
    outgoing,
    trust,
    devices,
    decryptor,
    encryptor,
    verifications,
    recovery,
    view,
    exportKeys: (passphrase: string, options: KeyFileOptions) => exportKeyFile(olm, passphrase, options),
    importKeys: (keyFile: string, passphrase: string, options: KeyFileOptions) =>
      importKeyFile(olm, keyFile, passphrase, options),
    settleIdentity,
    receiveSync,
    afterSync,
    sendsToSignedDevicesOnly,
    setSendsToSignedDevicesOnly(isOn: boolean): void {
      store.write((tx) => store.settings.put(tx, SIGNED_ONLY, { isOn }), { isDurable: true });
      deps.changed("encryption");
    },
    rememberRooms: (rooms: readonly EncryptedRoom[]): Promise<void> =>
      machine.settingRooms(async () => {
        for (const { roomId, content } of rooms) await encryptor.remember(roomId, content);
      }),
    failure: machine.failure,
    /** Ends what runs here. Whatever it had not come to is taken up by the parts that are opened next. */
    close(): void {
      ending.abort();
      machine.close();
    },
  };
}
export type Parts = Awaited<ReturnType<typeof openParts>>;

const toWasm = (userIds: readonly UserId[]): WasmUserId[] => userIds.map((userId) => new WasmUserId(userId));
