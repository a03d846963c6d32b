/**
 * The child process of peer.ts: one matrix-js-sdk client with its Rust crypto, driven by calls over IPC. A process of
 * its own because the crypto keeps its state in globals, which our engine sets and uses as well.
 * Invariant: the key store is in memory, so every process is a new device; nothing is written to stdout, and the
 * process ends when its parent is gone. Waiting is the parent's work: a call here answers at once, and `changed` tells
 * that asking again is worth while.
 */
import { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { ClientEvent, createClient, EventTimeline, MatrixError, MatrixEventEvent, Method } from "matrix-js-sdk";
import { PendingEventOrdering, Preset, RoomEvent, RoomMemberEvent, RoomStateEvent, SyncState } from "matrix-js-sdk";
import type { ICreateRoomOpts, MatrixClient, MatrixEvent } from "matrix-js-sdk";
import {
  AllDevicesIsolationMode,
  CryptoEvent,
  DecryptionFailureCode,
  decodeRecoveryKey,
  deriveRecoveryKeyFromPassphrase,
  EventShieldReason,
  OnlySignedDevicesIsolationMode,
  VerificationPhase as SdkPhase,
  VerificationRequestEvent,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { CryptoApi, VerificationRequest, Verifier } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { UIAuthCallback } from "matrix-js-sdk/lib/interactive-auth.js";
import type { Logger } from "matrix-js-sdk/lib/logger.js";
import { RustBackupManager } from "matrix-js-sdk/lib/rust-crypto/backup.js";
import type { SecretStorageKeyDescription } from "matrix-js-sdk/lib/secret-storage.js";
import type { Shield, UndecryptableCause, UserTrust } from "../../../preload/contract/views.ts";
import { attachmentUrl, decryptAttachment, encryptAttachment } from "./attachment.ts";
import type {
  DevicePolicy,
  DeviceTrust,
  FileToSend,
  IdentityState,
  PersonEvent,
  RoomOptions,
  VerificationPhase,
  VerificationState,
  VerificationTarget,
} from "./person.ts";

/** What the parent sends. */
export type PeerCall = { id: number; method: string; args: readonly unknown[] };

/** What comes back: answers, and the hint that something changed. */
export type PeerMessage =
  | { kind: "answer"; id: number; value: unknown }
  | { kind: "failure"; id: number; message: string }
  | { kind: "changed" };

/** Beside a person's, the older rule: devices that are verified by us. */
export type PeerDevicePolicy = DevicePolicy | "verified";

export type PeerLogin = { baseUrl: string; userId: string; password: string; deviceName: string };

/** What the parent needs to know of a room before it goes on. */
export type PeerRoom = {
  membership: string;
  isEncrypted: boolean;
  joined: readonly string[];
  invited: readonly string[];
};

const LAST_WORDS = 30;
const CHANGED_AFTER_MS = 5;
const KEY_FILE_ROUNDS = 100_000;
const HISTORY_LIMIT = 100;
const METHODS = ["m.sas.v1", "m.qr_code.show.v1", "m.qr_code.scan.v1", "m.reciprocate.v1"];

const lastWords: string[] = [];

function note(level: string, ...parts: unknown[]): void {
  const text = parts.map((part) => (part instanceof Error ? (part.stack ?? part.message) : String(part))).join(" ");
  lastWords.push(`${level}: ${text.slice(0, 500)}`);
  if (lastWords.length > LAST_WORDS) lastWords.shift();
}

const nothing = (): void => {};
const logger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: (...parts) => note("warn", ...parts),
  error: (...parts) => note("error", ...parts),
  getChild: () => logger,
};

// What does not go through the client's logger goes to the console, on every request.
Object.assign(console, { log: nothing, trace: nothing, debug: nothing, info: nothing, group: nothing });
Object.assign(console, { warn: logger.warn, error: logger.error });
// A client waits for up to ten seconds with the first upload; that is kindness to big servers.
Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 });

const shields: Partial<Record<EventShieldReason, Shield>> = {
  [EventShieldReason.UNVERIFIED_IDENTITY]: "unverified-identity",
  [EventShieldReason.UNSIGNED_DEVICE]: "unsigned-device",
  [EventShieldReason.UNKNOWN_DEVICE]: "unknown-device",
  [EventShieldReason.AUTHENTICITY_NOT_GUARANTEED]: "authenticity-not-guaranteed",
  [EventShieldReason.VERIFICATION_VIOLATION]: "verification-violation",
  [EventShieldReason.MISMATCHED_SENDER]: "mismatched-sender",
};

const causes: Record<DecryptionFailureCode, UndecryptableCause> = {
  [DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID]: "missing-key",
  [DecryptionFailureCode.MEGOLM_KEY_WITHHELD]: "withheld",
  [DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE]: "withheld-unverified",
  [DecryptionFailureCode.OLM_UNKNOWN_MESSAGE_INDEX]: "key-too-new",
  [DecryptionFailureCode.HISTORICAL_MESSAGE_NO_KEY_BACKUP]: "history-without-backup",
  [DecryptionFailureCode.HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED]: "history-unverified-device",
  [DecryptionFailureCode.HISTORICAL_MESSAGE_WORKING_BACKUP]: "missing-key",
  [DecryptionFailureCode.HISTORICAL_MESSAGE_USER_NOT_JOINED]: "sent-before-we-joined",
  [DecryptionFailureCode.SENDER_IDENTITY_PREVIOUSLY_VERIFIED]: "verification-violation",
  [DecryptionFailureCode.UNSIGNED_SENDER_DEVICE]: "unsigned-device",
  [DecryptionFailureCode.UNKNOWN_SENDER_DEVICE]: "unknown-device",
  [DecryptionFailureCode.UNKNOWN_ERROR]: "malformed",
};

type HeldVerification = {
  request: VerificationRequest;
  /** The verifier that runs; it has to be told to. */
  verifier: Verifier | undefined;
  /** The user has said what he sees. */
  isAnswered: boolean;
  isTaken: boolean;
  /** How it was cancelled, as told first. */
  cancel: VerificationState["cancel"];
};

let started: { client: MatrixClient; crypto: CryptoApi; login: PeerLogin } | undefined;
/** What opens secret storage: set while a call needs it, and by what makes a new key. */
let storageSecret: string | undefined;
const storageKeys = new Map<string, Uint8Array<ArrayBuffer>>();
let isOffline = false;
/** Ends with the connection what runs over it. */
let connection = new AbortController();
/** Held for the life of the process: the client itself holds requests only weakly. Its index is a verification's handle. */
const verifications: HeldVerification[] = [];

function peer(): { client: MatrixClient; crypto: CryptoApi; login: PeerLogin } {
  if (!started) throw new Error("the peer is not signed in");
  return started;
}

let isChangeDue = false;
function changed(): void {
  if (isChangeDue) return;
  isChangeDue = true;
  setTimeout(() => {
    isChangeDue = false;
    tell({ kind: "changed" });
  }, CHANGED_AFTER_MS);
}

const tell = (message: PeerMessage): void => void process.send?.(message);

/** `fetch` that fails while the peer is cut off, running requests included. */
const fetchUnlessOffline: typeof fetch = (input, init) => {
  if (isOffline) return Promise.reject(new TypeError("fetch failed: the peer is offline"));
  const signals = [connection.signal, ...(init?.signal ? [init.signal] : [])];
  return fetch(input, { ...init, signal: AbortSignal.any(signals) });
};

/** The key to secret storage from what a user would type. */
async function unlockStorage(
  { keys }: { keys: Record<string, SecretStorageKeyDescription> },
  name: string,
): Promise<[string, Uint8Array<ArrayBuffer>] | null> {
  const { client } = peer();
  const defaultKeyId = await client.secretStorage.getDefaultKeyId();
  const keyId = Object.keys(keys).find((candidate) => candidate === defaultKeyId);
  const description = keyId === undefined ? undefined : keys[keyId];
  if (keyId === undefined || description === undefined) return null;
  const known = storageKeys.get(keyId);
  if (known) return [keyId, known];
  if (storageSecret === undefined) throw new Error(`${name} is asked of secret storage, and nobody gave its key`);
  const key = await storageKey(storageSecret, description);
  if (!(await client.secretStorage.checkKey(key, description))) throw new Error("wrong recovery key");
  storageKeys.set(keyId, key);
  return [keyId, key];
}

async function storageKey(secret: string, description: SecretStorageKeyDescription): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return decodeRecoveryKey(secret);
  } catch {
    const { passphrase } = description as Partial<SecretStorageKeyDescription>;
    if (!passphrase) throw new Error("wrong recovery key");
    const { salt, iterations, bits } = passphrase;
    return deriveRecoveryKeyFromPassphrase(secret, salt, iterations, bits);
  }
}

/** Interactive authentication with the password. */
const withPassword: UIAuthCallback<void> = async (makeRequest) => {
  try {
    await makeRequest(null);
  } catch (error) {
    if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error;
    const { userId, password } = peer().login;
    await makeRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: userId },
      password,
      session: String(error.data["session"]),
    });
  }
};

function hold(request: VerificationRequest, isTaken: boolean): number {
  const held: HeldVerification = { request, verifier: undefined, isAnswered: false, isTaken, cancel: undefined };
  request.on(VerificationRequestEvent.Change, () => {
    run(held, request.verifier);
    held.cancel ??= cancelOf(request);
    // A wrong code ends the comparison but not the request, and while that one lives, the next would be cancelled.
    // The cancellation itself is not sent: the right one is on its way.
    if (held.cancel && request.cancellationCode === null) (request as unknown as Insides).inner.cancel();
    changed();
  });
  return verifications.push(held) - 1;
}

/** Without this the other side's choice of method is never accepted. Its end is told by the request's phase. */
function run(held: HeldVerification, verifier: Verifier | undefined): void {
  if (verifier === undefined || held.verifier === verifier) return;
  held.verifier = verifier;
  verifier.verify().catch((error: unknown) => note("verification", error));
}

function verification(handle: number): HeldVerification {
  const held = verifications[handle];
  if (!held) throw new Error(`there is no verification ${handle}`);
  return held;
}

function phaseOf({ request, isAnswered }: HeldVerification): VerificationPhase {
  switch (request.phase) {
    case SdkPhase.Unsent:
    case SdkPhase.Requested:
      return "requested";
    case SdkPhase.Ready:
      return "ready";
    case SdkPhase.Started:
      if (isAnswered) return "waiting";
      if (request.verifier?.getShowSasCallbacks()) return "emoji";
      return request.verifier?.getReciprocateQrCodeCallbacks() ? "scanned" : "waiting";
    case SdkPhase.Cancelled:
      return "cancelled";
    case SdkPhase.Done:
      return "done";
  }
}

/** What the client keeps to itself of the side that found a QR code to be wrong: the request never hears of it. */
type Insides = {
  inner: { cancel(): unknown };
  _verifier?: { inner: { cancelInfo(): { cancelCode(): string; cancelledbyUs(): boolean } | undefined } };
};

function cancelOf(request: VerificationRequest): VerificationState["cancel"] {
  const code = request.cancellationCode;
  if (code !== null) return { code, byUs: request.cancellingUserId === peer().client.getUserId() };
  const info = (request as unknown as Insides)._verifier?.inner.cancelInfo();
  return info && { code: info.cancelCode(), byUs: info.cancelledbyUs() };
}

async function describe(event: MatrixEvent, all: readonly MatrixEvent[]): Promise<PersonEvent> {
  await event.getDecryptionPromise()?.catch(nothing);
  // What failed to decrypt poses as a message of its own, for old views.
  const isUnreadable = event.isDecryptionFailure();
  const reason = event.decryptionFailureReason ?? DecryptionFailureCode.UNKNOWN_ERROR;
  const sessionId: unknown = event.getWireContent()["session_id"];
  const eventId = event.getId() ?? "";
  const described: Omit<PersonEvent, "shield"> = {
    eventId,
    sender: event.getSender() ?? "",
    type: isUnreadable ? event.getWireType() : event.getType(),
    content: isUnreadable ? event.getWireContent() : event.getContent(),
    isEncrypted: event.isEncrypted(),
    isEdited: event.replacingEventId() !== undefined,
    isRedacted: event.isRedacted(),
    sessionId: typeof sessionId === "string" ? sessionId : undefined,
    cause: isUnreadable ? causes[reason] : undefined,
    reactions: all.flatMap((other) => {
      const relation = other.getRelation();
      const isReaction = relation?.rel_type === "m.annotation" && relation.event_id === eventId && !other.isRedacted();
      return isReaction ? [{ sender: other.getSender() ?? "", key: relation.key ?? "" }] : [];
    }),
  };
  const info = event.isEncrypted() ? await peer().crypto.getEncryptionInfoForEvent(event) : null;
  return { ...described, shield: shields[info?.shieldReason ?? EventShieldReason.UNKNOWN] };
}

async function upload(bytes: Uint8Array): Promise<Record<string, unknown>> {
  const { ciphertext, secrets } = encryptAttachment(bytes);
  const { content_uri: url } = await peer().client.uploadContent(new Blob([new Uint8Array(ciphertext)]), {
    type: "application/octet-stream",
    includeFilename: false,
  });
  return { url, ...secrets };
}

/** The client's own types know no events but the specification's. */
type AnySender = { sendEvent(roomId: string, type: string, content: object): Promise<{ event_id: string }> };

async function send(roomId: string, type: string, content: Record<string, unknown>): Promise<string> {
  const reply = await (peer().client as unknown as AnySender).sendEvent(roomId, type, content);
  return reply.event_id;
}

const initialState = (options: RoomOptions): NonNullable<ICreateRoomOpts["initial_state"]> => [
  ...((options.isEncrypted ?? true)
    ? [
        {
          type: "m.room.encryption",
          state_key: "",
          content: {
            algorithm: "m.megolm.v1.aes-sha2",
            ...(options.rotationMs === undefined ? {} : { rotation_period_ms: options.rotationMs }),
            ...(options.rotationMessages === undefined ? {} : { rotation_period_msgs: options.rotationMessages }),
          },
        },
      ]
    : []),
  ...(options.historyVisibility === undefined
    ? []
    : [
        {
          type: "m.room.history_visibility",
          state_key: "",
          content: { history_visibility: options.historyVisibility },
        },
      ]),
];

/** What the parent may call. */
const methods = {
  /** Signs in as a new device and gives its id, once the first sync is through. */
  async start(login: PeerLogin): Promise<string> {
    const anonymous = createClient({ baseUrl: login.baseUrl, logger });
    const session = await anonymous.loginRequest({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: login.userId },
      password: login.password,
      initial_device_display_name: login.deviceName,
    });
    const client = createClient({
      baseUrl: login.baseUrl,
      userId: session.user_id,
      deviceId: session.device_id,
      accessToken: session.access_token,
      logger,
      fetchFn: fetchUnlessOffline,
      timelineSupport: true,
      verificationMethods: METHODS,
      cryptoCallbacks: {
        getSecretStorageKey: unlockStorage,
        cacheSecretStorageKey: (keyId, _, key) => void storageKeys.set(keyId, key),
      },
    });
    await client.initRustCrypto({ useIndexedDB: false });
    const crypto = client.getCrypto();
    if (!crypto) throw new Error("the client has no crypto");
    started = { client, crypto, login };
    for (const name of [ClientEvent.Room, ClientEvent.AccountData, ClientEvent.Sync] as const) client.on(name, changed);
    for (const name of [RoomEvent.Timeline, RoomEvent.MyMembership, RoomEvent.Redaction] as const) {
      client.on(name, changed);
    }
    for (const name of [RoomStateEvent.Events, RoomMemberEvent.Membership, MatrixEventEvent.Decrypted] as const) {
      client.on(name, changed);
    }
    for (const name of [
      CryptoEvent.DevicesUpdated,
      CryptoEvent.KeysChanged,
      CryptoEvent.UserTrustStatusChanged,
      CryptoEvent.KeyBackupStatus,
      CryptoEvent.KeyBackupSessionsRemaining,
    ] as const) {
      client.on(name, changed);
    }
    client.on(MatrixEventEvent.Replaced, changed);
    client.on(CryptoEvent.VerificationRequestReceived, (request) => {
      hold(request, false);
      changed();
    });
    await client.startClient({
      initialSyncLimit: HISTORY_LIMIT,
      pendingEventOrdering: PendingEventOrdering.Detached,
      disablePresence: true,
    });
    return session.device_id;
  },

  isSynced(): boolean {
    const state = peer().client.getSyncState();
    return state === SyncState.Prepared || state === SyncState.Syncing;
  },

  lastWords: () => lastWords,

  async bootstrapCrossSigning(): Promise<void> {
    await peer().crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: withPassword });
  },

  /** Makes secret storage with a new key, puts there what this device has, and gives the recovery key. */
  async bootstrapSecretStorage(options: { passphrase?: string; isBackupNew: boolean }): Promise<string> {
    const { crypto } = peer();
    const key = await crypto.createRecoveryKeyFromPassphrase(options.passphrase);
    await crypto.bootstrapSecretStorage({
      createSecretStorageKey: () => Promise.resolve(key),
      setupNewSecretStorage: true,
      setupNewKeyBackup: options.isBackupNew,
    });
    if (key.encodedPrivateKey === undefined) throw new Error("the recovery key has no text");
    return key.encodedPrivateKey;
  },

  async recover(secret: string): Promise<void> {
    const { crypto } = peer();
    storageSecret = secret;
    // The secret is to be tried, even where this device made the key.
    storageKeys.clear();
    try {
      // The public halves must be here before the private ones can be judged.
      if (!(await crypto.userHasCrossSigningKeys())) throw new Error("this account has no identity to recover");
      await crypto.bootstrapCrossSigning({});
      if (await crypto.getKeyBackupInfo()) await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
      await crypto.checkKeyBackupAndEnable();
    } finally {
      storageSecret = undefined;
    }
  },

  async restoreBackup(): Promise<number> {
    return (await peer().crypto.restoreKeyBackup()).imported;
  },

  async resetEncryption(): Promise<void> {
    await peer().crypto.resetEncryption(withPassword);
  },

  async identity(): Promise<IdentityState> {
    const { client, crypto } = peer();
    const status = await crypto.getCrossSigningStatus();
    const own = await crypto.getDeviceVerificationStatus(client.getSafeUserId(), client.getDeviceId() ?? "");
    const { masterKey, selfSigningKey, userSigningKey } = status.privateKeysCachedLocally;
    return {
      hasIdentity: status.publicKeysOnDevice,
      isDeviceVerified: own?.crossSigningVerified ?? false,
      hasPrivateKeys: masterKey && selfSigningKey && userSigningKey,
      isRecoverable: status.privateKeysInSecretStorage,
      backupVersion: (await crypto.getActiveSessionBackupVersion()) ?? undefined,
    };
  },

  /** How many room keys are here, and how many the server's backup has. */
  async keyCounts(): Promise<{ here: number; inBackup: number }> {
    const { client, crypto } = peer();
    const info = await client.http.authedRequest<{ count: number }>(Method.Get, "/room_keys/version");
    return { here: (await crypto.exportRoomKeys()).length, inBackup: info.count };
  },

  async createRoom(options: RoomOptions): Promise<string> {
    const { client } = peer();
    const preset = options.isDirect ? Preset.TrustedPrivateChat : options.isPublic ? Preset.PublicChat : undefined;
    const { room_id: roomId } = await client.createRoom({
      ...(options.name === undefined ? {} : { name: options.name }),
      preset: preset ?? Preset.PrivateChat,
      invite: [...(options.invite ?? [])],
      is_direct: options.isDirect ?? false,
      initial_state: initialState(options),
    });
    const [other] = options.invite ?? [];
    if (options.isDirect && other !== undefined) {
      const path = `/user/${encodeURIComponent(client.getSafeUserId())}/account_data/m.direct`;
      const direct = client.getAccountData("m.direct" as never)?.getContent<Record<string, string[]>>() ?? {};
      await client.http.authedRequest(Method.Put, path, undefined, {
        ...direct,
        [other]: [...(direct[other] ?? []), roomId],
      });
    }
    return roomId;
  },

  async room(roomId: string): Promise<PeerRoom | undefined> {
    const { client, crypto } = peer();
    const room = client.getRoom(roomId);
    const state = room?.getLiveTimeline().getState(EventTimeline.FORWARDS);
    if (!room || !state) return undefined;
    const members = (membership: string) =>
      state.getMembers().flatMap((member) => (member.membership === membership ? [member.userId] : []));
    return {
      membership: room.getMyMembership(),
      isEncrypted: await crypto.isEncryptionEnabledInRoom(roomId),
      joined: members("join"),
      invited: members("invite"),
    };
  },

  async invite(roomId: string, userId: string): Promise<void> {
    await peer().client.invite(roomId, userId);
  },

  /** The ids of new rooms name no server, so `viaServer` helps where nobody invited us. */
  async join(roomId: string, viaServer?: string): Promise<void> {
    await peer().client.joinRoom(roomId, viaServer === undefined ? {} : { viaServers: [viaServer] });
  },

  async leave(roomId: string): Promise<void> {
    await peer().client.leave(roomId);
  },

  send,

  edit: (roomId: string, eventId: string, text: string): Promise<string> =>
    send(roomId, "m.room.message", {
      msgtype: "m.text",
      body: `* ${text}`,
      "m.new_content": { msgtype: "m.text", body: text },
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    }),

  react: (roomId: string, eventId: string, key: string): Promise<string> =>
    send(roomId, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } }),

  reply: (roomId: string, eventId: string, text: string): Promise<string> =>
    send(roomId, "m.room.message", {
      msgtype: "m.text",
      body: text,
      "m.relates_to": { "m.in_reply_to": { event_id: eventId } },
    }),

  async redact(roomId: string, eventId: string): Promise<void> {
    await peer().client.redactEvent(roomId, eventId);
  },

  async sendFile(roomId: string, file: FileToSend): Promise<string> {
    const { thumbnail } = file;
    return send(roomId, "m.room.message", {
      msgtype: file.contentType.startsWith("image/") ? "m.image" : "m.file",
      body: file.name,
      filename: file.name,
      file: await upload(file.bytes),
      info: {
        mimetype: file.contentType,
        size: file.bytes.length,
        ...(thumbnail && {
          thumbnail_file: await upload(thumbnail.bytes),
          thumbnail_info: { mimetype: thumbnail.contentType, size: thumbnail.bytes.length },
        }),
      },
    });
  },

  async downloadFile(roomId: string, eventId: string, part: "file" | "thumbnail"): Promise<Uint8Array> {
    const { client } = peer();
    const event = client.getRoom(roomId)?.findEventById(eventId);
    if (!event) throw new Error(`${eventId} is not in the timeline`);
    await event.getDecryptionPromise();
    const content: { file?: unknown; info?: { thumbnail_file?: unknown } } = event.getContent();
    const file = part === "file" ? content.file : content.info?.thumbnail_file;
    const url = client.mxcUrlToHttp(attachmentUrl(file), undefined, undefined, undefined, false, true, true);
    if (url === null) throw new Error("the file has no address");
    const response = await fetchUnlessOffline(url, {
      headers: { authorization: `Bearer ${client.getAccessToken() ?? ""}` },
    });
    if (!response.ok) throw new Error(`the file's download answered ${response.status}`);
    return decryptAttachment(new Uint8Array(await response.arrayBuffer()), file);
  },

  async timeline(roomId: string): Promise<PersonEvent[]> {
    const all = peer().client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
    const shown = all.filter((event) => !event.isState());
    return Promise.all(shown.map((event) => describe(event, all)));
  },

  /** Fetches older events into the timeline. */
  async loadHistory(roomId: string): Promise<void> {
    const { client } = peer();
    const room = client.getRoom(roomId);
    if (room) await client.scrollback(room, HISTORY_LIMIT);
  },

  async startNewRoomKey(roomId: string): Promise<void> {
    await peer().crypto.forceDiscardSession(roomId);
  },

  async requestVerification(target: VerificationTarget): Promise<number> {
    const { crypto } = peer();
    switch (target.with) {
      case "own-devices":
        return hold(await crypto.requestOwnUserVerification(), true);
      case "device":
        return hold(await crypto.requestDeviceVerification(target.userId, target.deviceId), true);
      case "user":
        return hold(await crypto.requestVerificationDM(target.userId, target.roomId), true);
    }
  },

  /** Gives the oldest request of that kind that still runs and that nobody took. */
  takeVerification(from: { userId: string; deviceId?: string }): number | undefined {
    const handle = verifications.findIndex(
      ({ isTaken, request }) =>
        !isTaken &&
        request.pending &&
        request.otherUserId === from.userId &&
        (from.deviceId === undefined || request.otherDeviceId === from.deviceId),
    );
    const held = verifications[handle];
    if (!held) return undefined;
    held.isTaken = true;
    return handle;
  },

  verificationState(handle: number): VerificationState {
    const held = verification(handle);
    const { request } = held;
    return {
      phase: phaseOf(held),
      isSelf: request.isSelfVerification,
      otherUserId: request.otherUserId,
      otherDeviceId: request.otherDeviceId,
      emoji: request.verifier?.getShowSasCallbacks()?.sas.emoji?.map(([symbol]) => symbol),
      cancel: held.cancel,
    };
  },

  acceptVerification: (handle: number): Promise<void> => verification(handle).request.accept(),

  async startEmoji(handle: number): Promise<void> {
    const held = verification(handle);
    run(held, await held.request.startVerification("m.sas.v1"));
  },

  async answerVerification(handle: number, isMatch: boolean): Promise<void> {
    const held = verification(handle);
    const emoji = held.request.verifier?.getShowSasCallbacks();
    const scanned = held.request.verifier?.getReciprocateQrCodeCallbacks();
    if (!emoji && !scanned) throw new Error("there is nothing to say yes or no to");
    held.isAnswered = true;
    if (isMatch) await (emoji ? emoji.confirm() : scanned?.confirm());
    else if (emoji) emoji.mismatch();
    else scanned?.cancel();
  },

  cancelVerification: (handle: number): Promise<void> => verification(handle).request.cancel(),

  async qrCode(handle: number): Promise<Uint8Array> {
    const bytes = await verification(handle).request.generateQRCode();
    if (!bytes) throw new Error("there is no QR code to show");
    return Uint8Array.from(bytes);
  },

  async scanQrCode(handle: number, bytes: Uint8Array): Promise<void> {
    const held = verification(handle);
    run(held, await held.request.scanQRCode(Uint8ClampedArray.from(bytes)));
  },

  async deviceIds(userId: string): Promise<string[]> {
    const devices = await peer().crypto.getUserDeviceInfo([userId]);
    return [...(devices.get(userId)?.keys() ?? [])];
  },

  async deviceTrust(userId: string, deviceId: string): Promise<DeviceTrust> {
    const status = await peer().crypto.getDeviceVerificationStatus(userId, deviceId);
    if (!status) return undefined;
    if (status.crossSigningVerified) return "verified";
    return status.signedByOwner ? "signed" : "unsigned";
  },

  async userTrust(userId: string): Promise<UserTrust["identity"]> {
    const status = await peer().crypto.getUserVerificationStatus(userId);
    if (!status.known) return "none";
    if (status.isVerified()) return "verified";
    return status.needsUserApproval || status.wasCrossSigningVerified() ? "changed" : "unverified";
  },

  async acknowledgeIdentity(userId: string): Promise<void> {
    const { crypto } = peer();
    const status = await crypto.getUserVerificationStatus(userId);
    if (status.wasCrossSigningVerified()) await crypto.withdrawVerificationRequirement(userId);
    else await crypto.pinCurrentUserIdentity(userId);
  },

  setDevicePolicy(policy: PeerDevicePolicy): void {
    const { crypto } = peer();
    crypto.globalBlacklistUnverifiedDevices = policy === "verified";
    crypto.setDeviceIsolationMode(
      policy === "signed" ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(false),
    );
  },

  // The key file's own encryption is not matrix-js-sdk's: Element has it. The crypto below both has it too.
  async exportKeys(passphrase: string): Promise<string> {
    const keys = await peer().crypto.exportRoomKeysAsJson();
    return OlmMachine.encryptExportedRoomKeys(keys, passphrase, KEY_FILE_ROUNDS);
  },

  async importKeys(keyFile: string, passphrase: string): Promise<void> {
    await peer().crypto.importRoomKeysAsJson(OlmMachine.decryptExportedRoomKeys(keyFile, passphrase));
  },

  goOffline(): void {
    isOffline = true;
    connection.abort();
  },

  goOnline(): void {
    isOffline = false;
    connection = new AbortController();
    peer().client.retryImmediately();
  },
};

/** The calls that peer.ts can make, as types. */
export type PeerMethods = typeof methods;

async function answer({ id, method, args }: PeerCall): Promise<void> {
  try {
    const call = (methods as unknown as Record<string, (...given: readonly unknown[]) => unknown>)[method];
    if (!call) throw new Error(`there is no method ${method}`);
    const value = await call(...args);
    tell({ kind: "answer", id, value });
    changed();
  } catch (error) {
    tell({ kind: "failure", id, message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
}

// Left-over work of a cancelled verification or a cut connection fails unheard inside the client.
process.on("unhandledRejection", (error) => note("unhandled", error));
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => void answer(message as PeerCall));
