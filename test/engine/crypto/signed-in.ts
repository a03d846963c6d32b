/**
 * What the tests of verification, devices and trust share: people who are signed in on devices, with those three
 * parts open over the in-process homeserver, and impostors, whose keys a hostile server may hand out instead.
 * Invariant: `pump` ends only when no device gets anything new, so that a test sees what a conversation came to.
 */
import {
  DeviceId as WasmDeviceId,
  UserId as WasmUserId,
  type OtherUserIdentity,
  type SignatureUploadRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { expect } from "vitest";
import type { DeviceId, RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { VerificationView } from "../../../preload/contract/views.ts";
import { openDevices } from "../../../main/engine/crypto/devices.ts";
import { openTrust } from "../../../main/engine/crypto/trust.ts";
import { openVerifications, type VerificationDeps } from "../../../main/engine/crypto/verification.ts";
import { parseRoomEvent, type RoomEvent } from "../../../main/engine/matrix/events.ts";
import type { JsonObject } from "../../../main/engine/matrix/json.ts";
import { FakeClock } from "../calls/fixtures.ts";
import { startCryptoServer, startMachine, type CryptoTestServer, type WireDict } from "../../support/crypto-server.ts";

export const ALICE = "@alice:test" as UserId;
export const BOB = "@bob:test" as UserId;
export const CAROL = "@carol:test" as UserId;

/** A clock that stands still, at about the time by which the machine stamps its events. */
export function clockOfToday(): FakeClock {
  const clock = new FakeClock();
  clock.skewMs = Date.now() - clock.now();
  return clock;
}

export const person = (userId: UserId) => ({ userId, displayName: userId.slice(1, userId.indexOf(":")) });

/** Lets the WASM's own tasks run, which report changes. */
export const breathe = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1));

export type SignInOptions = {
  /** The first device of a user makes his identity. */
  isFirst?: boolean;
  tracks?: readonly string[];
  /** How events reach a room; the server takes them as they are where this is not given. */
  sendInRoom?: VerificationDeps["sendInRoom"];
};

export async function signIn(server: CryptoTestServer, userId: UserId, deviceId: string, options: SignInOptions = {}) {
  const clock = clockOfToday();
  server.addDevice(userId, deviceId, `${deviceId} of ${userId}`);
  const machine = await startMachine(server, userId, deviceId, { clock });
  const { context, olm } = machine;
  if (options.isFirst) await publishIdentity(machine);
  const trust = openTrust({ context, personOf: person });
  const devices = openDevices(context);
  const successes: string[] = [];
  const verifications = openVerifications({
    context,
    personOf: person,
    deviceNameOf: devices.nameOf,
    onOwnDeviceVerified: () => void successes.push(deviceId),
    sendInRoom:
      options.sendInRoom ??
      (async (roomId, type, content, txnId) => {
        const answer = await context.server.sendRoomEvent(roomId, type, txnId, JSON.stringify(content));
        return { eventId: (JSON.parse(answer) as { event_id: string }).event_id };
      }),
  });
  olm.registerUserIdentityUpdatedCallback(async (id) => trust.identityUpdated(id.toString() as UserId));
  olm.registerDevicesUpdatedCallback(async (userIds) => trust.devicesUpdated(userIds as UserId[]));
  await machine.track(userId, ...(options.tracks ?? []));

  /** One sync response, as the crypto step takes it. Gives how much came. */
  async function sync(): Promise<number> {
    const { toDevice, roomEvents } = await machine.sync();
    await verifications.noticed(toDevice.map(({ event }) => event as JsonObject));
    for (const raw of roomEvents) takeRoomEvent(raw);
    await verifications.idle();
    await breathe();
    await context.outgoing.flush();
    await breathe();
    return toDevice.length + roomEvents.length;
  }

  function takeRoomEvent(raw: WireDict): void {
    const parsed = parseRoomEvent(raw);
    if (parsed.ok) verifications.receiveRoomEvent(raw["room_id"] as RoomId, parsed.event satisfies RoomEvent);
  }

  const isVerified = async (otherId: string): Promise<boolean> =>
    ((await olm.getIdentity(new WasmUserId(otherId))) as OtherUserIdentity | undefined)?.isVerified() ?? false;
  const isDeviceVerified = async (otherDeviceId: string): Promise<boolean> =>
    (await olm.getDevice(new WasmUserId(userId), new WasmDeviceId(otherDeviceId)))?.isVerified() ?? false;

  return {
    ...machine,
    userId,
    deviceId: deviceId as DeviceId,
    clock,
    trust,
    devices,
    verifications,
    successes,
    sync,
    takeRoomEvent,
    isVerified,
    isDeviceVerified,
    /** The only flow in view. */
    view(): VerificationView {
      const views = verifications.views();
      expect(views).toHaveLength(1);
      return views[0] as VerificationView;
    },
  };
}
export type SignedIn = Awaited<ReturnType<typeof signIn>>;

async function publishIdentity({ olm, context }: Awaited<ReturnType<typeof startMachine>>): Promise<void> {
  const { uploadSigningKeysRequest, uploadSignaturesRequest } = await olm.bootstrapCrossSigning(true);
  await context.server.uploadSigningKeys(JSON.parse(uploadSigningKeysRequest.body) as JsonObject);
  await context.outgoing.sendOne(uploadSignaturesRequest satisfies SignatureUploadRequest);
}

/** Syncs all of them, until nobody gets anything new. */
export async function pump(...everyone: readonly SignedIn[]): Promise<void> {
  for (let quietRounds = 0, round = 0; quietRounds < 2; round += 1) {
    if (round > 50) throw new Error("the devices never stop talking");
    let news = 0;
    for (const one of everyone) news += await one.sync();
    quietRounds = news === 0 ? quietRounds + 1 : 0;
  }
}

/** The keys of somebody else under this name: a device with its signature, and an identity that signed it. */
export async function impostor(userId: UserId, deviceId: string) {
  const server = startCryptoServer();
  const machine = await startMachine(server, userId, deviceId);
  await publishIdentity(machine);
  const record = server.users.get(userId);
  const deviceKeys = record?.devices.get(deviceId)?.deviceKeys;
  if (!record || !deviceKeys) throw new Error("the impostor has no keys");
  return { deviceKeys, crossSigning: record.crossSigning };
}

/** The user's identity is a new one, as after a reset, or as a server says that puts itself in between. */
export async function replaceIdentity(server: CryptoTestServer, userId: UserId, deviceId: string): Promise<void> {
  const fake = await impostor(userId, deviceId);
  const record = server.users.get(userId);
  if (!record) throw new Error("nobody of that name");
  record.crossSigning = fake.crossSigning;
  server.touch(userId);
}
