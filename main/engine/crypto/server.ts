/**
 * CryptoServer: what the crypto asks of a homeserver. Implemented by net/keys.ts, handed in by session, and
 * acted by in-process servers in tests. Invariant: a method sends one request and never retries; what fails is
 * an EngineError, which `retryPlan` reads. Answers that OlmMachine reads itself come as JSON text.
 * spec: client-server, "End-to-End Encryption".
 */
import type { DeviceId, UserId } from "../../../preload/contract/ids.ts";
import type { JsonObject } from "../matrix/json.ts";

export type ServerOptions = { signal?: AbortSignal | undefined };
/** For endpoints with user-interactive authentication; without a password they may throw `password-needed`. */
export type AuthOptions = ServerOptions & { password?: string | undefined };

/** A key backup as the server describes it. spec: GET /room_keys/version. */
export type BackupInfo = {
  version: string;
  algorithm: string;
  authData: JsonObject;
  count: number | undefined;
  etag: string | undefined;
};

/** One of our devices as the server lists it. spec: GET /devices. */
export type ListedDevice = {
  deviceId: DeviceId;
  displayName: string | undefined;
  lastSeenTs: number | undefined;
  lastSeenAddress: string | undefined;
};

export interface CryptoServer {
  uploadKeys(body: string, options?: ServerOptions): Promise<string>;
  queryKeys(body: string, options?: ServerOptions): Promise<string>;
  claimKeys(body: string, options?: ServerOptions): Promise<string>;
  uploadSignatures(body: string, options?: ServerOptions): Promise<string>;
  sendToDevice(eventType: string, txnId: string, body: string, options?: ServerOptions): Promise<string>;
  /** For verification in a room: `content` goes out as it is. Gives `{ event_id }`. */
  sendRoomEvent(
    roomId: string,
    eventType: string,
    txnId: string,
    content: string,
    options?: ServerOptions,
  ): Promise<string>;
  uploadSigningKeys(body: JsonObject, options?: AuthOptions): Promise<void>;

  putBackupKeys(version: string, body: string, options?: ServerOptions): Promise<string>;
  /** The newest backup, or the one named; undefined where there is none. */
  backupInfo(version?: string, options?: ServerOptions): Promise<BackupInfo | undefined>;
  /** Gives the new version. */
  createBackup(backup: { algorithm: string; authData: JsonObject }, options?: ServerOptions): Promise<string>;
  deleteBackup(version: string, options?: ServerOptions): Promise<void>;
  /** `{ rooms: … }`, of one room `{ sessions: … }`, of one session its backed-up form; undefined where there is none. */
  backupKeys(
    version: string,
    at?: { roomId: string; sessionId?: string },
    options?: ServerOptions,
  ): Promise<JsonObject | undefined>;

  /** Account data as the server has it now, not as the last sync said; undefined where there is none. */
  accountData(type: string, options?: ServerOptions): Promise<JsonObject | undefined>;
  setAccountData(type: string, content: JsonObject, options?: ServerOptions): Promise<void>;

  devices(options?: ServerOptions): Promise<ListedDevice[]>;
  renameDevice(deviceId: DeviceId, displayName: string, options?: ServerOptions): Promise<void>;
  deleteDevices(deviceIds: readonly DeviceId[], options?: AuthOptions): Promise<void>;
  /** Opens, or finds, the direct room with a user, to verify in. */
  directRoom(userId: UserId, options?: ServerOptions): Promise<string>;
}
