/**
 * DirectRooms: which rooms are direct, and with whom: the server's m.direct, and before it what it does not say yet.
 * Opened by session for the room commands and the rooms step; `directRooms` is read by whoever shows a room.
 * Invariants: a room that was made or entered as a direct one is on the disk as such until the server has it, so that
 * no kill and no lost answer makes a second one; what other clients keep in m.direct stays as it is.
 * spec: client-server, "Direct Messaging".
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { sleep, type Clock } from "../base/clock.ts";
import { backoffMs, retryPlan, toErrorData } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { readDirect } from "../matrix/content.ts";
import { parseRoomId, parseUserId } from "../matrix/ids.ts";
import { readArray, type JsonObject } from "../matrix/json.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { WriteTx } from "../store/driver.ts";

const TYPE = "m.direct";
/** Room ids, each with the user it is with, that the server has not told us back yet. */
const PENDING = "rooms.direct-pending";
const MAX_ATTEMPTS = 6;

/** For each direct room, the user it is with. Read once for each response. */
export function directRooms(store: AccountStore): Map<RoomId, UserId> {
  const rooms = new Map<RoomId, UserId>();
  const content = store.accountData.read("", TYPE);
  if (content) {
    for (const [userId, roomIds] of readDirect(content)) for (const roomId of roomIds) rooms.set(roomId, userId);
  }
  for (const [roomId, userId] of readPending(store)) if (!rooms.has(roomId)) rooms.set(roomId, userId);
  return rooms;
}

/** The rooms that are direct with this user. */
export const directRoomsWith = (store: AccountStore, userId: UserId): RoomId[] =>
  [...directRooms(store)].filter(([, other]) => other === userId).map(([roomId]) => roomId);

function readPending(store: AccountStore): Map<RoomId, UserId> {
  const pending = new Map<RoomId, UserId>();
  for (const [key, value] of Object.entries(store.settings.read(PENDING) ?? {})) {
    const [roomId, userId] = [parseRoomId(key), parseUserId(value)];
    if (roomId !== undefined && userId !== undefined) pending.set(roomId, userId);
  }
  return pending;
}

export function openDirectRooms(deps: {
  store: AccountStore;
  client: {
    accountData: (type: string, options: { signal: AbortSignal }) => Promise<JsonObject | undefined>;
    setAccountData: (type: string, content: JsonObject, options: { signal: AbortSignal }) => Promise<void>;
  };
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}) {
  const { store, client, signal } = deps;
  let isTelling = false;
  let isAskedAgain = false;

  /** The room is direct with this user from now on; `flush` tells the server. */
  function note(tx: WriteTx, roomId: RoomId, userId: UserId): void {
    if (directRooms(store).has(roomId)) return;
    const pending = readPending(store).set(roomId, userId);
    store.settings.put(tx, PENDING, Object.fromEntries(pending));
  }

  /** What waits, and is not in this content of m.direct. */
  function missingIn(content: JsonObject): [RoomId, UserId][] {
    const known = new Set([...readDirect(content).values()].flat());
    return [...readPending(store)].filter(([roomId]) => !known.has(roomId));
  }

  /** The server has said anew which rooms are direct: what it knows waits no longer. */
  function settle(tx: WriteTx, content: JsonObject): void {
    const waiting = missingIn(content);
    if (waiting.length < readPending(store).size) store.settings.put(tx, PENDING, Object.fromEntries(waiting));
  }

  /** Tells the server, until it has heard. */
  async function tell(): Promise<void> {
    for (let attempt = 0; readPending(store).size > 0 && !signal.aborted; attempt += 1) {
      try {
        // As it is now: another device may just have written, and the last word is all that the server keeps.
        const content = (await client.accountData(TYPE, { signal })) ?? {};
        const missing = missingIn(content);
        if (missing.length > 0) await client.setAccountData(TYPE, withRooms(content, missing), { signal });
        return;
      } catch (error) {
        const plan = retryPlan(error, attempt);
        // It stays noted, and is told with the next connection.
        if (plan.when === "never" || attempt + 1 === MAX_ATTEMPTS || signal.aborted) throw error;
        await sleep(deps.clock, plan.when === "after" ? plan.delayMs : backoffMs(attempt), signal);
      }
    }
  }

  /** Tells the server what waits, in the background. */
  function flush(): void {
    isAskedAgain = true;
    if (!isTelling) void tellAll();
  }

  async function tellAll(): Promise<void> {
    isTelling = true;
    try {
      while (isAskedAgain && !signal.aborted) {
        isAskedAgain = false;
        await tell();
      }
    } catch (error) {
      if (!signal.aborted) deps.log.warn("the server was not told of a direct room", { code: toErrorData(error).code });
    } finally {
      isTelling = false;
    }
  }

  return { note, settle, flush };
}
export type DirectRooms = ReturnType<typeof openDirectRooms>;

/** The content with these rooms, and with all that was in it, understood or not. */
export function withRooms(content: JsonObject, rooms: Iterable<readonly [RoomId, UserId]>): JsonObject {
  const next = { ...content };
  for (const [roomId, userId] of rooms) next[userId] = [...(readArray(next, userId) ?? []), roomId];
  return next;
}
