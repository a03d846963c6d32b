/**
 * From a parsed event to the row that the timeline keeps: what is shown, what relates to what, what is left of
 * a redacted event. Used by the timeline step and by pagination, so that live events and history read alike.
 */
import { createHash } from "node:crypto";
import type { EventId, TxnId, UserId } from "../../../preload/contract/ids.ts";
import type { RoomEvent, SetAsideEvent } from "../matrix/events.ts";
import { readObject, readString, type JsonObject } from "../matrix/json.ts";
import type { EventRecord, Place, PushMark } from "../store/tables/event.ts";

export function toEventRecord(
  event: RoomEvent,
  place: Place,
  marks: { txnId?: TxnId | undefined; push?: PushMark } = {},
): EventRecord {
  const relatesTo = readObject(event.content, "m.relates_to");
  const relation = relatesTo && readString(relatesTo, "rel_type");
  const relatedId = relatesTo && readString(relatesTo, "event_id");
  const isReplacement = relation === "m.replace" && event.stateKey === undefined;
  return {
    ...place,
    eventId: event.eventId,
    type: event.type,
    stateKey: event.stateKey,
    sender: event.sender,
    originServerTs: event.originServerTs,
    content: event.content,
    prevContent: event.unsigned.prevContent,
    txnId: marks.txnId,
    isRedacted: event.unsigned.isRedacted,
    isShown: hasOwnLine(event) && !isReplacement,
    relation,
    relatedId: relatedId?.startsWith("$") ? (relatedId as EventId) : undefined,
    push: marks.push ?? 0,
    encryption: event.encryption,
  };
}

/** An event that could not be read keeps its place as a quiet line, with the reason and no content. */
export function toSetAsideRecord(setAside: SetAsideEvent, place: Place): EventRecord {
  const id = setAside.eventId ?? `$set-aside-${createHash("sha256").update(setAside.raw).digest("hex").slice(0, 32)}`;
  return {
    ...place,
    eventId: (id.startsWith("$") && id.length <= 255
      ? id
      : `$set-aside-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`) as EventId,
    type: "",
    stateKey: undefined,
    sender: "" as UserId,
    originServerTs: 0,
    content: { reason: setAside.reason, raw: setAside.raw.slice(0, 65_536) },
    prevContent: undefined,
    txnId: undefined,
    isRedacted: false,
    isShown: true,
    relation: undefined,
    relatedId: undefined,
    push: 0,
    encryption: undefined,
  };
}

/** The event as it came from the server, as far as decrypting it once more needs it. */
export function toWireEvent(record: EventRecord): RoomEvent {
  return {
    eventId: record.eventId,
    type: record.encryption ? "m.room.encrypted" : record.type,
    sender: record.sender,
    originServerTs: record.originServerTs,
    stateKey: record.stateKey,
    content: record.encryption?.wireContent ?? record.content,
    redacts: undefined,
    unsigned: {
      ageMs: undefined,
      transactionId: record.txnId,
      prevContent: undefined,
      isRedacted: record.isRedacted,
      membership: record.encryption?.membershipThen,
    },
    ...(record.encryption && { encryption: record.encryption }),
  };
}

const SHOWN_TYPES = new Set(["m.room.message", "m.room.encrypted", "m.sticker", "m.call.invite"]);
/** State whose changes would only be noise, or that no line can say in words a reader knows. */
const QUIET_STATE = new Set([
  "m.room.power_levels",
  "m.room.canonical_alias",
  "m.room.server_acl",
  "m.room.join_rules",
  "m.room.guest_access",
  "m.room.history_visibility",
]);

function hasOwnLine(event: RoomEvent): boolean {
  if (event.stateKey === undefined) return SHOWN_TYPES.has(event.type) && !isVerificationRequest(event);
  return event.type.startsWith("m.room.") && !QUIET_STATE.has(event.type);
}

/** Verification between users runs over room messages, and has its own surface. spec: e2ee, "Key verification framework". */
const isVerificationRequest = (event: RoomEvent): boolean =>
  event.type === "m.room.message" && event.content["msgtype"] === "m.key.verification.request";

/**
 * What redaction leaves of a content, as far as the timeline reads it.
 * spec: room versions, "Redactions": membership stays, so that a redacted join still says that someone joined.
 */
export function redactedContent(record: EventRecord): JsonObject {
  if (record.type !== "m.room.member") return {};
  const membership = record.content["membership"];
  return typeof membership === "string" ? { membership } : {};
}
