/**
 * A homeserver for OlmMachines in this process, as far as the store's tests need one: it keeps device keys, one-time
 * keys and cross-signing keys, and carries to-device messages. Used by olm-machine.test.ts.
 */
import {
  type OlmMachine,
  DecryptionSettings,
  DeviceLists,
  RequestType,
  TrustRequirement,
} from "@matrix-org/matrix-sdk-crypto-wasm";

type Json = { [key: string]: Json | undefined } & { [index: number]: unknown };
type Outgoing = { id: string | undefined; type: RequestType; body: string };

/** What the tests trust: every device, as the store is what they are about. */
export const trustAll = (): DecryptionSettings => new DecryptionSettings(TrustRequirement.Untrusted);

export function startOlmServer() {
  const devices = new Map<string, Map<string, unknown>>();
  const oneTimeKeys = new Map<string, [string, unknown][]>();
  const crossSigning = new Map<string, { master: unknown; selfSigning: unknown; userSigning: unknown }>();
  const inboxes = new Map<string, unknown[]>();
  const backups: unknown[] = [];

  function inbox(userId: string, deviceId: string): unknown[] {
    const at = `${userId}|${deviceId}`;
    let messages = inboxes.get(at);
    if (!messages) inboxes.set(at, (messages = []));
    return messages;
  }

  function keysUpload(userId: string, deviceId: string, body: Json): unknown {
    const own = devices.get(userId) ?? new Map<string, unknown>();
    if (body["device_keys"]) devices.set(userId, own.set(deviceId, body["device_keys"]));
    const at = `${userId}|${deviceId}`;
    const keys = [...(oneTimeKeys.get(at) ?? []), ...Object.entries(body["one_time_keys"] ?? {})];
    oneTimeKeys.set(at, keys);
    return { one_time_key_counts: { signed_curve25519: keys.length } };
  }

  function keysQuery(body: Json): unknown {
    const found = {
      device_keys: {} as Record<string, unknown>,
      master_keys: {} as Record<string, unknown>,
      self_signing_keys: {} as Record<string, unknown>,
      user_signing_keys: {} as Record<string, unknown>,
      failures: {},
    };
    for (const userId of Object.keys(body["device_keys"] ?? {})) {
      found.device_keys[userId] = Object.fromEntries(devices.get(userId) ?? []);
      const keys = crossSigning.get(userId);
      if (!keys) continue;
      found.master_keys[userId] = keys.master;
      found.self_signing_keys[userId] = keys.selfSigning;
      found.user_signing_keys[userId] = keys.userSigning;
    }
    return found;
  }

  function keysClaim(body: Json): unknown {
    const claimed: Record<string, Record<string, unknown>> = {};
    for (const [userId, wanted] of Object.entries(body["one_time_keys"] ?? {}))
      for (const deviceId of Object.keys(wanted as object)) {
        const key = oneTimeKeys.get(`${userId}|${deviceId}`)?.shift();
        if (key) (claimed[userId] ??= {})[deviceId] = { [key[0]]: key[1] };
      }
    return { one_time_keys: claimed, failures: {} };
  }

  function sendToDevice(sender: string, type: string, body: Json): unknown {
    for (const [userId, messages] of Object.entries(body["messages"] ?? {}))
      for (const [deviceId, content] of Object.entries(messages as object))
        for (const id of deviceId === "*" ? (devices.get(userId)?.keys() ?? []) : [deviceId])
          inbox(userId, id).push({ type, sender, content });
    return {};
  }

  function uploadSignatures(body: Json): unknown {
    for (const [userId, signed] of Object.entries(body))
      for (const [keyId, object] of Object.entries(signed as object)) {
        const own = devices.get(userId);
        if (own?.has(keyId)) own.set(keyId, object);
      }
    return { failures: {} };
  }

  function answer(machine: OlmMachine, { type, body, ...request }: Outgoing): unknown {
    const userId = machine.userId.toString();
    const parsed = JSON.parse(body) as Json;
    switch (type) {
      case RequestType.KeysUpload:
        return keysUpload(userId, machine.deviceId.toString(), parsed);
      case RequestType.KeysQuery:
        return keysQuery(parsed);
      case RequestType.KeysClaim:
        return keysClaim(parsed);
      case RequestType.ToDevice:
        return sendToDevice(userId, (request as unknown as { event_type: string }).event_type, parsed);
      case RequestType.SignatureUpload:
        return uploadSignatures(parsed);
      case RequestType.KeysBackup:
        backups.push(parsed);
        return { count: backups.length, etag: String(backups.length) };
      default:
        throw new Error(`unexpected request of type ${type}`);
    }
  }

  async function send(machine: OlmMachine, request: Outgoing): Promise<void> {
    const { id, type, body } = request;
    const { event_type } = request as unknown as { event_type: string };
    const response = answer(machine, { id, type, body, event_type } as Outgoing);
    if (id !== undefined) await machine.markRequestAsSent(id, type, JSON.stringify(response));
  }

  return {
    backups,
    send,
    /** Sends what the machine has to send, until there is nothing more. */
    async flush(machine: OlmMachine): Promise<void> {
      for (;;) {
        const requests = await machine.outgoingRequests();
        if (requests.length === 0) return;
        for (const request of requests) await send(machine, request);
      }
    },
    storeCrossSigning(userId: string, master: unknown, selfSigning: unknown, userSigning: unknown): void {
      crossSigning.set(userId, { master, selfSigning, userSigning });
    },
    /** Gives the device its messages, as a sync would. */
    async deliver(machine: OlmMachine, { atOnce = 1000 }: { atOnce?: number } = {}): Promise<void> {
      const waiting = inbox(machine.userId.toString(), machine.deviceId.toString());
      do {
        const messages = JSON.stringify(waiting.splice(0, atOnce));
        const left = oneTimeKeys.get(`${machine.userId.toString()}|${machine.deviceId.toString()}`)?.length ?? 0;
        const counts = new Map([["signed_curve25519", left]]);
        await machine.receiveSyncChanges(messages, new DeviceLists(), counts, new Set(), trustAll());
      } while (waiting.length > 0);
    },
  };
}
