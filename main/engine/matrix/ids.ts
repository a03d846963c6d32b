/**
 * Parsers that turn a string of a server into a branded id, or into undefined. Called by all wire parsers.
 * Invariant: the grammar is that of the contract's schemas; this file only spares callers the try and catch.
 * spec: appendices, "Identifier Grammar".
 */
import * as v from "valibot";
import {
  deviceIdSchema,
  eventIdSchema,
  mxcUriSchema,
  roomAliasSchema,
  roomIdSchema,
  userIdSchema,
} from "../../../preload/contract/ids.ts";
import type { DeviceId, EventId, MxcUri, RoomAlias, RoomId, UserId } from "../../../preload/contract/ids.ts";

export type { DeviceId, EventId, MxcUri, RoomAlias, RoomId, UserId };

/** Names a place in the stream of /sync. Opaque; only the server that made it can read it. */
export const syncTokenSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(8_192), v.brand("SyncToken"));
export type SyncToken = v.InferOutput<typeof syncTokenSchema>;

const parserOf =
  <Schema extends v.GenericSchema<unknown, unknown>>(schema: Schema) =>
  (value: unknown): v.InferOutput<Schema> | undefined =>
    v.is(schema, value) ? value : undefined;

/** `@localpart:server`, or undefined. */
export const parseUserId = parserOf(userIdSchema);
/** `!opaque`, or undefined. */
export const parseRoomId = parserOf(roomIdSchema);
/** `#alias:server`, or undefined. */
export const parseRoomAlias = parserOf(roomAliasSchema);
/** `$opaque`, or undefined. */
export const parseEventId = parserOf(eventIdSchema);
/** The id of a device, or undefined. */
export const parseDeviceId = parserOf(deviceIdSchema);
/** `mxc://server/mediaId`, or undefined: what is undefined must never become a URL. */
export const parseMxcUri = parserOf(mxcUriSchema);
/** A token of /sync, or undefined. */
export const parseSyncToken = parserOf(syncTokenSchema);

/** The users of a list that is meant to hold user ids: others are left out, doubles too, and the list ends at `limit`. */
export function parseUserIds(values: readonly unknown[] | undefined, limit: number): UserId[] {
  const found = new Set<UserId>();
  for (const value of values ?? []) {
    if (found.size >= limit) break;
    const userId = parseUserId(value);
    if (userId !== undefined) found.add(userId);
  }
  return [...found];
}
