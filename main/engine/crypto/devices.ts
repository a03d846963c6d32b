/**
 * Devices: the list of our own devices, as the server names them and as the crypto judges them; renaming and
 * signing out of others. Opened by crypto.ts, asked by the topic `devices` and by verification.
 * Invariants: this device is never signed out by this path; a list that cannot be fetched leaves the last one in
 * place; a device that the server added is in the list, and among the new ones, before it is signed by us.
 * spec: client-server, "Client management"; e2ee, "Device verification".
 */
import {
  DeviceKeyAlgorithmName,
  UserId as WasmUserId,
  type Device,
  type OlmMachine,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { deviceIdSchema, type DeviceId, type UserId } from "../../../preload/contract/ids.ts";
import type { DeviceRow } from "../../../preload/contract/views.ts";
import * as v from "valibot";
import { EngineError } from "../base/errors.ts";
import { cleanName } from "../matrix/display-name.ts";
import type { CryptoContext } from "./context.ts";
import type { AuthOptions, ListedDevice } from "./server.ts";

export type DeviceTrust = DeviceRow["trust"];

/** What the machine knows of one device, as plain data. */
export type KnownDevice = {
  deviceId: DeviceId;
  displayName: string | undefined;
  trust: DeviceTrust;
  /** The Ed25519 key in groups of four. */
  fingerprint: string | undefined;
  /** When the machine saw it first. */
  firstSeenMs: number;
};

/** Right after a sign-in all other devices are new to the machine, though not to the user. */
const FIRST_LOOK_MS = 10 * 60_000;
/** A server could claim any number of devices; nobody compares more than these by eye. */
const MAX_LISTED = 1_000;

export function openDevices(context: CryptoContext) {
  const { olm, server, ownUserId, ownDeviceId, log, signal } = context;
  let listed: readonly ListedDevice[] = [];
  let known: ReadonlyMap<DeviceId, KnownDevice> = new Map();
  /** Those of the first list of this run: what comes later is new, whatever it says of itself. */
  let firstListed: ReadonlySet<DeviceId> | undefined;
  let rows: readonly DeviceRow[] = [];
  let refreshing: Promise<void> | undefined;
  let isAskedAgain = false;

  /** Fetches the list. Resolves when one that began after the call is here; throws what the server threw. */
  async function refresh(): Promise<void> {
    if (refreshing) {
      isAskedAgain = true;
      return refreshing;
    }
    refreshing = fetchUntilQuiet().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function fetchUntilQuiet(): Promise<void> {
    do {
      isAskedAgain = false;
      const fetched = await server.devices({ signal });
      listed = fetched.slice(0, MAX_LISTED);
      firstListed ??= new Set(listed.map((device) => device.deviceId));
      await judge();
    } while (isAskedAgain && !signal.aborted);
  }

  /** Reads again what the machine thinks of the devices that are listed already: no request is made. */
  async function judge(): Promise<void> {
    known = new Map((await readDevices(olm, ownUserId, ownDeviceId)).map((device) => [device.deviceId, device]));
    const next = listed.map(toRow).toSorted(byUse);
    if (JSON.stringify(next) === JSON.stringify(rows)) return;
    rows = next;
    context.changed("devices");
  }

  function toRow(device: ListedDevice): DeviceRow {
    const keys = known.get(device.deviceId);
    return {
      key: device.deviceId,
      deviceId: device.deviceId,
      displayName: cleanName(device.displayName) ?? cleanName(device.deviceId) ?? "Unnamed device",
      ...(device.lastSeenTs !== undefined && { lastSeenTs: device.lastSeenTs }),
      ...(device.lastSeenAddress !== undefined && { lastSeenAddress: device.lastSeenAddress }),
      isThisDevice: device.deviceId === ownDeviceId,
      trust: keys?.trust ?? "no-encryption",
      ...(keys?.fingerprint !== undefined && { fingerprint: keys.fingerprint }),
    };
  }

  function isNew(row: DeviceRow): boolean {
    if (row.isThisDevice || row.trust === "verified" || row.trust === "signed") return false;
    if (firstListed !== undefined && !firstListed.has(row.deviceId)) return true;
    const keys = known.get(row.deviceId);
    return keys !== undefined && keys.firstSeenMs > olm.deviceCreationTimeMs + FIRST_LOOK_MS;
  }

  /** Gives a device another name, which every other client sees too. */
  async function rename(deviceId: DeviceId, displayName: string): Promise<void> {
    const name = displayName.trim();
    await server.renameDevice(deviceId, name, { signal });
    listed = listed.map((device) => (device.deviceId === deviceId ? { ...device, displayName: name } : device));
    await judge();
  }

  /** Ends the sessions of other devices. `password-needed` where the server wants to see the password. */
  async function signOut(deviceIds: readonly DeviceId[], password?: string): Promise<void> {
    const unique = [...new Set(deviceIds)];
    if (unique.includes(ownDeviceId)) {
      throw new EngineError(
        "invalid-request",
        "This device cannot sign itself out here. Sign out of the account instead.",
      );
    }
    if (unique.length === 0) return;
    const options: AuthOptions = { signal, ...(password !== undefined && { password }) };
    await server.deleteDevices(unique, options);
    listed = listed.filter((device) => !unique.includes(device.deviceId));
    await judge();
  }

  return {
    refresh,
    /** `refresh` for those who do not wait: the last list stays when it fails. */
    refreshSoon(): void {
      refresh().catch((error: unknown) => {
        if (!signal.aborted) log.warn("the list of devices waits", { code: codeOf(error) });
      });
    },
    judge,
    /** This one first, then the most recently seen. Empty until the first list came. */
    rows: (): readonly DeviceRow[] => rows,
    /** Other devices of ours that are not signed, and were not there when this one signed in or started. */
    newDevices: (): DeviceRow[] => rows.filter(isNew),
    nameOf: (deviceId: DeviceId): string | undefined => rows.find((row) => row.deviceId === deviceId)?.displayName,
    rename,
    signOut,
  };
}
export type Devices = ReturnType<typeof openDevices>;

/** All devices of a user that the machine knows; those with an id that is none of ours are left out. */
export async function readDevices(olm: OlmMachine, userId: UserId, ownDeviceId: DeviceId): Promise<KnownDevice[]> {
  const found: KnownDevice[] = [];
  const ofUser = await olm.getUserDevices(new WasmUserId(userId));
  for (const device of ofUser.devices()) {
    if (found.length < MAX_LISTED) {
      const parsed = v.safeParse(deviceIdSchema, device.deviceId.toString());
      if (parsed.success) found.push(toKnown(device, parsed.output, parsed.output === ownDeviceId));
    }
    device.free();
  }
  ofUser.free();
  return found;
}

function toKnown(device: Device, deviceId: DeviceId, isThisDevice: boolean): KnownDevice {
  return {
    deviceId,
    displayName: cleanName(device.displayName),
    trust: trustOf(device, isThisDevice),
    fingerprint: fingerprintOf(device),
    firstSeenMs: Number(device.firstTimeSeen()),
  };
}

function trustOf(device: Device, isThisDevice: boolean): DeviceTrust {
  // The machine trusts its own device always; what others think of it depends on the signature alone.
  if (isThisDevice ? device.isCrossSigningTrusted() : device.isVerified()) return "verified";
  return device.isCrossSignedByOwner() ? "signed" : "unsigned";
}

function fingerprintOf(device: Device): string | undefined {
  const key = device.getKey(DeviceKeyAlgorithmName.Ed25519);
  const base64 = key?.toBase64();
  key?.free();
  return base64 === undefined ? undefined : inGroups(base64);
}

/** A key as it is compared by eye: groups of four. */
export const inGroups = (base64: string): string => base64.replace(/.{4}(?=.)/gu, "$& ");

function byUse(a: DeviceRow, b: DeviceRow): number {
  if (a.isThisDevice !== b.isThisDevice) return a.isThisDevice ? -1 : 1;
  const difference = (b.lastSeenTs ?? 0) - (a.lastSeenTs ?? 0);
  if (difference !== 0) return difference;
  return a.deviceId < b.deviceId ? -1 : 1;
}

const codeOf = (error: unknown): string => (error instanceof EngineError ? error.code : "bug");
