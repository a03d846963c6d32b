/**
 * The messages of verification on the wire: their types, and small readers and changes of what the machine makes
 * and takes as JSON text. Called by verification.ts.
 * spec: e2ee, "Key verification framework".
 */
import { RoomMessageRequest, ToDeviceRequest, type SignatureUploadRequest } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { RoomId } from "../../../preload/contract/ids.ts";
import { EngineError } from "../base/errors.ts";
import type { RoomEvent } from "../matrix/events.ts";
import { isObject, readObject, readString, type JsonObject } from "../matrix/json.ts";
import { cancelMessage } from "./verification-cancel.ts";

/** What the machine's flows want sent. */
export type MethodMessage = ToDeviceRequest | RoomMessageRequest | SignatureUploadRequest;

export const EVENT_PREFIX = "m.key.verification.";
export const REQUEST_TYPE = "m.key.verification.request";
export const CANCEL_TYPE = "m.key.verification.cancel";

/** The content of a message that the machine made. */
export function parseContent(body: string): JsonObject {
  const parsed: unknown = JSON.parse(body);
  if (!isObject(parsed)) throw new EngineError("bug", "A verification message could not be made.");
  return parsed;
}

/** The id of the flow that a room event belongs to. */
export const relatedId = (event: RoomEvent): string | undefined => {
  const relation = readObject(event.content, "m.relates_to");
  return relation && readString(relation, "event_id");
};

/** A decrypted room event as the machine wants it. */
export function toClearJson(roomId: RoomId, event: RoomEvent): string {
  return JSON.stringify({
    event_id: event.eventId,
    room_id: roomId,
    type: event.type,
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    content: event.content,
    unsigned: {},
  });
}

/** The machine cancels a mere request with `m.user` only; the other side should learn the true reason. */
export function withCode(
  message: ToDeviceRequest | RoomMessageRequest,
  code: string,
): ToDeviceRequest | RoomMessageRequest {
  const body = JSON.parse(message.body, (_key: string, value: unknown) =>
    isObject(value) && typeof value["code"] === "string"
      ? { ...value, code, reason: cancelMessage(code, false) }
      : value,
  ) as JsonObject;
  const text = JSON.stringify(body);
  return message instanceof RoomMessageRequest
    ? new RoomMessageRequest(message.id, message.room_id, message.txn_id, message.event_type, text)
    : new ToDeviceRequest("", message.event_type, message.txn_id, text);
}
