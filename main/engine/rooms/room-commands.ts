/**
 * What a user does with rooms: create, invite, join, leave. Called by the port's command handlers.
 * Invariant: the server is asked, and the sync brings the result; a command that makes or joins a room answers
 * when that room is in the store, so that whoever asked can show it.
 */
import type { RoomAlias, RoomId, UserId } from "../../../preload/contract/ids.ts";
import { EngineError } from "../base/errors.ts";
import type { HomeserverClient } from "../net/homeserver-client.ts";
import type { AccountStore } from "../store/account-store.ts";
import type { WriteTx } from "../store/driver.ts";
import { directRoomsWith, type DirectRooms } from "./direct-rooms.ts";
import { emptyRoom } from "./room-summary.ts";

/** Encrypted from the first event on. spec: e2ee, "m.room.encryption". */
const ENCRYPTION = { type: "m.room.encryption", stateKey: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

type Options = { signal: AbortSignal };

export function openRoomCommands(deps: {
  store: AccountStore;
  client: Pick<HomeserverClient, "createRoom" | "join" | "leave" | "invite" | "members">;
  direct: DirectRooms;
  ownUserId: UserId;
  /** We have invited someone: what is sent from now on is for him too. */
  invited: (roomId: RoomId, userIds: readonly UserId[]) => void;
  /** Resolves when the sync has brought the room as joined, or after a while. */
  waitForRoom: (roomId: RoomId, options: Options) => Promise<void>;
}) {
  const { store, client, direct, ownUserId } = deps;

  /** A room of ours that is marked direct with this user, where he still is or may come. */
  function existingDirect(userId: UserId): RoomId | undefined {
    return directRoomsWith(store, userId).find((roomId) => {
      if (store.rooms.read(roomId)?.membership !== "join") return false;
      const other = store.members.read(roomId, userId)?.membership;
      return other === undefined || other === "join" || other === "invite";
    });
  }

  /**
   * We have made this room encrypted: that holds from now on, whatever the server tells of it. Synapse hands out a new
   * room while it is still filling it, and what is sent in that moment must not go in the clear.
   */
  function rememberEncrypted(tx: WriteTx, roomId: RoomId): void {
    const room = store.rooms.read(roomId) ?? emptyRoom(roomId);
    store.rooms.put(tx, { ...room, isEncrypted: true });
  }

  return {
    async createDirect(userId: UserId, options: Options): Promise<RoomId> {
      if (userId === ownUserId) throw new EngineError("rejected", "That is you. Enter somebody else's user ID.");
      const existing = existingDirect(userId);
      if (existing) return existing;
      const roomId = await client.createRoom(
        { preset: "trusted_private_chat", isDirect: true, invite: [userId], initialState: [ENCRYPTION] },
        options,
      );
      store.write(
        (tx) => {
          rememberEncrypted(tx, roomId);
          direct.note(tx, roomId, userId);
        },
        { isDurable: true },
      );
      direct.flush();
      deps.invited(roomId, [userId]);
      await deps.waitForRoom(roomId, options);
      return roomId;
    },
    async create(
      room: {
        name: string;
        topic?: string | undefined;
        isPublic: boolean;
        isEncrypted?: boolean | undefined;
        invite: readonly UserId[];
      },
      options: Options,
    ): Promise<RoomId> {
      const isEncrypted = !room.isPublic && room.isEncrypted !== false;
      const roomId = await client.createRoom(
        {
          preset: room.isPublic ? "public_chat" : "private_chat",
          name: room.name,
          ...(room.topic !== undefined && room.topic !== "" && { topic: room.topic }),
          invite: room.invite,
          // Whoever may join a public room may read it: a lock on it would promise what it cannot hold.
          ...(isEncrypted && { initialState: [ENCRYPTION] }),
        },
        options,
      );
      if (isEncrypted) store.write((tx) => rememberEncrypted(tx, roomId), { isDurable: true });
      deps.invited(roomId, room.invite);
      await deps.waitForRoom(roomId, options);
      return roomId;
    },
    async join(room: RoomId | RoomAlias, via: readonly string[], options: Options): Promise<RoomId> {
      const roomId = await client.join(room, via, options);
      await deps.waitForRoom(roomId, options);
      return roomId;
    },
    async invite(roomId: RoomId, userId: UserId, options: Options): Promise<void> {
      await client.invite(roomId, userId, options);
      deps.invited(roomId, [userId]);
    },
    leave: (roomId: RoomId, options: Options): Promise<void> => client.leave(roomId, options),
  };
}
export type RoomCommands = ReturnType<typeof openRoomCommands>;
