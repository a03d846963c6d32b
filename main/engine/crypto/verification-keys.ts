/**
 * The keys of a verification: pinned when both sides agree, compared again when the method is done. Called by
 * verification.ts around the machine's own checks.
 * Invariant: nothing counts as verified but what the machine holds as verified now, with the keys of the start; a
 * flow in which a device bears the name of a cross-signing key never begins.
 * spec: e2ee, "Key and signature security"; CVE-2022-39250.
 */
import {
  DeviceId as WasmDeviceId,
  DeviceKeyAlgorithmName,
  OwnUserIdentity,
  UserId as WasmUserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { isObject, readObject } from "../matrix/json.ts";
import type { CryptoContext } from "./context.ts";
import { NOT_SIGNED } from "./verification-cancel.ts";
import type { Flow, PinnedKeys } from "./verification-flow.ts";

export function openFlowKeys({ olm, ownUserId, ownDeviceId }: CryptoContext) {
  /** Why this flow is not `done`, though the method is; undefined where it is. */
  async function problemOf(flow: Flow): Promise<string | undefined> {
    const keys = await readKeys(flow);
    if (!flow.pinned || keys.device !== flow.pinned.device || keys.master !== flow.pinned.master) {
      return "m.key_mismatch";
    }
    return (await isVerified(flow)) ? undefined : NOT_SIGNED;
  }

  async function isVerified(flow: Flow): Promise<boolean> {
    if (!flow.isSelf) {
      const identity = await olm.getIdentity(new WasmUserId(flow.otherUserId));
      return identity?.isVerified() ?? false;
    }
    if (flow.otherDeviceId === undefined) return false;
    const device = await olm.getDevice(new WasmUserId(ownUserId), new WasmDeviceId(flow.otherDeviceId));
    return device?.isVerified() ?? false;
  }

  async function readKeys(flow: Flow): Promise<PinnedKeys> {
    const user = new WasmUserId(flow.otherUserId);
    const identity = await olm.getIdentity(user);
    const device =
      flow.otherDeviceId === undefined ? undefined : await olm.getDevice(user, new WasmDeviceId(flow.otherDeviceId));
    return {
      device: device?.getKey(DeviceKeyAlgorithmName.Ed25519)?.toBase64(),
      master: identity && publicKeysOf(identity.masterKey).join(" "),
    };
  }

  /**
   * Remembers the keys. False where a device bears the name of a cross-signing key, so that the one could
   * pass for the other in what the sides confirm to each other.
   */
  async function pin(flow: Flow): Promise<boolean> {
    flow.pinned = await readKeys(flow);
    const names = new Set<string>([ownDeviceId, ...(flow.otherDeviceId === undefined ? [] : [flow.otherDeviceId])]);
    for (const userId of new Set([ownUserId, flow.otherUserId])) {
      const identity = await olm.getIdentity(new WasmUserId(userId));
      if (!identity) continue;
      const keys = [identity.masterKey, identity.selfSigningKey];
      if (identity instanceof OwnUserIdentity) keys.push(identity.userSigningKey);
      if (keys.flatMap(publicKeysOf).some((key) => names.has(key))) return false;
    }
    return true;
  }

  return { pin, problemOf };
}

/** The public keys of a cross-signing key, as the machine gives it: JSON text. */
function publicKeysOf(keyJson: string): string[] {
  const parsed: unknown = JSON.parse(keyJson);
  const keys = isObject(parsed) ? readObject(parsed, "keys") : undefined;
  return Object.values(keys ?? {}).filter((key) => typeof key === "string");
}
