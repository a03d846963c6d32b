/**
 * History: fetches what is missing before a chunk, and joins chunks that meet. Called by the timeline view when
 * the user comes near a gap or the start, and by the timeline.paginate command.
 * Invariant: one fetch for a room at a time; each page is one transaction; current state is never touched.
 * spec: client-server, GET /rooms/{roomId}/messages.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { toErrorData, type EngineErrorData } from "../base/errors.ts";
import type { RoomEntryDecryptor } from "../crypto/crypto.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { Chunk } from "../store/tables/event.ts";
import type { WriteTx } from "../store/driver.ts";
import { readMemberContent } from "../matrix/content.ts";
import { toEventRecord, toSetAsideRecord } from "./event-record.ts";

const PAGE_SIZE = 50;

export type GapState = { isFilling: boolean; error?: EngineErrorData };

export function openHistory(deps: {
  store: AccountStore;
  client: Pick<HomeserverClient, "messages">;
  decryptEntries: RoomEntryDecryptor;
  changed: (roomId: RoomId) => void;
  signal: AbortSignal;
}) {
  const { store } = deps;
  const running = new Map<RoomId, Promise<void>>();
  const gapStates = new Map<string, GapState>();
  const gapKey = (roomId: RoomId, chunk: number) => `${roomId} ${chunk}`;

  /** Fetches one page before this chunk. Rejects with what went wrong; the gap stays for the next try. */
  function fetchBefore(roomId: RoomId, chunk: number): Promise<void> {
    const current = running.get(roomId);
    if (current) return current;
    const fetching = fetchPage(roomId, chunk).finally(() => running.delete(roomId));
    running.set(roomId, fetching);
    return fetching;
  }

  async function fetchPage(roomId: RoomId, chunk: number): Promise<void> {
    const found = store.events.readChunks(roomId).find((each) => each.chunk === chunk);
    if (found?.prevBatch === undefined) return;
    const from = found.prevBatch;
    gapStates.set(gapKey(roomId, chunk), { isFilling: true });
    deps.changed(roomId);
    try {
      const page = await deps.client.messages(roomId, { from, dir: "b", limit: PAGE_SIZE }, { signal: deps.signal });
      const entries = await deps.decryptEntries(roomId, page.entries);
      store.write((tx) => {
        putMembersOf(roomId, page.state, tx);
        const hasMetOlder = putPage(roomId, chunk, entries, tx);
        const hasStart = entries.some((entry) => entry.ok && entry.event.type === "m.room.create");
        const isDone = hasMetOlder || hasStart || page.end === undefined || page.end === from;
        store.events.putChunk(tx, roomId, { chunk, prevBatch: isDone ? undefined : page.end } satisfies Chunk);
      });
      gapStates.delete(gapKey(roomId, chunk));
    } catch (error) {
      gapStates.set(gapKey(roomId, chunk), { isFilling: false, error: toErrorData(error) });
      throw error;
    } finally {
      deps.changed(roomId);
    }
  }

  /** Puts a page, newest first, before the chunk. True where it met an event of an older chunk: the gap is closed. */
  function putPage(
    roomId: RoomId,
    chunk: number,
    entries: Awaited<ReturnType<HomeserverClient["messages"]>>["entries"],
    tx: WriteTx,
  ): boolean {
    let position = (store.events.edges(roomId, chunk)?.first ?? 0) - 1;
    for (const entry of entries) {
      const known = entry.ok ? store.events.read(roomId, entry.event.eventId) : undefined;
      if (known && known.chunk < chunk) return true;
      if (known) continue;
      const record = entry.ok
        ? toEventRecord(entry.event, { chunk, position })
        : toSetAsideRecord(entry.setAside, { chunk, position });
      if (store.events.insert(tx, roomId, record)) position -= 1;
    }
    return false;
  }

  /** Names of senders of old: only for members that are not known yet, since the page tells the past. */
  function putMembersOf(
    roomId: RoomId,
    state: Awaited<ReturnType<HomeserverClient["messages"]>>["state"],
    tx: WriteTx,
  ): void {
    for (const event of state) {
      if (event.type !== "m.room.member" || !event.stateKey?.startsWith("@")) continue;
      const member = readMemberContent(event.content);
      const userId = event.stateKey as UserId;
      if (!member || store.members.read(roomId, userId)) continue;
      store.members.put(tx, roomId, {
        userId,
        membership: member.membership,
        displayName: member.displayName,
        avatarMxc: member.avatarMxc,
      });
    }
  }

  return {
    fetchBefore,
    gapState: (roomId: RoomId, chunk: number): GapState => gapStates.get(gapKey(roomId, chunk)) ?? { isFilling: false },
    /** Lets gaps that failed be tried again, on the user's word. */
    forgetFailures(roomId: RoomId): void {
      for (const key of gapStates.keys())
        if (key.startsWith(`${roomId} `) && gapStates.get(key)?.error) gapStates.delete(key);
    },
    /** The oldest chunk, where something before it is still on the server. */
    missingStart(roomId: RoomId): Chunk | undefined {
      const oldest = store.events.readChunks(roomId).at(-1);
      return oldest?.prevBatch === undefined ? undefined : oldest;
    },
  };
}
export type History = ReturnType<typeof openHistory>;
