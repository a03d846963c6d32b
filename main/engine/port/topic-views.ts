/**
 * For each topic of the contract, where its list comes from. Used by port-server.
 * To add a topic: a line in the contract, a view in its feature, a line here; TypeScript names what is missing.
 */
import type { TopicArgs, TopicItem, TopicName } from "../../../preload/contract/engine-contract.ts";
import type { EngineCore } from "../session/engine.ts";
import type { ChangeSet, TopicView } from "../sync/change-set.ts";
import type { TopicSource } from "./topic-hub.ts";

type Sources = { [T in TopicName]: (core: EngineCore, args: TopicArgs<T>, portId: number) => TopicView<TopicItem<T>> };

const views: Sources = {
  accounts: (core) => ({ isTouchedBy: (changes) => changes.hasAccount, read: () => core.accountRows() }),
  syncState: (core, { accountId }) => core.session(accountId).views.syncState(),
  roomList: (core, { accountId }) => core.session(accountId).views.roomList(),
  room: (core, { accountId, roomId }) => core.session(accountId).views.room(roomId),
  members: (core, { accountId, roomId }) => core.session(accountId).views.members(roomId),
  timeline: (core, { accountId, roomId }) => core.session(accountId).views.timeline(roomId),
  calls: (core, { accountId }, portId) => core.session(accountId).views.calls(portId),
  callLog: (core, { accountId }) => core.session(accountId).views.callLog(),
  callSettings: (core, { accountId }) => core.session(accountId).views.callSettings(),
  encryption: (core, { accountId }) => core.session(accountId).views.encryption(),
  undecryptable: (core, { accountId }) => core.session(accountId).views.undecryptable(),
  verifications: (core, { accountId }) => core.session(accountId).views.verifications(),
  devices: (core, { accountId }) => core.session(accountId).views.devices(),
  userTrust: (core, { accountId, userId }) => core.session(accountId).views.userTrust(userId),
  notifications: (core) => ({
    isTouchedBy: (changes: ChangeSet) => changes.hasNotifications,
    read: () => core.notificationItems(),
  }),
  badge: (core) => ({ isTouchedBy: (changes: ChangeSet) => changes.hasBadge, read: () => [core.badge()] }),
};

/** Two subscriptions with the same key share one list. Calls differ by port: media is in one window only. */
export function topicKey(
  topic: TopicName,
  args: { accountId?: string; roomId?: string; userId?: string },
  portId: number,
): string {
  const about = args.roomId ?? args.userId ?? "";
  return JSON.stringify([topic, args.accountId ?? "", about, topic === "calls" ? portId : 0]);
}

export function topicSource<T extends TopicName>(
  core: EngineCore,
  topic: T,
  args: TopicArgs<T>,
  portId: number,
): TopicSource {
  const accountId = "accountId" in args ? args.accountId : undefined;
  return {
    key: topicKey(topic, args, portId),
    accountId,
    turn: topic === "calls" ? "at-once" : topic === "syncState" ? "after-others" : "with-others",
    open: () => views[topic](core, args, portId),
  };
}
