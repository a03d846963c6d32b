/**
 * ChangeSet: what a committed transaction touched, in the words of topics. Filled by steps in `publish` and by
 * commands; read by the topic hub, which re-reads only what is marked. Invariant: marking cannot fail.
 */
import type { RoomId } from "../../../preload/contract/ids.ts";
import type { CryptoChange } from "../crypto/context.ts";

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
  /** What of the encryption looks different. */
  readonly crypto = new Set<CryptoChange>();
  /** Views that have loaded what they were to show. */
  readonly views = new Set<symbol>();

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
    this.hasBadge = true;
    return this;
  }
  markCrypto(...what: readonly CryptoChange[]): this {
    for (const each of what) this.crypto.add(each);
    return this;
  }
  markView(view: symbol): this {
    this.views.add(view);
    return this;
  }
  markNotifications(): this {
    this.hasNotifications = true;
    return this;
  }

  /** Takes in all that `other` marks. */
  add(other: ChangeSet): this {
    for (const roomId of other.rooms) this.rooms.add(roomId);
    for (const roomId of other.timelines) this.timelines.add(roomId);
    for (const roomId of other.members) this.members.add(roomId);
    for (const view of other.views) this.views.add(view);
    this.markCrypto(...other.crypto);
    this.hasAccount ||= other.hasAccount;
    this.hasSyncState ||= other.hasSyncState;
    this.hasCalls ||= other.hasCalls;
    this.hasNotifications ||= other.hasNotifications;
    this.hasBadge ||= other.hasBadge;
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
