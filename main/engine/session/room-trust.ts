/**
 * Room trust: what the crypto thinks of the people of a room, at hand without waiting. Used by the room view.
 * Invariant: an answer is for exactly the people asked about; a newer one marks the room, and until the first
 * is there the room is an ordinary one. What really holds back a send is the encryptor, not this.
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { RoomTrust } from "../crypto/trust.ts";

const UNKNOWN: RoomTrust = { trust: "normal", identityChanges: [] };
/** Rooms that someone looks at, and a few that he has just left. */
const MAX_ROOMS = 50;

export function openRoomTrust(deps: {
  load: (userIds: readonly UserId[]) => Promise<RoomTrust>;
  changed: (roomId: RoomId) => void;
  log: Logger;
}) {
  type Entry = { people: string; trust: RoomTrust; isStale: boolean; isLoading: boolean };
  const entries = new Map<RoomId, Entry>();

  async function load(roomId: RoomId, entry: Entry, userIds: readonly UserId[]): Promise<void> {
    entry.isLoading = true;
    entry.isStale = false;
    try {
      const trust = await deps.load(userIds);
      const isNews = JSON.stringify(trust) !== JSON.stringify(entry.trust);
      entry.trust = trust;
      entry.isLoading = false;
      if (isNews || entry.isStale) deps.changed(roomId);
    } catch (error) {
      entry.isLoading = false;
      deps.log.debug("trust of a room not read", { kind: error instanceof Error ? error.name : typeof error });
    }
  }

  return {
    of(roomId: RoomId, userIds: readonly UserId[]): RoomTrust {
      if (userIds.length === 0) return UNKNOWN;
      const people = userIds.join(" ");
      let entry = entries.get(roomId);
      if (!entry || entry.people !== people) {
        entry = { people, trust: entry?.trust ?? UNKNOWN, isStale: true, isLoading: false };
        entries.delete(roomId);
        entries.set(roomId, entry);
        const oldest = entries.keys().next().value;
        if (entries.size > MAX_ROOMS && oldest !== undefined) entries.delete(oldest);
      }
      if (entry.isStale && !entry.isLoading) void load(roomId, entry, userIds);
      return entry.trust;
    },
    /** Someone is not what he was. */
    forget(): void {
      for (const entry of entries.values()) entry.isStale = true;
    },
  };
}
