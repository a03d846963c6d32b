/**
 * The corpus of the crypto bench: what one sender has for every receiver, made once. Used by test/bench/crypto.ts.
 * Invariant: all receivers get the same room keys and the same events; only the Olm wrapping of a key is for one
 * device, as it must be. The sender has an identity that signed its device, as everyone has who is not excluded.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  DeviceId,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RequestType,
  RoomId,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { RECEIVER, SENDER, type Room } from "./work.ts";

const SENDER_DEVICE = "SENDER";
/** A session is exchanged after this many messages, as the specification has it by default. */
const EVENTS_PER_SESSION = 100;
/** How many to-device messages Synapse puts into one sync response. */
const TO_DEVICE_PER_SYNC = 100;

type Json = { [key: string]: Json };

/** How many rooms of how many events. `key` names it in what the peers are asked. */
export type Shape = { key: string; rooms: number; eventsPerRoom: number };

export type Corpus = {
  /** The answer to a receiver's query for the sender's keys. */
  senderKeys: string;
  /** For each receiving device its room keys, as the `to_device` events of one sync response after the other. */
  keysOf: Map<string, string[]>;
  keysPerBatch: number;
  /** By shape. */
  rooms: Map<string, Room[]>;
};

/**
 * `uploads` are the key uploads of the receiving devices, by device id. Rooms without events make up the number of
 * keys, where the rooms with events have fewer.
 */
export async function makeCorpus(
  uploads: ReadonlyMap<string, string>,
  shapes: readonly Shape[],
  keyCount: number,
): Promise<Corpus> {
  await initAsync();
  const olm = await OlmMachine.initialize(new UserId(SENDER), new DeviceId(SENDER_DEVICE));
  const senderKeys = await publish(olm);
  await meetReceivers(olm, uploads);

  const inboxes = new Map<string, Json[]>([...uploads.keys()].map((deviceId) => [deviceId, []]));
  const rooms = new Map<string, Room[]>();
  for (const shape of shapes) {
    const made: Room[] = [];
    for (let at = 0; at < shape.rooms; at += 1) made.push(await makeRoom(olm, inboxes, shape, at));
    rooms.set(shape.key, made);
  }
  const sharedCount = [...inboxes.values()][0]?.length ?? 0;
  for (let at = sharedCount; at < keyCount; at += 1) await shareKey(olm, inboxes, `!without-events-${at}:bench`);
  const keysOf = new Map([...inboxes].map(([deviceId, messages]) => [deviceId, toBatches(messages)]));
  return { senderKeys, keysOf, keysPerBatch: TO_DEVICE_PER_SYNC, rooms };
}

async function publish(olm: OlmMachine): Promise<string> {
  for (const request of await olm.outgoingRequests()) {
    if (request.type !== RequestType.KeysUpload) continue;
    await olm.markRequestAsSent(request.id ?? "", request.type, '{"one_time_key_counts":{"signed_curve25519":50}}');
  }
  const { uploadSigningKeysRequest, uploadSignaturesRequest } = await olm.bootstrapCrossSigning(true);
  const identity = JSON.parse(uploadSigningKeysRequest.body) as Json;
  const signed = JSON.parse(uploadSignaturesRequest.body) as Json;
  return JSON.stringify({
    device_keys: { [SENDER]: { [SENDER_DEVICE]: signed[SENDER]?.[SENDER_DEVICE] } },
    master_keys: { [SENDER]: identity["master_key"] },
    self_signing_keys: { [SENDER]: identity["self_signing_key"] },
  });
}

async function meetReceivers(olm: OlmMachine, uploads: ReadonlyMap<string, string>): Promise<void> {
  const devices: Json = {};
  const oneTimeKeys: Json = {};
  for (const [deviceId, text] of uploads) {
    const upload = JSON.parse(text) as Json;
    const [keyId, key] = Object.entries(upload["one_time_keys"] ?? {})[0] ?? [];
    if (!upload["device_keys"] || keyId === undefined || !key) throw new Error(`${deviceId} has uploaded no keys`);
    devices[deviceId] = upload["device_keys"];
    oneTimeKeys[deviceId] = { [keyId]: key };
  }
  await olm.updateTrackedUsers([new UserId(RECEIVER)]);
  for (const request of await olm.outgoingRequests()) {
    if (request.type !== RequestType.KeysQuery) continue;
    const answer = JSON.stringify({ device_keys: { [RECEIVER]: devices } });
    await olm.markRequestAsSent(request.id ?? "", request.type, answer);
  }
  const claim = await olm.getMissingSessions([new UserId(RECEIVER)]);
  if (!claim) throw new Error("nobody to send to");
  const answer = JSON.stringify({ one_time_keys: { [RECEIVER]: oneTimeKeys } });
  await olm.markRequestAsSent(claim.id, claim.type, answer);
}

async function makeRoom(
  olm: OlmMachine,
  inboxes: ReadonlyMap<string, Json[]>,
  { key, eventsPerRoom }: Shape,
  at: number,
): Promise<Room> {
  const roomId = `!${key}-${at}:bench`;
  const events: string[] = [];
  for (let index = 0; index < eventsPerRoom; index += 1) {
    if (index % EVENTS_PER_SESSION === 0) await shareKey(olm, inboxes, roomId);
    const content = { msgtype: "m.text", body: `Message ${index}: ${randomBytes(45).toString("base64")}` };
    const encrypted = await olm.encryptRoomEvent(new RoomId(roomId), "m.room.message", JSON.stringify(content));
    const event = {
      event_id: `$${key}-${at}-${index}`,
      type: "m.room.encrypted",
      sender: SENDER,
      origin_server_ts: Date.now(),
      content: JSON.parse(encrypted) as Json,
    };
    events.push(JSON.stringify(event));
  }
  return { roomId, events };
}

/** A fresh session for the room, its key on the way to every receiver. */
async function shareKey(olm: OlmMachine, inboxes: ReadonlyMap<string, Json[]>, roomId: string): Promise<void> {
  await olm.invalidateGroupSession(new RoomId(roomId));
  const requests = await olm.shareRoomKey(new RoomId(roomId), [new UserId(RECEIVER)], new EncryptionSettings());
  for (const request of requests) {
    const { messages } = JSON.parse(request.body) as { messages: Json };
    for (const [deviceId, content] of Object.entries(messages[RECEIVER] ?? {})) {
      inboxes.get(deviceId)?.push({ type: request.event_type, sender: SENDER, content } as unknown as Json);
    }
    await olm.markRequestAsSent(request.txn_id, request.type, "{}");
  }
}

function toBatches(messages: readonly Json[]): string[] {
  const batches: string[] = [];
  for (let at = 0; at < messages.length; at += TO_DEVICE_PER_SYNC)
    batches.push(JSON.stringify(messages.slice(at, at + TO_DEVICE_PER_SYNC)));
  return batches;
}

/** The JSON of exported room keys, ten to a room. spec: e2ee, "Key exports", "Session export format". */
export function makeExportedKeys(count: number): string {
  const senderKey = unpadded(randomBytes(32));
  const claimedKey = unpadded(publicKey());
  const keys = Array.from({ length: count }, (_, at) => {
    const signingKey = publicKey();
    return {
      algorithm: "m.megolm.v1.aes-sha2",
      forwarding_curve25519_key_chain: [],
      room_id: `!exported-${Math.floor(at / 10)}:bench`,
      sender_claimed_keys: { ed25519: claimedKey },
      sender_key: senderKey,
      session_id: unpadded(signingKey),
      // Version, index, ratchet, the session's public key.
      session_key: unpadded(Buffer.concat([Uint8Array.of(1), Buffer.alloc(4), randomBytes(128), signingKey])),
    };
  });
  return JSON.stringify(keys);
}

function publicKey(): Buffer {
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url");
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/u, "");
