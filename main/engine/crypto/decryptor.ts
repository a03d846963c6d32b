/**
 * Decryptor: turns the encrypted events of a room into what they say, or into the reason why not. Called by the
 * crypto step for live events, by pagination for history, and again when a key has come.
 * Invariants: an event is decrypted once in its life; what comes out was said in this room, by this sender, under
 * this event id, or it does not come out. The wire content stays with the event, so that trust can be judged anew.
 * spec: e2ee, "m.megolm.v1.aes-sha2", "Validation of incoming decrypted events".
 */
import {
  DecryptionErrorCode,
  DecryptionSettings,
  MegolmDecryptionError,
  RoomId as WasmRoomId,
  TrustRequirement,
  type DecryptedRoomEvent,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import * as v from "valibot";
import { deviceIdSchema, type DeviceId, type EventId, type RoomId } from "../../../preload/contract/ids.ts";
import type { Shield, UndecryptableCause } from "../../../preload/contract/views.ts";
import { EngineError } from "../base/errors.ts";
import { parseRoomEvent, type EventEncryption, type ParsedRoomEvent, type RoomEvent } from "../matrix/events.ts";
import { isObject, readString, type JsonObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import { messageIndexOf } from "./megolm-message.ts";
import { causeOf, shieldOf, type UndecryptableFacts } from "./trust.ts";

const MEGOLM = "m.megolm.v1.aes-sha2";

/** The machine waits for its store between the steps of one event, and goes on with another meanwhile. */
const EVENTS_AT_ONCE = 32;

export type DecryptorDeps = {
  context: Pick<CryptoContext, "olm" | "store" | "log">;
  /** What decides why history cannot be read. */
  facts: () => Omit<UndecryptableFacts, "membershipThen" | "isHistorical">;
  /** A room key is not here: it may be in the backup. */
  missing: (roomId: RoomId, sessionId: string) => void;
};

/** True for what this file is for. Encrypted state is none of it: nothing encrypted may become state. */
export const isEncryptedEvent = (event: RoomEvent): boolean =>
  event.type === "m.room.encrypted" && event.stateKey === undefined && !event.unsigned.isRedacted;

export function openDecryptor({ context, facts, missing }: DecryptorDeps) {
  const { olm, store } = context;
  const settings = () => new DecryptionSettings(TrustRequirement.Untrusted);

  /** Decrypts those entries of one room that are encrypted; the others stay as they are, and so does the order. */
  async function decryptEntries(roomId: RoomId, entries: readonly ParsedRoomEvent[]): Promise<ParsedRoomEvent[]> {
    const firstAtIndex = new Map<string, EventId>();
    const decrypted: ParsedRoomEvent[] = [];
    for (let from = 0; from < entries.length; from += EVENTS_AT_ONCE) {
      const window = entries.slice(from, from + EVENTS_AT_ONCE);
      const read = await Promise.all(
        window.map(async (entry) =>
          entry.ok && isEncryptedEvent(entry.event)
            ? { ok: true as const, event: await decrypt(roomId, entry.event) }
            : entry,
        ),
      );
      for (const entry of read)
        decrypted.push(entry.ok ? { ok: true, event: refuseReplay(entry.event, firstAtIndex) } : entry);
    }
    return decrypted;
  }

  /**
   * The event as it was meant, with its `encryption`; where that fails, the event as it came, with the cause.
   * Throws only where the key store fails.
   */
  async function decrypt(roomId: RoomId, event: RoomEvent): Promise<RoomEvent> {
    const known = store.events.read(roomId, event.eventId);
    if (known?.encryption && known.encryption.cause === undefined) {
      // Delivered again: what it says is on disk.
      return { ...event, type: known.type, content: known.content, encryption: known.encryption };
    }
    const encryption = encryptionOf(event);
    if (readString(event.content, "algorithm") !== MEGOLM) return failed(event, encryption, "unsupported-algorithm");
    if (encryption.sessionId === undefined || encryption.messageIndex === undefined)
      return failed(event, encryption, "malformed");
    if (isStoredElsewhere(roomId, event.eventId, encryption)) return failed(event, encryption, "replayed");
    try {
      const given = await olm.decryptRoomEvent(toWireJson(event), new WasmRoomId(roomId), settings());
      try {
        const clear = readClear(roomId, event, given);
        if (!clear) return failed(event, encryption, "malformed");
        return { ...clear, encryption: { ...encryption, shield: shieldOfDecrypted(given), cause: undefined } };
      } finally {
        given.free();
      }
    } catch (error) {
      if (error instanceof EngineError) throw error;
      if (isKeyMissing(error)) missing(roomId, encryption.sessionId);
      return failed(event, encryption, toCause(error, event, encryption));
    }
  }

  function isStoredElsewhere(roomId: RoomId, eventId: EventId, { sessionId, messageIndex }: EventEncryption): boolean {
    if (sessionId === undefined || messageIndex === undefined) return false;
    return store.events.eventIdsAtIndex(roomId, sessionId, messageIndex).some((id) => id !== eventId);
  }

  function toCause(error: unknown, event: RoomEvent, encryption: EventEncryption): UndecryptableCause {
    if (!(error instanceof MegolmDecryptionError)) {
      context.log.warn("an event could not be decrypted", { kind: error instanceof Error ? error.name : typeof error });
      return "malformed";
    }
    return causeOf(error, {
      membershipThen: encryption.membershipThen,
      isHistorical: event.originServerTs < olm.deviceCreationTimeMs,
      ...facts(),
    });
  }

  /** What the shield of a decrypted event is now: identities and devices change after the event came. */
  async function currentShield(roomId: RoomId, event: RoomEvent): Promise<Shield | undefined> {
    const info = await olm.getRoomEventEncryptionInfo(toWireJson(event), new WasmRoomId(roomId));
    const shield = shieldOf(info.shieldState(false));
    info.free();
    return shield;
  }

  return { decryptEntries, decrypt, currentShield };
}
export type Decryptor = ReturnType<typeof openDecryptor>;

function encryptionOf(event: RoomEvent): EventEncryption {
  const ciphertext = readString(event.content, "ciphertext");
  const deviceId = v.safeParse(deviceIdSchema, readString(event.content, "device_id"));
  const sessionId = readString(event.content, "session_id");
  return {
    wireContent: event.content,
    sessionId: sessionId !== undefined && sessionId.length <= 255 ? sessionId : undefined,
    messageIndex: ciphertext === undefined ? undefined : messageIndexOf(ciphertext),
    senderDeviceId: deviceId.success ? (deviceId.output satisfies DeviceId) : undefined,
    membershipThen: event.unsigned.membership,
    shield: undefined,
    cause: undefined,
  };
}

const isKeyMissing = (error: unknown): boolean =>
  error instanceof MegolmDecryptionError &&
  (error.code === DecryptionErrorCode.MissingRoomKey || error.code === DecryptionErrorCode.UnknownMessageIndex);

const failed = (event: RoomEvent, encryption: EventEncryption, cause: UndecryptableCause): RoomEvent => ({
  ...event,
  encryption: { ...encryption, cause },
});

/**
 * The event, or the refusal of a message that another event of the same response has brought before. Such a one is
 * not in the store yet. `firstAtIndex` is filled in the order of the response.
 */
function refuseReplay(event: RoomEvent, firstAtIndex: Map<string, EventId>): RoomEvent {
  const { encryption } = event;
  if (!encryption || encryption.cause !== undefined) return event;
  const index = `${encryption.sessionId} ${encryption.messageIndex}`;
  const first = firstAtIndex.get(index) ?? event.eventId;
  firstAtIndex.set(index, first);
  if (first === event.eventId) return event;
  return failed({ ...event, type: "m.room.encrypted", content: encryption.wireContent }, encryption, "replayed");
}

/**
 * Reads the machine's answer as strictly as an event of the server. spec: the room of the payload must be this
 * one; a payload is never state, and never encrypted once more.
 */
function readClear(roomId: RoomId, event: RoomEvent, given: DecryptedRoomEvent): RoomEvent | undefined {
  const raw: unknown = JSON.parse(given.event);
  if (!isObject(raw) || readString(raw, "room_id") !== roomId) return undefined;
  const parsed = parseRoomEvent({
    event_id: event.eventId,
    type: raw["type"],
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    content: raw["content"],
  });
  if (!parsed.ok || parsed.event.type === "m.room.encrypted") return undefined;
  return { ...parsed.event, unsigned: event.unsigned };
}

function shieldOfDecrypted(given: DecryptedRoomEvent): Shield | undefined {
  return shieldOf(given.shieldState(false));
}

/** The event as the machine wants it: as it came, without what it does not need. */
function toWireJson(event: RoomEvent): string {
  const content: JsonObject = event.encryption?.wireContent ?? event.content;
  return JSON.stringify({
    event_id: event.eventId,
    type: "m.room.encrypted",
    sender: event.sender,
    origin_server_ts: event.originServerTs,
    content,
    unsigned: {},
  });
}
