/**
 * What an account's devices have uploaded of keys, as a proxy saw it. Used by the tests of this folder.
 * Invariant: public keys are made once: whatever is uploaded again under the same id is the same, byte for byte.
 */
import type { LoggedRequest } from "../../support/fault-proxy.ts";

type Keys = Record<string, unknown>;
type KeyUpload = {
  device_keys?: { device_id: string; keys: Keys };
  one_time_keys?: Keys;
  fallback_keys?: Keys;
};

export type UploadCheck = {
  /** How often something was uploaded that had been uploaded before. */
  repeated: number;
  /** What came again and was not the same, or was refused by the server. */
  conflicts: string[];
};

export function checkUploads(requests: readonly LoggedRequest[]): UploadCheck {
  const outcome: UploadCheck = { repeated: 0, conflicts: [] };
  const known = new Map<string, string>();
  /** Not every upload names its device: it is that of the last that did. */
  let device = "";
  const note = (id: string, value: unknown): void => {
    const text = JSON.stringify(value);
    const before = known.get(id);
    known.set(id, text);
    if (before === undefined) return;
    outcome.repeated += 1;
    if (before !== text) outcome.conflicts.push(`${id} was uploaded as two different keys`);
  };
  for (const { path, body, status } of requests) {
    if (!/\/keys\/(?:upload|device_signing\/upload)$/u.test(path)) continue;
    if (status !== undefined && status >= 400) outcome.conflicts.push(`${path} was refused with ${status}`);
    // What the kill has cut off on its way is nobody's.
    if (typeof body !== "object" || body === null) continue;
    if (path.endsWith("/device_signing/upload")) {
      const { auth: _auth, ...keys } = body as Keys;
      for (const [name, key] of Object.entries(keys)) note(name, key);
      continue;
    }
    const upload = body as KeyUpload;
    device = upload.device_keys?.device_id ?? device;
    if (upload.device_keys) note(`device ${device}`, upload.device_keys.keys);
    // The two kinds are numbered each for itself.
    for (const kind of ["one_time_keys", "fallback_keys"] as const) {
      for (const [id, key] of Object.entries(upload[kind] ?? {})) note(`${device} ${kind} ${id}`, key);
    }
  }
  return outcome;
}
