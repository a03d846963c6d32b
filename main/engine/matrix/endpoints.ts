/**
 * Parsers for the bodies of all endpoints but /sync. Called by net only.
 * Invariant: a body that lacks what it is for throws EngineError("server-error"); whatever else is wrong in it
 * is left out. A function whose name starts with `find` says undefined instead, because its caller has a way on.
 * spec: client-server; each function names its endpoint.
 */
import { EngineError } from "../base/errors.ts";
import { cleanName } from "./display-name.ts";
import { parseRoomEvent } from "./events.ts";
import type { ParsedRoomEvent, RoomEvent } from "./events.ts";
import { parseDeviceId, parseEventId, parseMxcUri, parseRoomId, parseUserId } from "./ids.ts";
import type { DeviceId, EventId, MxcUri, RoomId, UserId } from "./ids.ts";
import { isObject, readArray, readBoolean, readCount, readObject, readString, readValue } from "./json.ts";
import type { JsonObject } from "./json.ts";

const MAX_TOKEN_LENGTH = 16_384;
/** Longer lives than this (a year) are not worth a timer, and would overflow one. */
const MAX_LIFETIME_MS = 366 * 24 * 3_600_000;

export type ErrorBody = {
  /** "" where the body is JSON but no Matrix error. */
  errcode: string;
  isSoftLogout: boolean;
  retryAfterMs: number | undefined;
};

/** The body of any failed request; undefined where it is not from a homeserver. spec: "Standard error response". */
export function findError(raw: unknown): ErrorBody | undefined {
  if (!isObject(raw)) return undefined;
  const errcode = readString(raw, "errcode") ?? "";
  if (!/^[A-Za-z0-9_.]{1,100}$/u.test(errcode)) return undefined;
  return {
    errcode,
    isSoftLogout: readBoolean(raw, "soft_logout") ?? false,
    retryAfterMs: readCount(raw, "retry_after_ms"),
  };
}

/** GET /.well-known/matrix/client: the base URL as it is written there, not yet checked. */
export function findWellKnownBaseUrl(raw: unknown): string | undefined {
  const homeserver = isObject(raw) ? readObject(raw, "m.homeserver") : undefined;
  return homeserver && readString(homeserver, "base_url");
}

/** GET /_matrix/client/versions */
export function findVersions(raw: unknown): string[] | undefined {
  const versions = isObject(raw) ? readArray(raw, "versions") : undefined;
  return versions?.filter((version) => typeof version === "string");
}

/** GET /_matrix/client/v3/login */
export function readLoginFlows(raw: unknown): { canUsePassword: boolean; canUseSingleSignOn: boolean } {
  const flows = (isObject(raw) ? readArray(raw, "flows") : undefined) ?? [];
  const types = new Set(flows.map((flow) => (isObject(flow) ? readString(flow, "type") : undefined)));
  return { canUsePassword: types.has("m.login.password"), canUseSingleSignOn: types.has("m.login.sso") };
}

export type LoginReply = {
  userId: UserId;
  deviceId: DeviceId;
  accessToken: string;
  refreshToken: string | undefined;
  expiresInMs: number | undefined;
  /** Where the server wants to be reached from now on; not yet checked. */
  wellKnownBaseUrl: string | undefined;
};

/** POST /_matrix/client/v3/login */
export function parseLoginReply(raw: unknown): LoginReply {
  const body = toObject(raw, "sign-in");
  const userId = parseUserId(readValue(body, "user_id"));
  const deviceId = parseDeviceId(readValue(body, "device_id"));
  if (userId === undefined || deviceId === undefined) throw nonsense("sign-in");
  const wellKnown = readObject(body, "well_known");
  return { userId, deviceId, ...parseTokens(body, "sign-in"), wellKnownBaseUrl: findWellKnownBaseUrl(wellKnown) };
}

export type RefreshReply = Pick<LoginReply, "accessToken" | "refreshToken" | "expiresInMs">;

/** POST /_matrix/client/v3/refresh */
export function parseRefreshReply(raw: unknown): RefreshReply {
  return parseTokens(toObject(raw, "token refresh"), "token refresh");
}

function parseTokens(body: JsonObject, what: string): RefreshReply {
  const accessToken = toToken(readString(body, "access_token"));
  if (accessToken === undefined) throw nonsense(what);
  const expiresInMs = readCount(body, "expires_in_ms");
  return {
    accessToken,
    refreshToken: toToken(readString(body, "refresh_token")),
    expiresInMs: expiresInMs === undefined ? undefined : Math.min(expiresInMs, MAX_LIFETIME_MS),
  };
}

/** Tokens travel in a header: visible ASCII only. */
function toToken(token: string | undefined): string | undefined {
  return token !== undefined && token.length <= MAX_TOKEN_LENGTH && /^[\u0021-\u007e]+$/u.test(token)
    ? token
    : undefined;
}

/** GET /_matrix/client/v3/account/whoami */
export function parseWhoAmI(raw: unknown): { userId: UserId; deviceId: DeviceId | undefined } {
  const body = toObject(raw, "question who we are");
  const userId = parseUserId(readValue(body, "user_id"));
  if (userId === undefined) throw nonsense("question who we are");
  return { userId, deviceId: parseDeviceId(readValue(body, "device_id")) };
}

/** POST /_matrix/client/v3/user/{userId}/filter */
export function parseFilterId(raw: unknown): string {
  const filterId = readString(toObject(raw, "filter"), "filter_id");
  // A filter id that starts with a brace would be taken for a filter itself.
  if (filterId === undefined || filterId === "" || filterId.length > 1_000 || filterId.startsWith("{"))
    throw nonsense("filter");
  return filterId;
}

/** PUT /_matrix/client/v3/rooms/{roomId}/send/… and its like. */
export function parseEventIdReply(raw: unknown): EventId {
  const eventId = parseEventId(readValue(toObject(raw, "event"), "event_id"));
  if (eventId === undefined) throw nonsense("event");
  return eventId;
}

/** POST /_matrix/client/v3/createRoom and /join/… */
export function parseRoomIdReply(raw: unknown): RoomId {
  const roomId = parseRoomId(readValue(toObject(raw, "request for a room"), "room_id"));
  if (roomId === undefined) throw nonsense("request for a room");
  return roomId;
}

export type MessagesPage = {
  entries: ParsedRoomEvent[];
  /** Members that the entries need, where members are loaded lazily. */
  state: RoomEvent[];
  /** Where the next page starts; undefined at the end of what there is. */
  end: string | undefined;
};

/** GET /_matrix/client/v3/rooms/{roomId}/messages */
export function parseMessagesPage(raw: unknown): MessagesPage {
  const body = toObject(raw, "request for older messages");
  const chunk = readArray(body, "chunk");
  if (chunk === undefined) throw nonsense("request for older messages");
  const end = readString(body, "end");
  return {
    entries: chunk.map(parseRoomEvent),
    state: toStateEvents(readArray(body, "state")),
    end: end === "" ? undefined : end,
  };
}

/** GET /_matrix/client/v3/rooms/{roomId}/members */
export function parseMembers(raw: unknown): RoomEvent[] {
  const chunk = readArray(toObject(raw, "request for members"), "chunk");
  if (chunk === undefined) throw nonsense("request for members");
  return toStateEvents(chunk).filter((event) => event.type === "m.room.member");
}

function toStateEvents(values: readonly unknown[] | undefined): RoomEvent[] {
  return (values ?? []).flatMap((value) => {
    const parsed = parseRoomEvent(value);
    return parsed.ok && parsed.event.stateKey !== undefined ? [parsed.event] : [];
  });
}

export type Profile = { displayName: string | undefined; avatarMxc: MxcUri | undefined };

/** GET /_matrix/client/v3/profile/{userId} */
export function parseProfile(raw: unknown): Profile {
  const body = toObject(raw, "request for a profile");
  return {
    displayName: cleanName(readString(body, "displayname")),
    avatarMxc: parseMxcUri(readValue(body, "avatar_url")),
  };
}

export type TurnServer = { urls: string[]; username: string; password: string; ttlSeconds: number };

/** GET /_matrix/client/v3/voip/turnServer; undefined where the server offers none. */
export function findTurnServer(raw: unknown): TurnServer | undefined {
  const body = toObject(raw, "request for a TURN server");
  const urls = (readArray(body, "uris") ?? [])
    .filter((uri): uri is string => typeof uri === "string" && isIceUrl(uri))
    .slice(0, 20);
  if (urls.length === 0) return undefined;
  return {
    urls,
    username: readString(body, "username") ?? "",
    password: readString(body, "password") ?? "",
    ttlSeconds: readCount(body, "ttl") ?? 0,
  };
}

const isIceUrl = (uri: string): boolean => uri.length <= 1_000 && /^(?:turns?|stuns?):[^\s/@]+$/u.test(uri);

/** GET /_matrix/client/v3/pushrules/: the ruleset as account data m.push_rules holds it. */
export function parsePushRulesReply(raw: unknown): JsonObject {
  return toObject(raw, "request for push rules");
}

function toObject(raw: unknown, what: string): JsonObject {
  if (!isObject(raw)) throw nonsense(what);
  return raw;
}

function nonsense(what: string): EngineError {
  return new EngineError("server-error", `The server's answer to the ${what} makes no sense. Try again later.`);
}
