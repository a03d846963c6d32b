/**
 * The identifiers that cross borders, as branded strings with their parsers.
 * Used by every layer. Invariant: a branded value has been parsed; nothing else makes one, so an id of a
 * server or of the other side of a port is never trusted by accident.
 * spec: appendices, "Identifier Grammar". Historical ids are wider than the grammar, so only sigil, length
 * and the absence of control characters are checked.
 */
import * as v from "valibot";

const MAX_ID_LENGTH = 255;
// eslint-disable-next-line no-control-regex
const NO_CONTROL = /^[^\u0000-\u001f\u007f]+$/u;

const sigil = (mark: string) =>
  v.pipe(v.string(), v.maxLength(MAX_ID_LENGTH), v.minLength(2), v.startsWith(mark), v.regex(NO_CONTROL));

/** Names one signed-in account of this installation: also its folder under `accounts/`. */
export const accountIdSchema = v.pipe(v.string(), v.regex(/^[a-z0-9]{16}$/u), v.brand("AccountId"));
export type AccountId = v.InferOutput<typeof accountIdSchema>;

/** `!opaque` or `!opaque:server`: rooms of version 12 have no server part. */
export const roomIdSchema = v.pipe(sigil("!"), v.brand("RoomId"));
export type RoomId = v.InferOutput<typeof roomIdSchema>;

/** `#alias:server` */
export const roomAliasSchema = v.pipe(sigil("#"), v.includes(":"), v.brand("RoomAlias"));
export type RoomAlias = v.InferOutput<typeof roomAliasSchema>;

/** `$opaque` */
export const eventIdSchema = v.pipe(sigil("$"), v.brand("EventId"));
export type EventId = v.InferOutput<typeof eventIdSchema>;

/** `@localpart:server` */
export const userIdSchema = v.pipe(sigil("@"), v.regex(/^@[^:]*:.+$/u), v.brand("UserId"));
export type UserId = v.InferOutput<typeof userIdSchema>;

/** Opaque name of one device of a user. */
export const deviceIdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_ID_LENGTH), v.brand("DeviceId"));
export type DeviceId = v.InferOutput<typeof deviceIdSchema>;

/** Client-made id of one send: the same on every retry, so that the server stores it once. */
export const txnIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._~-]{8,64}$/u), v.brand("TxnId"));
export type TxnId = v.InferOutput<typeof txnIdSchema>;

/**
 * `mxc://server/mediaId`. The grammar is checked here, before any URL is built of it: a crafted media id
 * must not become a path on the homeserver.
 */
export const mxcUriSchema = v.pipe(
  v.string(),
  v.maxLength(512),
  v.regex(/^mxc:\/\/[A-Za-z0-9[][A-Za-z0-9.\-:[\]]*\/[A-Za-z0-9_-]+$/u),
  v.brand("MxcUri"),
);
export type MxcUri = v.InferOutput<typeof mxcUriSchema>;

/** Names one call within a room. spec: voip, `call_id`. */
export const callIdSchema = v.pipe(v.string(), v.regex(/^[0-9A-Za-z._~-]{1,255}$/u), v.brand("CallId"));
export type CallId = v.InferOutput<typeof callIdSchema>;

/** Names a file that waits on this device to be sent. It cannot be guessed: whoever knows it may write to the file. */
export const uploadIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/u), v.brand("UploadId"));
export type UploadId = v.InferOutput<typeof uploadIdSchema>;
