/**
 * ChangeSet: what a committed transaction touched, in the words of topics. Filled by steps in `publish` and by
 * commands; read by the topic hub, which re-reads only what is marked. Invariant: marking cannot fail.
 */
import type { RoomId } from "../../../preload/contract/ids.ts";

export class ChangeSet {
  /** Rooms whose list row or details changed. */
  readonly rooms = new Set<RoomId>();
  readonly timelines = new Set<RoomId>();
  readonly members = new Set<RoomId>();
  hasAccount = false;
  hasSyncState = false;
  hasCalls = false;
  hasNotifications = false;
  hasBadge = false;

  markRoom(roomId: RoomId): this {
    this.rooms.add(roomId);
    this.hasBadge = true;
    return this;
  }
  markTimeline(roomId: RoomId): this {
    this.timelines.add(roomId);
    return this;
  }
  markMembers(roomId: RoomId): this {
    this.members.add(roomId);
    return this;
  }
  markAccount(): this {
    this.hasAccount = true;
    return this;
  }
  markSyncState(): this {
    this.hasSyncState = true;
    return this;
  }
  markCalls(): this {
    this.hasCalls = true;
    return this;
  }
  markNotifications(): this {
    this.hasNotifications = true;
    return this;
  }
}

/**
 * One topic's list, worked out from the store. `read` gets the changes since the last read, where there was
 * one; items that did not change may keep their identity, which saves comparing them.
 */
export interface TopicView<Item> {
  isTouchedBy(changes: ChangeSet): boolean;
  read(changes?: ChangeSet): readonly Item[];
}
