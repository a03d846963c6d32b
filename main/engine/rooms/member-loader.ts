/**
 * Loads the whole member list of a room, once it is wanted: the sync sends only those who speak.
 * Called when someone opens the member list. Invariant: one load for a room at a time; a room whose members are
 * all known is not asked for again. spec: client-server, "Lazy-loading room members".
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";
import { readMemberContent } from "../matrix/content.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { AccountStore } from "../store/account-store.ts";

export function openMemberLoader(deps: {
  store: AccountStore;
  client: Pick<HomeserverClient, "members">;
  changed: (roomId: RoomId) => void;
  signal: AbortSignal;
}) {
  const { store } = deps;
  const running = new Map<RoomId, Promise<void>>();

  async function fetchMembers(roomId: RoomId): Promise<void> {
    const events = await deps.client.members(roomId, { signal: deps.signal });
    store.write((tx) => {
      for (const event of events) {
        if (event.type !== "m.room.member" || !event.stateKey?.startsWith("@")) continue;
        const member = readMemberContent(event.content);
        if (!member) continue;
        store.members.put(tx, roomId, {
          userId: event.stateKey as UserId,
          membership: member.membership,
          displayName: member.displayName,
          avatarMxc: member.avatarMxc,
        });
      }
      store.rooms.setHasAllMembers(tx, roomId);
    });
    deps.changed(roomId);
  }

  return {
    load(roomId: RoomId): Promise<void> {
      const room = store.rooms.read(roomId);
      if (!room || room.hasAllMembers || room.membership !== "join") return Promise.resolve();
      const current = running.get(roomId);
      if (current) return current;
      const loading = fetchMembers(roomId).finally(() => running.delete(roomId));
      running.set(roomId, loading);
      return loading;
    },
  };
}
