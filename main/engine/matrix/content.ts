/**
 * Readers of event contents: from the wire's JSON to what the engine works with. Called by steps, views and the
 * push evaluator. Invariant: readers never throw and never guess: what is missing or malformed reads as
 * undefined or as the specification's default, numbers are clamped, unknown words pass where words may grow.
 * spec: client-server, "Room Events", "Instant Messaging", "Receipts", "Room Tagging", "Direct Messaging".
 */
import type { Membership } from "../../../preload/contract/views.ts";
import { cleanName, clipText } from "./display-name.ts";
import { parseEventId, parseMxcUri, parseRoomAlias, parseRoomId, parseUserId, parseUserIds } from "./ids.ts";
import type { EventId, MxcUri, RoomAlias, RoomId, UserId } from "./ids.ts";
import {
  isObject,
  readArray,
  readBoolean,
  readInteger,
  readNumber,
  readObject,
  readString,
  readValue,
  toSafeInteger,
} from "./json.ts";
import type { JsonObject, JsonValue } from "./json.ts";

export type MessageContent = {
  /** "" where there is none, as in stickers. */
  msgtype: string;
  /** Plain text, without the quotation that old clients put before a reply. */
  body: string;
  format: string | undefined;
  /** HTML of the sender, as it came: to be cleaned before it is shown. */
  formattedBody: string | undefined;
  mentions: { userIds: UserId[]; room: boolean };
  /** Set where this message only says how another one reads now. */
  replacement: { eventId: EventId; newContent: JsonObject } | undefined;
  replyTo: EventId | undefined;
  /** Where the file of an unencrypted media message is. */
  url: MxcUri | undefined;
  fileName: string | undefined;
};

const MAX_MENTIONS = 1_000;
const MAX_TYPING = 1_000;
const MAX_REASON_LENGTH = 1_000;
const MAX_TOPIC_LENGTH = 10_000;
/** How old clients start the body of a reply. */
const REPLY_QUOTATION = /^> (?:\* )?<@[^>\n]*>/u;

/** Contents of m.room.message and m.sticker; undefined without a body. */
export function readMessageContent(content: JsonObject): MessageContent | undefined {
  const body = readString(content, "body");
  if (body === undefined) return undefined;
  const relatesTo = readObject(content, "m.relates_to");
  const inReplyTo = relatesTo && readObject(relatesTo, "m.in_reply_to");
  const replyTo = inReplyTo && parseEventId(readValue(inReplyTo, "event_id"));
  const mentions = readObject(content, "m.mentions");
  return {
    msgtype: readString(content, "msgtype") ?? "",
    body: replyTo === undefined ? body : withoutQuotation(body),
    format: readString(content, "format"),
    formattedBody: readString(content, "formatted_body"),
    mentions: {
      userIds: parseUserIds(mentions && readArray(mentions, "user_ids"), MAX_MENTIONS),
      room: (mentions && readBoolean(mentions, "room")) ?? false,
    },
    replacement: readReplacement(content, relatesTo),
    replyTo,
    url: parseMxcUri(readValue(content, "url")),
    fileName: readString(content, "filename"),
  };
}

function readReplacement(content: JsonObject, relatesTo: JsonObject | undefined): MessageContent["replacement"] {
  if (!relatesTo || readString(relatesTo, "rel_type") !== "m.replace") return undefined;
  const eventId = parseEventId(readValue(relatesTo, "event_id"));
  const newContent = readObject(content, "m.new_content");
  return eventId === undefined || newContent === undefined ? undefined : { eventId, newContent };
}

function withoutQuotation(body: string): string {
  if (!REPLY_QUOTATION.test(body)) return body;
  const lines = body.split("\n");
  let start = lines.findIndex((line) => !line.startsWith("> "));
  if (start === -1) return body;
  if (lines[start] === "") start += 1;
  const rest = lines.slice(start).join("\n");
  return rest === "" ? body : rest;
}

export type MemberContent = {
  membership: Membership;
  /** Cleaned of what is invisible; undefined where nothing is left. */
  displayName: string | undefined;
  avatarMxc: MxcUri | undefined;
  isDirect: boolean;
  reason: string | undefined;
};

const MEMBERSHIPS: ReadonlySet<string> = new Set<Membership>(["join", "invite", "knock", "leave", "ban"]);

/** Content of m.room.member; undefined where the membership is none that we know. */
export function readMemberContent(content: JsonObject): MemberContent | undefined {
  const membership = readString(content, "membership");
  if (membership === undefined || !MEMBERSHIPS.has(membership)) return undefined;
  const reason = readString(content, "reason");
  return {
    membership: membership as Membership,
    displayName: cleanName(readString(content, "displayname")),
    avatarMxc: parseMxcUri(readValue(content, "avatar_url")),
    isDirect: readBoolean(content, "is_direct") ?? false,
    reason: reason === undefined || reason === "" ? undefined : clipText(reason, MAX_REASON_LENGTH),
  };
}

export type RoomCreation = {
  roomVersion: string;
  /** E.g. `m.space`; undefined for an ordinary room. */
  roomType: string | undefined;
  /** Creators that the content names, beside the sender of the event. */
  creators: UserId[];
};

/** Content of m.room.create. */
export function readCreate(content: JsonObject): RoomCreation {
  const roomVersion = readString(content, "room_version") ?? "1";
  const named = hasMightyCreators(roomVersion)
    ? readArray(content, "additional_creators")
    : [readValue(content, "creator")];
  return { roomVersion, roomType: readString(content, "type"), creators: parseUserIds(named, 100) };
}

/** From room version 12 on, creators stand above all power levels. */
function hasMightyCreators(roomVersion: string): boolean {
  return /^\d{2,4}$/u.test(roomVersion) ? Number(roomVersion) >= 12 : roomVersion === "org.matrix.hydra.11";
}

export type PowerLevels = {
  usersDefault: number;
  eventsDefault: number;
  stateDefault: number;
  ban: number;
  kick: number;
  redact: number;
  invite: number;
  events: ReadonlyMap<string, number>;
  users: ReadonlyMap<string, number>;
  /** What it takes to notify the whole room. */
  notifyRoom: number;
  /** Infinity for the creators of rooms of version 12 and later. */
  powerLevelOf: (userId: UserId) => number;
  /** What it takes to send an event of this type. */
  levelToSend: (type: string, isState: boolean) => number;
  /** What it takes to notify by `key`, e.g. "room". */
  levelToNotify: (key: string) => number;
};

/**
 * Content of m.room.power_levels with all defaults, which differ where the room has no such event.
 * `creation` is what m.room.create says, with its sender.
 */
export function readPowerLevels(
  content: JsonObject | undefined,
  creation?: RoomCreation & { sender: UserId },
): PowerLevels {
  const creators = new Set<UserId>(creation ? [creation.sender, ...creation.creators] : []);
  const areCreatorsMighty = creation !== undefined && hasMightyCreators(creation.roomVersion);
  const levels = content ?? {};
  const levelOf = (key: string, byDefault: number): number => toPowerLevel(readValue(levels, key)) ?? byDefault;
  const events = readLevels(levels, "events");
  const users = readLevels(levels, "users");
  const notifications = readLevels(levels, "notifications");
  const usersDefault = levelOf("users_default", 0);
  const eventsDefault = levelOf("events_default", 0);
  const stateDefault = levelOf("state_default", content ? 50 : 0);
  return {
    usersDefault,
    eventsDefault,
    stateDefault,
    ban: levelOf("ban", 50),
    kick: levelOf("kick", 50),
    redact: levelOf("redact", 50),
    invite: levelOf("invite", 0),
    events,
    users,
    notifyRoom: notifications.get("room") ?? 50,
    powerLevelOf(userId) {
      if (areCreatorsMighty && creators.has(userId)) return Infinity;
      return content === undefined && creators.has(userId) ? 100 : (users.get(userId) ?? usersDefault);
    },
    levelToSend: (type, isState) => events.get(type) ?? (isState ? stateDefault : eventsDefault),
    levelToNotify: (key) => notifications.get(key) ?? 50,
  };
}

function readLevels(levels: JsonObject, key: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of Object.entries(readObject(levels, key) ?? {})) {
    const level = toPowerLevel(value);
    if (level !== undefined) found.set(name, level);
  }
  return found;
}

/** Rooms before version 10 may hold levels as strings of digits. */
function toPowerLevel(value: JsonValue | undefined): number | undefined {
  if (typeof value === "number") return toSafeInteger(value);
  return typeof value === "string" && /^\s*[+-]?\d{1,20}\s*$/u.test(value) ? toSafeInteger(Number(value)) : undefined;
}

/** Content of m.room.name; undefined where the room has no name. */
export function readRoomName(content: JsonObject): string | undefined {
  return cleanName(readString(content, "name"));
}

/** Content of m.room.topic, as plain text. */
export function readTopic(content: JsonObject): string | undefined {
  const topic = readString(content, "topic");
  return topic === undefined || topic === "" ? undefined : clipText(topic.toWellFormed(), MAX_TOPIC_LENGTH);
}

/** Content of m.room.canonical_alias. */
export function readCanonicalAlias(content: JsonObject): RoomAlias | undefined {
  return parseRoomAlias(readValue(content, "alias"));
}

/** Content of m.room.avatar. */
export function readAvatar(content: JsonObject): MxcUri | undefined {
  return parseMxcUri(readValue(content, "url"));
}

/** Content of m.room.encryption; an algorithm that we do not know encrypts as well. */
export function readEncryption(content: JsonObject): { algorithm: string } | undefined {
  const algorithm = readString(content, "algorithm");
  return algorithm === undefined || algorithm === "" ? undefined : { algorithm };
}

/** Content of m.room.join_rules; rules that we do not know pass as they are. */
export function readJoinRule(content: JsonObject): string | undefined {
  return readString(content, "join_rule");
}

/** Account data m.direct: for each user, the rooms that are direct with him. */
export function readDirect(content: JsonObject): Map<UserId, RoomId[]> {
  const direct = new Map<UserId, RoomId[]>();
  for (const [key, value] of Object.entries(content)) {
    const userId = parseUserId(key);
    if (userId === undefined || !Array.isArray(value)) continue;
    const roomIds = new Set(value.map(parseRoomId).filter((roomId) => roomId !== undefined));
    if (roomIds.size > 0) direct.set(userId, [...roomIds]);
  }
  return direct;
}

export type Receipt = {
  eventId: EventId;
  userId: UserId;
  /** `m.read`, `m.read.private`, or a kind of the future. */
  type: string;
  ts: number;
  /** An event id, "main", or undefined for a receipt that holds for the whole room. */
  threadId: string | undefined;
};

/** Content of m.receipt. */
export function readReceipts(content: JsonObject): Receipt[] {
  const receipts: Receipt[] = [];
  for (const [key, kinds] of Object.entries(content)) {
    const eventId = parseEventId(key);
    if (eventId === undefined || !isObject(kinds)) continue;
    for (const [type, users] of Object.entries(kinds)) {
      if (!isObject(users) || type.length > 255) continue;
      for (const [user, receipt] of Object.entries(users)) {
        const userId = parseUserId(user);
        if (userId === undefined || !isObject(receipt)) continue;
        const threadId = readString(receipt, "thread_id");
        receipts.push({
          eventId,
          userId,
          type,
          ts: Math.max(0, readInteger(receipt, "ts") ?? 0),
          threadId: threadId === undefined || threadId.length > 255 ? undefined : threadId,
        });
      }
    }
  }
  return receipts;
}

/** Content of m.typing: who types now, at most 1,000. */
export function readTyping(content: JsonObject): UserId[] {
  return parseUserIds(readArray(content, "user_ids"), MAX_TYPING);
}

/** Content of m.tag: the room's tags with their place among rooms of the same tag. */
export function readTags(content: JsonObject): Map<string, { order: number | undefined }> {
  const tags = new Map<string, { order: number | undefined }>();
  for (const [name, tag] of Object.entries(readObject(content, "tags") ?? {})) {
    if (name.length <= 255 && isObject(tag)) tags.set(name, { order: readNumber(tag, "order") });
  }
  return tags;
}

/** Content of m.fully_read. */
export function readFullyRead(content: JsonObject): EventId | undefined {
  return parseEventId(readValue(content, "event_id"));
}
