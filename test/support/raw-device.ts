/**
 * RawDevice: a device whose owner does as he likes: it encrypts correctly, and whatever it is told to. For tests of
 * what a hostile sender can do to us, over a real homeserver. Invariant: nothing happens by itself: keys are published
 * at sign-in, and what others do is learned in `sync`.
 */
import {
  CollectStrategy,
  DeviceId,
  DeviceLists,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RequestType,
  RoomId,
  UserId,
  type ToDeviceRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { BareClient } from "./bare-client.ts";
import type { RegisteredUser } from "./register-user.ts";

/** The parts of a sync response that concern a machine. */
type SyncAnswer = {
  next_batch: string;
  to_device?: { events: unknown[] };
  device_lists?: { changed?: string[]; left?: string[] };
  device_one_time_keys_count?: Record<string, number>;
  device_unused_fallback_key_types?: string[];
};

type AnyRequest = { id?: string; type: RequestType; body: string };

export class RawDevice {
  readonly olm: OlmMachine;
  readonly bare: BareClient;
  readonly userId: string;
  readonly deviceId: string;
  #since = "";

  private constructor(olm: OlmMachine, bare: BareClient, account: { userId: string; deviceId: string }) {
    this.olm = olm;
    this.bare = bare;
    this.userId = account.userId;
    this.deviceId = account.deviceId;
  }

  /** Takes the device that came with the registration, and publishes its keys. Nobody signs it. */
  static async start(baseUrl: string, account: RegisteredUser): Promise<RawDevice> {
    await initAsync();
    const olm = await OlmMachine.initialize(new UserId(account.userId), new DeviceId(account.deviceId));
    const device = new RawDevice(olm, new BareClient(baseUrl, account), account);
    await device.sync();
    return device;
  }

  /** Takes what is new, and sends what the machine wants sent. */
  async sync(): Promise<void> {
    const query = this.#since === "" ? "" : `&since=${encodeURIComponent(this.#since)}`;
    const answer = await this.bare.call<SyncAnswer>("GET", `/sync?timeout=0${query}`);
    this.#since = answer.next_batch;
    const lists = answer.device_lists ?? {};
    await this.olm.receiveSyncChanges(
      JSON.stringify(answer.to_device?.events ?? []),
      new DeviceLists(toUsers(lists.changed), toUsers(lists.left)),
      new Map(Object.entries(answer.device_one_time_keys_count ?? {})),
      new Set(answer.device_unused_fallback_key_types ?? []),
    );
    await this.flush();
  }

  async flush(): Promise<void> {
    for (const request of await this.olm.outgoingRequests()) await this.#send(request as AnyRequest);
  }

  /** Shares a room key with these users' devices, whatever the room says. */
  async shareKey(roomId: string, userIds: readonly string[]): Promise<void> {
    await this.olm.updateTrackedUsers(toUsers(userIds));
    await this.flush();
    await this.#claim(userIds);
    const settings = new EncryptionSettings();
    settings.sharingStrategy = CollectStrategy.allDevices();
    for (const request of await this.olm.shareRoomKey(new RoomId(roomId), toUsers(userIds), settings)) {
      await this.#send(request);
    }
  }

  /** The same, with a key that nobody has yet. */
  async newKey(roomId: string, userIds: readonly string[]): Promise<void> {
    await this.olm.invalidateGroupSession(new RoomId(roomId));
    await this.shareKey(roomId, userIds);
  }

  /** The wire content of any event, encrypted with the room key of this device. `content` is JSON text. */
  async encrypted(roomId: string, type: string, content: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.olm.encryptRoomEvent(new RoomId(roomId), type, content)) as Record<string, unknown>;
  }

  /** The same, sent. */
  async sendEncrypted(roomId: string, type: string, content: string): Promise<string> {
    return this.bare.send(roomId, "m.room.encrypted", await this.encrypted(roomId, type, content));
  }

  /** An Olm-encrypted message of any type to one device. */
  async sendOlm(userId: string, deviceId: string, type: string, content: object): Promise<Record<string, unknown>> {
    await this.olm.updateTrackedUsers(toUsers([userId]));
    await this.flush();
    await this.#claim([userId]);
    const device = await this.olm.getDevice(new UserId(userId), new DeviceId(deviceId));
    if (!device) throw new Error(`the device ${deviceId} of ${userId} is unknown`);
    const strategy = CollectStrategy.allDevices();
    const wire = JSON.parse(await device.encryptToDeviceEvent(type, content, strategy)) as Record<string, unknown>;
    await this.bare.sendToDevice("m.room.encrypted", { [userId]: { [deviceId]: wire } });
    return wire;
  }

  async #claim(userIds: readonly string[]): Promise<void> {
    const request = await this.olm.getMissingSessions(toUsers(userIds));
    if (request) await this.#send(request);
  }

  async #send(request: AnyRequest): Promise<void> {
    const answer = await this.#post(request);
    if (request.id) await this.olm.markRequestAsSent(request.id, request.type, JSON.stringify(answer));
  }

  #post(request: AnyRequest): Promise<unknown> {
    const body: unknown = JSON.parse(request.body);
    switch (request.type) {
      case RequestType.KeysUpload:
        return this.bare.call("POST", "/keys/upload", body);
      case RequestType.KeysQuery:
        return this.bare.call("POST", "/keys/query", body);
      case RequestType.KeysClaim:
        return this.bare.call("POST", "/keys/claim", body);
      case RequestType.ToDevice: {
        const { event_type: type, txn_id: txnId } = request as unknown as ToDeviceRequest;
        return this.bare.call("PUT", `/sendToDevice/${type}/${txnId}`, body);
      }
      default:
        throw new Error(`a raw device sends no request of kind ${request.type}`);
    }
  }
}

const toUsers = (userIds: readonly string[] = []): UserId[] => userIds.map((userId) => new UserId(userId));
