/**
 * Reads a topic of the engine in a component: `useTopic("roomList", { accountId })`.
 * Arguments are compared by value, so inline objects do not subscribe anew; null means "not now".
 * Invariant: the snapshot changes identity only when its content does, so memoised rows stay memoised.
 */
import { useMemo, useSyncExternalStore } from "react";
import type { TopicArgs, TopicItem, TopicName } from "../../preload/contract/engine-contract.ts";
import { useEngineClient } from "./EngineProvider.tsx";
import { topicKey } from "./view-store.ts";
import type { TopicSnapshot } from "./view-store.ts";

export type { TopicSnapshot };

const IDLE: TopicSnapshot<never> = { status: "loading" };
const idleView = { subscribe: () => () => {}, snapshot: () => IDLE };

/** The items of a topic, live. */
export function useTopic<T extends TopicName>(name: T, args: TopicArgs<T> | null): TopicSnapshot<T> {
  const client = useEngineClient();
  const key = args === null ? null : topicKey(name, args);
  // `key` stands for name and args by value.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const view = useMemo(() => (args === null ? idleView : client.view(name, args)), [client, key]);
  return useSyncExternalStore(view.subscribe, view.snapshot);
}

/** The one item of a topic that has at most one; undefined until it is there. */
export function useTopicItem<T extends TopicName>(name: T, args: TopicArgs<T> | null): TopicItem<T> | undefined {
  const snapshot = useTopic(name, args);
  return snapshot.status === "ready" ? snapshot.items[0] : undefined;
}
