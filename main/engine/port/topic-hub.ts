/**
 * The topic hub: keeps each subscribed topic's list, and turns changes into patches. Used by port-server.
 *   publish → topics that are touched are marked → at most every 16 ms: read → diff → one patch for each subscriber
 * What is urgent does not wait, but for the end of the work that has changed it.
 * Invariant: a topic is read once for all its subscribers; each subscription's `rev` is gapless and begins with
 * a reset. A timer, not an animation frame: a hidden window still gets what it notifies about.
 */
import type { Op } from "../../../preload/contract/frames.ts";
import type { AccountId } from "../../../preload/contract/ids.ts";
import { EngineError, toErrorData, type EngineErrorData } from "../base/errors.ts";
import { ChangeSet, type TopicView } from "../sync/change-set.ts";
import { diffItems, type KeyedItem } from "./diff.ts";

export type Subscriber = {
  patch: (rev: number, ops: readonly Op[]) => void;
  lost: (error: EngineErrorData) => void;
};
export type Subscription = { resync(): void; close(): void };

/** `accountId` undefined: the topic spans all accounts, and every change may touch it. */
export type TopicSource = {
  key: string;
  accountId: AccountId | undefined;
  /**
   * `at-once`: somebody waits at the other end of the line. `after-others`: it tells that the others are complete, which
   * must not be read before they are.
   */
  turn: "at-once" | "with-others" | "after-others";
  open: () => TopicView<KeyedItem>;
};

const COALESCE_MS = 16;

type LiveTopic = {
  source: TopicSource;
  view: TopicView<KeyedItem>;
  items: readonly KeyedItem[];
  pending: ChangeSet | undefined;
  subscribers: Map<Subscriber, { rev: number }>;
};

export function openTopicHub(onError: (error: unknown) => void) {
  const topics = new Map<string, LiveTopic>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastFlushMs = Number.NEGATIVE_INFINITY;

  function subscribe(source: TopicSource, subscriber: Subscriber): Subscription {
    let topic = topics.get(source.key);
    if (topic) {
      // What waits for the timer goes to the others first, so that all are at the same list.
      flushTopic(topic);
    } else {
      const view = source.open();
      topic = { source, view, items: view.read(), pending: undefined, subscribers: new Map() };
      topics.set(source.key, topic);
    }
    const live = topic;
    live.subscribers.set(subscriber, { rev: 0 });
    const reset = () => {
      live.subscribers.set(subscriber, { rev: 1 });
      subscriber.patch(1, [{ op: "reset", items: live.items }]);
    };
    reset();
    return {
      resync() {
        if (live.subscribers.has(subscriber)) reset();
      },
      close() {
        live.subscribers.delete(subscriber);
        if (live.subscribers.size === 0 && topics.get(source.key) === live) topics.delete(source.key);
      },
    };
  }

  function publish(accountId: AccountId, changes: ChangeSet): void {
    for (const topic of topics.values()) {
      if (topic.source.accountId !== undefined && topic.source.accountId !== accountId) continue;
      if (!topic.view.isTouchedBy(changes)) continue;
      (topic.pending ??= new ChangeSet()).add(changes);
      if (topic.source.turn === "at-once") {
        queueMicrotask(() => flushTopic(topic));
        continue;
      }
      // The first change after a quiet moment goes out at once; a burst waits for the end of its 16 ms.
      timer ??= setTimeout(flush, Math.max(0, COALESCE_MS - (performance.now() - lastFlushMs)));
    }
  }

  function flush(): void {
    timer = undefined;
    lastFlushMs = performance.now();
    const isLast = ({ source }: LiveTopic) => source.turn === "after-others";
    for (const topic of topics.values()) if (!isLast(topic)) flushTopic(topic);
    for (const topic of topics.values()) if (isLast(topic)) flushTopic(topic);
  }

  function flushTopic(topic: LiveTopic): void {
    if (!topic.pending) return;
    const changes = topic.pending;
    topic.pending = undefined;
    try {
      const items = topic.view.read(changes);
      const ops = diffItems(topic.items, items);
      topic.items = items;
      if (ops.length === 0) return;
      for (const [subscriber, state] of topic.subscribers) {
        state.rev += 1;
        subscriber.patch(state.rev, ops);
      }
    } catch (error) {
      onError(error);
      drop(topic, toErrorData(error));
    }
  }

  function drop(topic: LiveTopic, error: EngineErrorData): void {
    topics.delete(topic.source.key);
    for (const subscriber of topic.subscribers.keys()) subscriber.lost(error);
    topic.subscribers.clear();
  }

  return {
    subscribe,
    publish,
    /** Ends all topics of an account that is gone. */
    dropAccount(accountId: AccountId): void {
      const gone = toErrorData(new EngineError("not-found", "This account was removed from this device."));
      for (const topic of topics.values()) if (topic.source.accountId === accountId) drop(topic, gone);
    },
    /** The view behind a topic that someone is subscribed to. */
    viewOf: (key: string): TopicView<KeyedItem> | undefined => topics.get(key)?.view,
    close(): void {
      clearTimeout(timer);
      topics.clear();
    },
  };
}
export type TopicHub = ReturnType<typeof openTopicHub>;
