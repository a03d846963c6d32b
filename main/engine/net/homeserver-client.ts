/**
 * HomeserverClient: one method for each endpoint that the engine uses. Opened by session for each account;
 * features get the methods they need. Invariant: a method sends one request (and the token refresh it may
 * need) and never retries for other reasons: retryPlan and its callers decide that. What it returns is parsed.
 * spec: client-server.
 */
import type { Clock } from "../base/clock.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import {
  findTurnServer,
  parseEventIdReply,
  parseFilterId,
  parseLoginReply,
  parseMembers,
  parseMessagesPage,
  parseProfile,
  parsePushRulesReply,
  parseRefreshReply,
  parseRoomIdReply,
  parseWhoAmI,
} from "../matrix/endpoints.ts";
import type { MessagesPage, Profile, TurnServer } from "../matrix/endpoints.ts";
import { parseRoomEvent } from "../matrix/events.ts";
import type { ParsedRoomEvent, RoomEvent } from "../matrix/events.ts";
import type { DeviceId, EventId, RoomAlias, RoomId, UserId } from "../matrix/ids.ts";
import type { JsonObject } from "../matrix/json.ts";
import { parseSyncBody } from "../matrix/sync-body.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import { endpointUrl, isLoopback, parseBaseUrl } from "./addresses.ts";
import { requestJson, send, SignedOutError, toHttpError } from "./http.ts";
import type { HttpAnswer, HttpRequest } from "./http.ts";
import { openKeysClient } from "./keys.ts";
import { openMediaClient } from "./media.ts";
import { openTokenKeeper } from "./tokens.ts";
import type { Tokens, TokenStore } from "./tokens.ts";

export { SignedOutError };
export type { Tokens, TokenStore };

export type RequestOptions = { signal?: AbortSignal | undefined };

export type SyncRequest = RequestOptions & {
  since: string | undefined;
  /** A filter id, or a filter as JSON. */
  filter?: string | undefined;
  /** How long the server may wait for news; 0 asks for an answer at once. */
  timeoutMs: number;
  setPresence?: "online" | "offline" | "unavailable" | undefined;
};

export type RoomCreationRequest = {
  preset: "private_chat" | "public_chat" | "trusted_private_chat";
  name?: string;
  topic?: string;
  isDirect?: boolean;
  invite?: readonly UserId[];
  initialState?: readonly { type: string; stateKey: string; content: JsonObject }[];
};

const V3 = "/_matrix/client/v3";
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 16 * 2 ** 20;
const MAX_SYNC_BYTES = 256 * 2 ** 20;
/** A busy server may need as long as this on top of the wait it was asked for. */
const SYNC_GRACE_MS = 60_000;
/** The first sync of a large account takes a server minutes. */
const FIRST_SYNC_TIMEOUT_MS = 600_000;
const SYNC_BODY_TIMEOUT_MS = 300_000;

export function openHomeserverClient(deps: {
  baseUrl: string;
  ownUserId: UserId;
  fetch: typeof fetch;
  clock: Clock;
  log: Logger;
  tokens: TokenStore;
}) {
  const { baseUrl, ownUserId } = deps;
  const keeper = openTokenKeeper({ ...deps, refresh: (refreshToken) => refreshTokens({ ...deps, refreshToken }) });

  function request(
    method: HttpRequest["method"],
    url: URL,
    options: RequestOptions,
    more: Partial<Pick<HttpRequest, "body" | "timeoutMs" | "bodyTimeoutMs" | "maxBytes">> = {},
  ): Promise<unknown> {
    return keeper.use((accessToken) =>
      requestJson(deps, {
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
        ...more,
        method,
        url,
        accessToken,
        signal: options.signal,
      }),
    );
  }

  /** The answer whatever its status; only a refused token is thrown, for the keeper to mend. */
  function answer(
    method: HttpRequest["method"],
    url: URL,
    options: RequestOptions,
    body: unknown,
  ): Promise<HttpAnswer> {
    return keeper.use(async (accessToken) => {
      const given = await send(deps, {
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
        method,
        url,
        body,
        accessToken,
        signal: options.signal,
      });
      const error = given.status === 401 ? toHttpError(given, deps.clock.now()) : undefined;
      if (error instanceof SignedOutError) throw error;
      return given;
    });
  }

  const at = (segments: readonly string[], query?: Parameters<typeof endpointUrl>[3]) =>
    endpointUrl(baseUrl, V3, segments, query);
  const inRoom = (roomId: RoomId, ...segments: string[]) => at(["rooms", roomId, ...segments]);

  return {
    async whoAmI(options: RequestOptions = {}): Promise<{ userId: UserId; deviceId: DeviceId | undefined }> {
      return parseWhoAmI(await request("GET", at(["account", "whoami"]), options));
    },

    async sync({ since, filter, timeoutMs, setPresence, signal }: SyncRequest): Promise<SyncBody> {
      const url = at(["sync"], { since, filter, timeout: timeoutMs, set_presence: setPresence });
      const raw = await request(
        "GET",
        url,
        { signal },
        {
          timeoutMs: since === undefined ? FIRST_SYNC_TIMEOUT_MS : timeoutMs + SYNC_GRACE_MS,
          bodyTimeoutMs: since === undefined ? FIRST_SYNC_TIMEOUT_MS : SYNC_BODY_TIMEOUT_MS,
          maxBytes: MAX_SYNC_BYTES,
        },
      );
      return parseSyncBody(raw);
    },

    async uploadFilter(filter: JsonObject, options: RequestOptions = {}): Promise<string> {
      return parseFilterId(await request("POST", at(["user", ownUserId, "filter"]), options, { body: filter }));
    },

    /** The same `txnId` on every try makes the server store the event once. */
    async sendEvent(
      roomId: RoomId,
      type: string,
      txnId: string,
      content: JsonObject,
      options: RequestOptions = {},
    ): Promise<EventId> {
      return parseEventIdReply(await request("PUT", inRoom(roomId, "send", type, txnId), options, { body: content }));
    },

    async sendState(
      roomId: RoomId,
      type: string,
      stateKey: string,
      content: JsonObject,
      options: RequestOptions = {},
    ): Promise<EventId> {
      const key = stateKey === "" ? [] : [stateKey];
      return parseEventIdReply(await request("PUT", inRoom(roomId, "state", type, ...key), options, { body: content }));
    },

    async redact(
      roomId: RoomId,
      eventId: EventId,
      txnId: string,
      reason: string | undefined,
      options: RequestOptions = {},
    ): Promise<EventId> {
      const body = reason === undefined ? {} : { reason };
      return parseEventIdReply(await request("PUT", inRoom(roomId, "redact", eventId, txnId), options, { body }));
    },

    async messages(
      roomId: RoomId,
      page: { from?: string | undefined; to?: string | undefined; dir: "b" | "f"; limit: number },
      options: RequestOptions = {},
    ): Promise<MessagesPage> {
      const filter = JSON.stringify({ lazy_load_members: true });
      const url = at(["rooms", roomId, "messages"], {
        from: page.from,
        to: page.to,
        dir: page.dir,
        limit: page.limit,
        filter,
      });
      return parseMessagesPage(await request("GET", url, options));
    },

    /** All members that the room has or had, as their latest m.room.member events. */
    async members(roomId: RoomId, options: RequestOptions = {}): Promise<RoomEvent[]> {
      return parseMembers(
        await request("GET", inRoom(roomId, "members"), options, {
          maxBytes: MAX_SYNC_BYTES,
          bodyTimeoutMs: SYNC_BODY_TIMEOUT_MS,
        }),
      );
    },

    async event(roomId: RoomId, eventId: EventId, options: RequestOptions = {}): Promise<ParsedRoomEvent> {
      return parseRoomEvent(await request("GET", inRoom(roomId, "event", eventId), options));
    },

    async createRoom(room: RoomCreationRequest, options: RequestOptions = {}): Promise<RoomId> {
      const body = {
        preset: room.preset,
        visibility: room.preset === "public_chat" ? "public" : "private",
        ...(room.name !== undefined && { name: room.name }),
        ...(room.topic !== undefined && { topic: room.topic }),
        ...(room.isDirect !== undefined && { is_direct: room.isDirect }),
        ...(room.invite && { invite: room.invite }),
        ...(room.initialState && {
          initial_state: room.initialState.map(({ type, stateKey, content }) => ({
            type,
            state_key: stateKey,
            content,
          })),
        }),
      };
      return parseRoomIdReply(await request("POST", at(["createRoom"]), options, { body }));
    },

    /** `via` names servers that may know the room. */
    async join(room: RoomId | RoomAlias, via: readonly string[] = [], options: RequestOptions = {}): Promise<RoomId> {
      // `server_name` is what servers before v1.12 of the specification read.
      const url = at(["join", room], { via, server_name: via });
      // Joining over federation takes its time.
      return parseRoomIdReply(await request("POST", url, options, { body: {}, timeoutMs: 4 * TIMEOUT_MS }));
    },

    async leave(roomId: RoomId, options: RequestOptions = {}): Promise<void> {
      await request("POST", inRoom(roomId, "leave"), options, { body: {} });
    },

    async invite(roomId: RoomId, userId: UserId, options: RequestOptions = {}): Promise<void> {
      await request("POST", inRoom(roomId, "invite"), options, { body: { user_id: userId } });
    },

    async setTyping(roomId: RoomId, isTyping: boolean, options: RequestOptions = {}): Promise<void> {
      const body = isTyping ? { typing: true, timeout: 20_000 } : { typing: false };
      await request("PUT", inRoom(roomId, "typing", ownUserId), options, { body });
    },

    async setReadMarkers(
      roomId: RoomId,
      markers: { fullyRead?: EventId; read?: EventId },
      options: RequestOptions = {},
    ): Promise<void> {
      const body = {
        ...(markers.fullyRead !== undefined && { "m.fully_read": markers.fullyRead }),
        ...(markers.read !== undefined && { "m.read": markers.read }),
      };
      await request("POST", inRoom(roomId, "read_markers"), options, { body });
    },

    async setDisplayName(displayName: string, options: RequestOptions = {}): Promise<void> {
      await request("PUT", at(["profile", ownUserId, "displayname"]), options, { body: { displayname: displayName } });
    },

    async profile(userId: UserId, options: RequestOptions = {}): Promise<Profile> {
      return parseProfile(await request("GET", at(["profile", userId]), options));
    },

    async setAccountData(type: string, content: JsonObject, options: RequestOptions = {}): Promise<void> {
      await request("PUT", at(["user", ownUserId, "account_data", type]), options, { body: content });
    },

    async pushRules(options: RequestOptions = {}): Promise<JsonObject> {
      return parsePushRulesReply(await request("GET", endpointUrl(baseUrl, `${V3}/pushrules/`), options));
    },

    /** Undefined where the server has none. */
    async turnServer(options: RequestOptions = {}): Promise<TurnServer | undefined> {
      try {
        return findTurnServer(await request("GET", at(["voip", "turnServer"]), options));
      } catch (error) {
        if (error instanceof EngineError && error.code === "not-found") return undefined;
        throw error;
      }
    },

    media: openMediaClient({ ...deps, useToken: keeper.use }),
    keys: openKeysClient({ ownUserId, clock: deps.clock, at, request, answer }),

    /** Ends the session on the server. A session that it does not know any more is ended as well. */
    async logout(options: RequestOptions = {}): Promise<void> {
      const accessToken = deps.tokens.current()?.accessToken;
      if (accessToken === undefined) return;
      try {
        // Past the keeper: a token that is refused here needs no refresh, and its end is what was asked for.
        await requestJson(deps, {
          method: "POST",
          url: at(["logout"]),
          body: {},
          accessToken,
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_BYTES,
          signal: options.signal,
        });
      } catch (error) {
        if (!(error instanceof SignedOutError)) throw error;
      }
    },
  };
}
export type HomeserverClient = ReturnType<typeof openHomeserverClient>;

async function refreshTokens(deps: { baseUrl: string; fetch: typeof fetch; clock: Clock; refreshToken: string }) {
  const raw = await requestJson(deps, {
    method: "POST",
    url: endpointUrl(deps.baseUrl, `${V3}/refresh`),
    body: { refresh_token: deps.refreshToken },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  return parseRefreshReply(raw);
}

export type LoginRequest = {
  /** As discovery gave it. */
  homeserverUrl: string;
  /** A user id, or the local part of one. */
  user: string;
  password: string;
  deviceName: string;
  /** Set to take a device back into use after a soft logout. */
  deviceId?: DeviceId;
  fetch: typeof fetch;
  clock: Clock;
  signal?: AbortSignal | undefined;
};

export type SignedIn = {
  userId: UserId;
  deviceId: DeviceId;
  accessToken: string;
  refreshToken: string | undefined;
  expiresInMs: number | undefined;
  /** Where the account is from now on: the server may have named another place than the one asked. */
  homeserverUrl: string;
};

/** Signs in with a password. */
export async function login(options: LoginRequest): Promise<SignedIn> {
  const baseUrl = parseBaseUrl(options.homeserverUrl);
  if (baseUrl === undefined) {
    throw new EngineError("not-a-homeserver", "This address cannot be used. Enter one that starts with https://.");
  }
  const raw = await requestJson(options, {
    method: "POST",
    url: endpointUrl(baseUrl, `${V3}/login`),
    body: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: options.user.trim() },
      password: options.password,
      initial_device_display_name: options.deviceName,
      refresh_token: true,
      ...(options.deviceId !== undefined && { device_id: options.deviceId }),
    },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    signal: options.signal,
  }).catch((error: unknown) => {
    throw toLoginError(error);
  });
  const { wellKnownBaseUrl, ...reply } = parseLoginReply(raw);
  const named = wellKnownBaseUrl === undefined ? undefined : parseBaseUrl(wellKnownBaseUrl);
  // A server elsewhere has no business to send us to this machine, nor, with that, to plain http.
  const isUsable =
    named !== undefined && (isLoopback(new URL(baseUrl).hostname) || !isLoopback(new URL(named).hostname));
  return { ...reply, homeserverUrl: isUsable ? named : baseUrl };
}

function toLoginError(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  switch (error.data.errcode) {
    case "M_FORBIDDEN":
    case "M_UNKNOWN_TOKEN":
      return new EngineError(
        "wrong-credentials",
        "User name or password is wrong. Check both and try again.",
        error.data,
      );
    case "M_USER_DEACTIVATED":
      return new EngineError("wrong-credentials", "This account was closed. Use another one.", error.data);
    case "M_INVALID_USERNAME":
      return new EngineError("wrong-credentials", "The server knows no such user. Check the user name.", error.data);
    default:
      return error;
  }
}
