/**
 * An engine client that answers from canned lists: topics are ready at once, commands fail as cancelled.
 * Used by the gallery to show whole windows. Invariant: no port, no timers.
 */
import type { TopicItem, TopicName } from "../../preload/contract/engine-contract.ts";
import { CommandError } from "../engine-client/command-error.ts";
import type { EngineClient, EngineConnection } from "../engine-client/engine-client.ts";
import { topicKey } from "../engine-client/view-store.ts";
import type { TopicSnapshot } from "../engine-client/view-store.ts";

/** Lists by topic; a topic that is not named stays loading. */
export type CannedTopics = { [T in TopicName]?: readonly TopicItem<T>[] };

/** The client over the given lists. */
export function openCannedClient(
  topics: CannedTopics,
  connection: EngineConnection = { state: "connected", engineId: "canned" },
): EngineClient {
  const snapshots = new Map<TopicName, TopicSnapshot<TopicName>>();
  for (const name of Object.keys(topics) as TopicName[])
    snapshots.set(name, { status: "ready", items: topics[name] ?? [] });
  const loading: TopicSnapshot<TopicName> = { status: "loading" };
  return {
    call: () => Promise.reject(new CommandError({ code: "cancelled", message: "The gallery has no engine." })),
    view: (name, args) => ({
      key: topicKey(name, args),
      subscribe: () => () => {},
      snapshot: () => snapshots.get(name) ?? loading,
    }),
    connection: () => connection,
    onConnection: () => () => {},
    hostStatus: () => {},
    counters: { badFrames: 0, strayFrames: 0, resyncs: 0 },
    close: () => {},
  };
}
