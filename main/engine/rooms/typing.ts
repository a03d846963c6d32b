/**
 * Typing: who types where, now. Filled by the rooms step, read by the list and room views.
 * Invariant: kept in memory only, and never names ourselves. spec: client-server, "Typing Notifications".
 */
import type { RoomId, UserId } from "../../../preload/contract/ids.ts";

export function openTyping(ownUserId: UserId) {
  const byRoom = new Map<RoomId, readonly UserId[]>();
  return {
    set(roomId: RoomId, userIds: readonly UserId[]): void {
      const others = userIds.filter((userId) => userId !== ownUserId).slice(0, 20);
      if (others.length > 0) byRoom.set(roomId, others);
      else byRoom.delete(roomId);
    },
    in: (roomId: RoomId): readonly UserId[] => byRoom.get(roomId) ?? [],
    /** After a reconnect nobody is known to type. */
    clear: (): RoomId[] => {
      const rooms = [...byRoom.keys()];
      byRoom.clear();
      return rooms;
    },
  };
}
export type Typing = ReturnType<typeof openTyping>;
