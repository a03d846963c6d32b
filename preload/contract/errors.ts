/**
 * Errors as they cross a border: a closed list of codes, a message fit to show, and the data that decides
 * what the caller can do next. The engine throws EngineError (engine/base/errors.ts); here is its data form.
 * Invariant: no field ever holds a token, a key or message text, so the whole object is safe to log.
 */
import * as v from "valibot";

/**
 * - `offline`: no answer came; try again when the network is back
 * - `server-error`: the server answered 5xx or nonsense; try again later
 * - `rate-limited`: the server asks to wait `retryAfterMs`
 * - `signed-out`: the account needs its user to sign in again
 * - `password-needed`: the server wants the account's password for this; ask, and give it with the same command
 * - `wrong-recovery-key`: this recovery key, passphrase or key file passphrase does not fit
 * - `encryption-not-ready`: the key store cannot be used yet; the message says why, and nothing was sent
 * - `identity-changed`: someone's identity changed; look at it before anything is sent to him
 * - `wrong-credentials`: the password, or the whole account, is not known to the server
 * - `not-a-homeserver`: the address answers, but not with Matrix
 * - `certificate`: the server's certificate cannot be trusted
 * - `forbidden`, `not-found`, `rejected`: the server refused, and will again
 * - `disk-full`: the disk holds no more; nothing was lost, free some space
 * - `profile-locked`: the key of this profile does not open its accounts; nothing was deleted, bring the key back
 * - `store-corrupt`, `store-newer`: the database cannot be used as it is
 * - `invalid-request`: the caller's arguments do not fit the contract
 * - `cancelled`: the caller took the command back
 * - `bug`: none of the above; our fault
 */
export const engineErrorCodeSchema = v.picklist([
  "offline",
  "server-error",
  "rate-limited",
  "signed-out",
  "wrong-credentials",
  "password-needed",
  "wrong-recovery-key",
  "encryption-not-ready",
  "identity-changed",
  "not-a-homeserver",
  "certificate",
  "forbidden",
  "not-found",
  "rejected",
  "disk-full",
  "profile-locked",
  "store-corrupt",
  "store-newer",
  "invalid-request",
  "cancelled",
  "bug",
]);
export type EngineErrorCode = v.InferOutput<typeof engineErrorCodeSchema>;

export const engineErrorDataSchema = v.object({
  code: engineErrorCodeSchema,
  /** English, one or two short sentences: what happened, and what to do. The renderer may translate by code. */
  message: v.string(),
  /** The Matrix errcode, where a server gave one. */
  errcode: v.optional(v.string()),
  /** How long the server asked us to wait. */
  retryAfterMs: v.optional(v.number()),
});
export type EngineErrorData = v.InferOutput<typeof engineErrorDataSchema>;
