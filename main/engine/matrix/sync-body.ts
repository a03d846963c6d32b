/**
 * The body of /sync v2, parsed once. Called by net; read by every sync step.
 * Invariant: parseSyncBody throws only where the answer as a whole is none (not an object, no next_batch);
 * a bad room, event or receipt is left out or set aside, and its neighbours are kept. A room appears in one
 * of joined, left, knocked, invited only, in this order of preference.
 * spec: client-server, "Syncing".
 */
import { EngineError } from "../base/errors.ts";
import { readReceipts, readTyping } from "./content.ts";
import type { Receipt } from "./content.ts";
import { parseRoomEvent, parseStrippedEvent } from "./events.ts";
import type { ParsedRoomEvent, RoomEvent, SetAsideEvent, StrippedEvent } from "./events.ts";
import {
  isDeeperThan,
  isObject,
  readArray,
  readBoolean,
  readCount,
  readInteger,
  readObject,
  readString,
  readValue,
} from "./json.ts";
import type { JsonObject } from "./json.ts";
import { parseRoomId, parseSyncToken, parseUserIds } from "./ids.ts";
import type { RoomId, SyncToken, UserId } from "./ids.ts";

export type { Receipt, StrippedEvent, SyncToken };

export type TimelineUpdate = {
  entries: ParsedRoomEvent[];
  /** True where events between the last response and this one were left out: there is a gap before the entries. */
  isLimited: boolean;
  prevBatch: string | undefined;
};

export type AccountDataEntry = { type: string; content: JsonObject };

export type JoinedRoomUpdate = {
  roomId: RoomId;
  /** State at the start of the timeline (not at its end). */
  state: RoomEvent[];
  timeline: TimelineUpdate;
  /** Who types now; undefined where the response says nothing about it. */
  typing: UserId[] | undefined;
  receipts: Receipt[];
  accountData: AccountDataEntry[];
  /** Undefined parts have not changed since the last response. */
  summary: { heroes: UserId[] | undefined; joinedCount: number | undefined; invitedCount: number | undefined };
  unread: { notificationCount: number; highlightCount: number } | undefined;
  /** State events that could not be used; those of the timeline stay in their place there. */
  setAside: SetAsideEvent[];
};

export type StrippedRoomUpdate = { roomId: RoomId; state: StrippedEvent[] };
export type LeftRoomUpdate = {
  roomId: RoomId;
  state: RoomEvent[];
  timeline: TimelineUpdate;
  setAside: SetAsideEvent[];
};

export type SyncBody = {
  nextBatch: SyncToken;
  accountData: AccountDataEntry[];
  joined: JoinedRoomUpdate[];
  invited: StrippedRoomUpdate[];
  knocked: StrippedRoomUpdate[];
  left: LeftRoomUpdate[];
  /** As they came: their contents are the crypto step's business. */
  toDevice: JsonObject[];
  deviceListsChanged: UserId[];
  deviceListsLeft: UserId[];
  /** By algorithm; an object without a prototype. Empty also where the response says nothing. */
  oneTimeKeyCounts: Record<string, number>;
  /** Undefined where the response says nothing about fallback keys. */
  unusedFallbackKeyTypes: string[] | undefined;
};

const MAX_DEVICE_LIST = 100_000;
const MAX_TYPING = 1_000;
const MAX_HEROES = 20;
const MAX_ACCOUNT_DATA_DEPTH = 100;

/** Parses a whole response of /sync. */
export function parseSyncBody(raw: unknown): SyncBody {
  if (!isObject(raw))
    throw new EngineError("server-error", "The server's answer to a sync makes no sense. Lattice will try again.");
  const nextBatch = parseSyncToken(readValue(raw, "next_batch"));
  if (nextBatch === undefined) {
    throw new EngineError("server-error", "The server's answer to a sync lacks its position. Lattice will try again.");
  }
  const rooms = readObject(raw, "rooms") ?? {};
  const seen = new Set<RoomId>();
  const joined = roomsOf(rooms, "join", seen).map(([roomId, room]) => parseJoined(roomId, room));
  const left = roomsOf(rooms, "leave", seen).map(([roomId, room]) => parseLeft(roomId, room));
  const knocked = roomsOf(rooms, "knock", seen).map(([roomId, room]) => parseStripped(roomId, room, "knock_state"));
  const invited = roomsOf(rooms, "invite", seen).map(([roomId, room]) => parseStripped(roomId, room, "invite_state"));
  const deviceLists = readObject(raw, "device_lists") ?? {};
  return {
    nextBatch,
    accountData: readAccountData(raw),
    joined,
    invited,
    knocked,
    left,
    toDevice: eventsOf(raw, "to_device").filter(
      (event) => isObject(event) && !isDeeperThan(event, MAX_ACCOUNT_DATA_DEPTH),
    ) as JsonObject[],
    deviceListsChanged: parseUserIds(readArray(deviceLists, "changed"), MAX_DEVICE_LIST),
    deviceListsLeft: parseUserIds(readArray(deviceLists, "left"), MAX_DEVICE_LIST),
    oneTimeKeyCounts: readKeyCounts(raw),
    unusedFallbackKeyTypes: readArray(raw, "device_unused_fallback_key_types")?.filter(
      (type) => typeof type === "string",
    ),
  };
}

function roomsOf(rooms: JsonObject, key: string, seen: Set<RoomId>): [RoomId, JsonObject][] {
  const found: [RoomId, JsonObject][] = [];
  for (const [id, room] of Object.entries(readObject(rooms, key) ?? {})) {
    const roomId = parseRoomId(id);
    if (roomId === undefined || seen.has(roomId) || !isObject(room)) continue;
    seen.add(roomId);
    found.push([roomId, room]);
  }
  return found;
}

function parseJoined(roomId: RoomId, room: JsonObject): JoinedRoomUpdate {
  const setAside: SetAsideEvent[] = [];
  const state = parseState(room, setAside);
  const { typing, receipts } = parseEphemeral(room);
  const summary = readObject(room, "summary") ?? {};
  const heroes = readArray(summary, "m.heroes");
  const unread = readObject(room, "unread_notifications");
  return {
    roomId,
    state,
    timeline: parseTimeline(room),
    typing,
    receipts,
    accountData: readAccountData(room),
    summary: {
      heroes: heroes && parseUserIds(heroes, MAX_HEROES),
      joinedCount: readCount(summary, "m.joined_member_count"),
      invitedCount: readCount(summary, "m.invited_member_count"),
    },
    unread: unread && {
      notificationCount: readCount(unread, "notification_count") ?? 0,
      highlightCount: readCount(unread, "highlight_count") ?? 0,
    },
    setAside,
  };
}

function parseLeft(roomId: RoomId, room: JsonObject): LeftRoomUpdate {
  const setAside: SetAsideEvent[] = [];
  return { roomId, state: parseState(room, setAside), timeline: parseTimeline(room), setAside };
}

function parseStripped(roomId: RoomId, room: JsonObject, key: string): StrippedRoomUpdate {
  return {
    roomId,
    state: eventsOf(room, key)
      .map(parseStrippedEvent)
      .filter((event) => event !== undefined),
  };
}

function parseState(room: JsonObject, setAside: SetAsideEvent[]): RoomEvent[] {
  const state: RoomEvent[] = [];
  for (const raw of eventsOf(room, "state")) {
    const parsed = parseRoomEvent(raw);
    if (!parsed.ok) setAside.push(parsed.setAside);
    else if (parsed.event.stateKey !== undefined) state.push(parsed.event);
  }
  return state;
}

function parseTimeline(room: JsonObject): TimelineUpdate {
  const timeline = readObject(room, "timeline") ?? {};
  return {
    entries: eventsOf(room, "timeline").map(parseRoomEvent),
    isLimited: readBoolean(timeline, "limited") ?? false,
    prevBatch: readString(timeline, "prev_batch"),
  };
}

function parseEphemeral(room: JsonObject): { typing: UserId[] | undefined; receipts: Receipt[] } {
  let typing: UserId[] | undefined;
  const receipts: Receipt[] = [];
  for (const raw of eventsOf(room, "ephemeral")) {
    if (!isObject(raw)) continue;
    const content = readObject(raw, "content");
    if (content === undefined) continue;
    const type = readString(raw, "type");
    if (type === "m.typing") typing = readTyping(content).slice(0, MAX_TYPING);
    // In a loop, because a spread of a very long list overflows the stack.
    else if (type === "m.receipt") for (const receipt of readReceipts(content)) receipts.push(receipt);
  }
  return { typing, receipts };
}

function readAccountData(owner: JsonObject): AccountDataEntry[] {
  const entries: AccountDataEntry[] = [];
  for (const raw of eventsOf(owner, "account_data")) {
    if (!isObject(raw)) continue;
    const type = readString(raw, "type");
    const content = readObject(raw, "content");
    // No size limit here: m.direct and push rules of old accounts are larger than any event may be.
    if (type === undefined || content === undefined || isDeeperThan(content, MAX_ACCOUNT_DATA_DEPTH)) continue;
    entries.push({ type, content });
  }
  return entries;
}

function readKeyCounts(raw: JsonObject): Record<string, number> {
  const counts: Record<string, number> = Object.create(null);
  const given = readObject(raw, "device_one_time_keys_count") ?? {};
  for (const algorithm of Object.keys(given)) {
    const count = readInteger(given, algorithm);
    if (count !== undefined) counts[algorithm] = Math.max(0, count);
  }
  return counts;
}

function eventsOf(owner: JsonObject, key: string): readonly unknown[] {
  const holder = readObject(owner, key);
  return (holder && readArray(holder, "events")) ?? [];
}
