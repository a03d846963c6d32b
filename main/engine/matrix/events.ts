/**
 * Room events as they come from a homeserver (client format) and as the engine knows them. Called by every
 * parser of a body that holds events, and again for decrypted ones.
 * Invariant: parseRoomEvent never throws; what breaks a rule is set aside with its reason, so that one bad
 * event costs only itself.
 * spec: client-server, "Room event format" and "Size limits"; room version 11 for `redacts`.
 */
import { isDeeperThan, isObject, readInteger, readObject, readString, readValue } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Shield, UndecryptableCause } from "../../../preload/contract/views.ts";
import { parseEventId, parseUserId } from "./ids.ts";
import type { DeviceId, EventId, UserId } from "./ids.ts";

export type RoomEvent = {
  eventId: EventId;
  type: string;
  sender: UserId;
  /** Says what the sender's server claims: for showing, never for deciding. Between 0 and the last date there is. */
  originServerTs: number;
  /** Present in state events only; "" is a state key too. */
  stateKey: string | undefined;
  content: JsonObject;
  /** What a redaction removes. */
  redacts: EventId | undefined;
  unsigned: {
    ageMs: number | undefined;
    /** The txnId of our own device's send. */
    transactionId: string | undefined;
    prevContent: JsonObject | undefined;
    /** True where the server has removed the content already. */
    isRedacted: boolean;
    /** Our own membership when it was sent, as the server says. spec: `unsigned.membership`. */
    membership?: string | undefined;
  };
  /** Of an event that came encrypted: put here by the crypto step, together with the clear type and content. */
  encryption?: EventEncryption;
};

/** What is known of the encrypted form of an event. */
export type EventEncryption = {
  /** The content as it came: ciphertext. */
  wireContent: JsonObject;
  sessionId: string | undefined;
  /** Place in the session's ratchet, by which a replayed message is known. */
  messageIndex: number | undefined;
  /** As the event claims. */
  senderDeviceId: DeviceId | undefined;
  membershipThen: string | undefined;
  shield: Shield | undefined;
  /** Set for as long as it cannot be decrypted; type and content are then those that came. */
  cause: UndecryptableCause | undefined;
};

/**
 * True where the event says another sender than its key does: whoever it names has not said this, so it must not
 * ring, notify, stand in the list, or change a message. spec: e2ee, "Validation of incoming decrypted events".
 */
export const isSenderForged = ({ encryption }: { encryption?: EventEncryption | undefined }): boolean =>
  encryption?.shield === "mismatched-sender" || encryption?.cause === "mismatched-sender";

/** An event that cannot be used: kept for showing that something was there, and for finding out why. */
export type SetAsideEvent = {
  /** As the server gave it, where it was a string at all; at most 255 characters. */
  eventId: string | undefined;
  reason: string;
  /** Its JSON, cut after 2,000 characters. */
  raw: string;
};

export type ParsedRoomEvent = { ok: true; event: RoomEvent } | { ok: false; setAside: SetAsideEvent };

/** State as a server shows it of rooms that we are not in. */
export type StrippedEvent = { type: string; sender: UserId; stateKey: string; content: JsonObject };

const MAX_CONTENT_BYTES = 65_536;
const MAX_KEY_BYTES = 255;
/** Real contents nest less than ten deep; what nests deeper could overflow the stack of whoever walks it. */
const MAX_CONTENT_DEPTH = 100;
const MAX_RAW_LENGTH = 2_000;
/** The last millisecond that a Date can show. */
const MAX_TIMESTAMP_MS = 8.64e15;
const MAX_AGE_MS = 1_000 * 3_600 * 24 * 366 * 100;

/** Parses one event of a timeline or of a room's state. */
export function parseRoomEvent(raw: unknown): ParsedRoomEvent {
  if (!isObject(raw)) return setAside(raw, "the event is not an object");
  const eventId = parseEventId(readValue(raw, "event_id"));
  if (eventId === undefined) return setAside(raw, "event_id is missing or malformed");
  const type = readString(raw, "type");
  if (type === undefined || type === "" || isLongerThan(type, MAX_KEY_BYTES))
    return setAside(raw, "type is missing or malformed");
  const sender = parseUserId(readValue(raw, "sender"));
  if (sender === undefined) return setAside(raw, "sender is missing or malformed");
  const originServerTs = readInteger(raw, "origin_server_ts");
  if (originServerTs === undefined) return setAside(raw, "origin_server_ts is missing or malformed");
  const stateKey = readValue(raw, "state_key");
  if (stateKey !== undefined && (typeof stateKey !== "string" || isLongerThan(stateKey, MAX_KEY_BYTES))) {
    return setAside(raw, "state_key is malformed");
  }
  const content = readObject(raw, "content");
  if (content === undefined) return setAside(raw, "content is missing or not an object");
  if (isDeeperThan(content, MAX_CONTENT_DEPTH)) return setAside(raw, "content nests too deep");
  if (isLongerThan(JSON.stringify(content), MAX_CONTENT_BYTES)) return setAside(raw, "content is too large");
  const unsigned = readObject(raw, "unsigned") ?? {};
  return {
    ok: true,
    event: {
      eventId,
      type,
      sender,
      originServerTs: Math.min(Math.max(originServerTs, 0), MAX_TIMESTAMP_MS),
      stateKey,
      content,
      redacts: parseEventId(readValue(raw, "redacts")) ?? parseEventId(readValue(content, "redacts")),
      unsigned: {
        ageMs: readAge(unsigned),
        transactionId: readTransactionId(unsigned),
        prevContent: readPrevContent(unsigned),
        isRedacted: readObject(unsigned, "redacted_because") !== undefined,
        membership: readString(unsigned, "membership")?.slice(0, 20),
      },
    },
  };
}

/** Parses one event of the stripped state of an invite or knock; undefined where it cannot be used. */
export function parseStrippedEvent(raw: unknown): StrippedEvent | undefined {
  if (!isObject(raw)) return undefined;
  const type = readString(raw, "type");
  const sender = parseUserId(readValue(raw, "sender"));
  const stateKey = readString(raw, "state_key");
  const content = readObject(raw, "content");
  if (type === undefined || type === "" || sender === undefined || stateKey === undefined || content === undefined)
    return undefined;
  if (isLongerThan(type, MAX_KEY_BYTES) || isLongerThan(stateKey, MAX_KEY_BYTES) || !isUsableContent(content))
    return undefined;
  return { type, sender, stateKey, content };
}

/** True for content that is small and flat enough to store and to walk. */
function isUsableContent(content: JsonObject): boolean {
  return !isDeeperThan(content, MAX_CONTENT_DEPTH) && !isLongerThan(JSON.stringify(content), MAX_CONTENT_BYTES);
}

function readAge(unsigned: JsonObject): number | undefined {
  const ageMs = readInteger(unsigned, "age");
  return ageMs === undefined ? undefined : Math.min(Math.max(ageMs, 0), MAX_AGE_MS);
}

function readTransactionId(unsigned: JsonObject): string | undefined {
  const transactionId = readString(unsigned, "transaction_id");
  return transactionId === undefined || transactionId.length > 255 ? undefined : transactionId;
}

function readPrevContent(unsigned: JsonObject): JsonObject | undefined {
  const prevContent = readObject(unsigned, "prev_content");
  return prevContent !== undefined && isUsableContent(prevContent) ? prevContent : undefined;
}

function setAside(raw: unknown, reason: string): { ok: false; setAside: SetAsideEvent } {
  const eventId = isObject(raw) ? readString(raw, "event_id")?.slice(0, 255) : undefined;
  return { ok: false, setAside: { eventId, reason, raw: excerptOf(raw) } };
}

function excerptOf(raw: unknown): string {
  // Stringifying an object that is nested without end would overflow the stack.
  if (isDeeperThan(raw, MAX_CONTENT_DEPTH * 2)) return "(nested too deep to show)";
  return (JSON.stringify(raw) ?? "(nothing)").slice(0, MAX_RAW_LENGTH);
}

function isLongerThan(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}
