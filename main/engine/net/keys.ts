/**
 * The endpoints of end-to-end encryption: keys, to-device messages, backups, devices. Made by the homeserver
 * client; what the crypto asks of a server (crypto/server.ts) is this and a little of the client.
 * Invariant: as everywhere in net: one request for a call, no retries, every failure an EngineError. Bodies that
 * OlmMachine has made go out as they are, so that a repeated request is the same request byte for byte.
 * spec: client-server, "End-to-End Encryption", "Send-to-Device messaging", "Server-side key backups".
 */
import type { DeviceId, UserId } from "../../../preload/contract/ids.ts";
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import { isObject, readArray, readCount, readObject, readString, type JsonObject } from "../matrix/json.ts";
import { parseDeviceId } from "../matrix/ids.ts";
import type { endpointUrl } from "./addresses.ts";
import type { HttpAnswer, HttpRequest } from "./http.ts";
import { withInteractiveAuth } from "./interactive-auth.ts";

type Options = { signal?: AbortSignal | undefined };
type AuthOptions = Options & { password?: string | undefined };
type Query = Parameters<typeof endpointUrl>[3];

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

/** A whole backup of an old account is the largest answer that there is. */
const MAX_BACKUP_BYTES = 512 * 2 ** 20;
const MAX_KEYS_BYTES = 64 * 2 ** 20;
/** /keys/query and /keys/claim wait for other servers. */
const FEDERATION_TIMEOUT_MS = 60_000;

export type KeysDeps = {
  ownUserId: UserId;
  clock: Clock;
  at: (segments: readonly string[], query?: Query) => URL;
  request: (
    method: HttpRequest["method"],
    url: URL,
    options: Options,
    more?: Partial<Pick<HttpRequest, "body" | "timeoutMs" | "bodyTimeoutMs" | "maxBytes">>,
  ) => Promise<unknown>;
  /** The answer whatever its status, with a token that is refreshed where it must be. */
  answer: (method: HttpRequest["method"], url: URL, options: Options, body: unknown) => Promise<HttpAnswer>;
};

export function openKeysClient({ ownUserId, clock, at, request, answer }: KeysDeps) {
  const post = async (segments: readonly string[], body: string, options: Options): Promise<string> =>
    JSON.stringify(
      await request("POST", at(segments), options, {
        body: JSON.parse(body) as unknown,
        maxBytes: MAX_KEYS_BYTES,
        timeoutMs: FEDERATION_TIMEOUT_MS,
      }),
    );

  const withAuth = (url: URL, body: JsonObject, options: AuthOptions): Promise<unknown> =>
    withInteractiveAuth((auth) => answer("POST", url, options, auth ? { ...body, auth } : body), {
      userId: ownUserId,
      password: options.password,
      nowMs: clock.now(),
    });

  return {
    uploadKeys: (body: string, options: Options = {}) => post(["keys", "upload"], body, options),
    queryKeys: (body: string, options: Options = {}) => post(["keys", "query"], body, options),
    claimKeys: (body: string, options: Options = {}) => post(["keys", "claim"], body, options),
    uploadSignatures: (body: string, options: Options = {}) => post(["keys", "signatures", "upload"], body, options),
    /** The same `txnId` on every try makes the server deliver the messages once. */
    async sendToDevice(eventType: string, txnId: string, body: string, options: Options = {}): Promise<string> {
      const url = at(["sendToDevice", eventType, txnId]);
      return JSON.stringify(await request("PUT", url, options, { body: JSON.parse(body) as unknown }));
    },
    async uploadSigningKeys(body: JsonObject, options: AuthOptions = {}): Promise<void> {
      await withAuth(at(["keys", "device_signing", "upload"]), body, options);
    },

    async putBackupKeys(version: string, body: string, options: Options = {}): Promise<string> {
      const url = at(["room_keys", "keys"], { version });
      return JSON.stringify(await request("PUT", url, options, { body: JSON.parse(body) as unknown }));
    },
    /** The newest backup, or the one named; undefined where there is none. */
    async backupInfo(version?: string, options: Options = {}): Promise<BackupInfo | undefined> {
      const url = at(["room_keys", "version", ...(version === undefined ? [] : [version])]);
      const raw = await orUndefined(request("GET", url, options));
      return raw === undefined ? undefined : parseBackupInfo(raw);
    },
    /** Gives the new version. */
    async createBackup(backup: { algorithm: string; authData: JsonObject }, options: Options = {}): Promise<string> {
      const body = { algorithm: backup.algorithm, auth_data: backup.authData };
      const raw = await request("POST", at(["room_keys", "version"]), options, { body });
      const version = isObject(raw) ? readString(raw, "version") : undefined;
      if (version === undefined) throw nonsense();
      return version;
    },
    async deleteBackup(version: string, options: Options = {}): Promise<void> {
      await orUndefined(request("DELETE", at(["room_keys", "version", version]), options));
    },
    async backupKeys(
      version: string,
      place?: { roomId: string; sessionId?: string },
      options: Options = {},
    ): Promise<JsonObject | undefined> {
      const segments = place ? [place.roomId, ...(place.sessionId === undefined ? [] : [place.sessionId])] : [];
      const raw = await orUndefined(
        request("GET", at(["room_keys", "keys", ...segments], { version }), options, {
          maxBytes: MAX_BACKUP_BYTES,
          bodyTimeoutMs: 600_000,
          timeoutMs: 120_000,
        }),
      );
      return isObject(raw) ? raw : undefined;
    },

    /** Account data as the server has it now; undefined where there is none. */
    async accountData(type: string, options: Options = {}): Promise<JsonObject | undefined> {
      const raw = await orUndefined(request("GET", at(["user", ownUserId, "account_data", type]), options));
      return isObject(raw) ? raw : undefined;
    },

    async devices(options: Options = {}): Promise<ListedDevice[]> {
      const raw = await request("GET", at(["devices"]), options);
      const listed = isObject(raw) ? readArray(raw, "devices") : undefined;
      if (!listed) throw nonsense();
      return listed.map(parseDevice).filter((device) => device !== undefined);
    },
    async renameDevice(deviceId: DeviceId, displayName: string, options: Options = {}): Promise<void> {
      await request("PUT", at(["devices", deviceId]), options, { body: { display_name: displayName } });
    },
    async deleteDevices(deviceIds: readonly DeviceId[], options: AuthOptions = {}): Promise<void> {
      await withAuth(at(["delete_devices"]), { devices: [...deviceIds] }, options);
    },
  };
}
export type KeysClient = ReturnType<typeof openKeysClient>;

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof EngineError && error.code === "not-found") return undefined;
    throw error;
  }
}

function parseBackupInfo(raw: unknown): BackupInfo {
  const version = isObject(raw) ? readString(raw, "version") : undefined;
  const algorithm = isObject(raw) ? readString(raw, "algorithm") : undefined;
  const authData = isObject(raw) ? readObject(raw, "auth_data") : undefined;
  if (!isObject(raw) || version === undefined || algorithm === undefined || authData === undefined) throw nonsense();
  return { version, algorithm, authData, count: readCount(raw, "count"), etag: readString(raw, "etag") };
}

function parseDevice(raw: unknown): ListedDevice | undefined {
  if (!isObject(raw)) return undefined;
  const deviceId = parseDeviceId(raw["device_id"]);
  if (deviceId === undefined) return undefined;
  return {
    deviceId,
    displayName: readString(raw, "display_name")?.slice(0, 255),
    lastSeenTs: readCount(raw, "last_seen_ts"),
    lastSeenAddress: readString(raw, "last_seen_ip")?.slice(0, 100),
  };
}

const nonsense = () => new EngineError("server-error", "The server's answer makes no sense. Lattice will try again.");
