/**
 * Views of topics whose items must be awaited: what the crypto knows is asked, not read. Used by session.
 * Invariant: a view gives the last list that was complete at once, and marks itself when a newer one is there;
 * one load at a time, and a change during a load brings another.
 */
import type { Logger } from "../base/logger.ts";
import { ChangeSet, type TopicView } from "../sync/change-set.ts";

export type AsyncViewDeps<Item> = {
  isTouchedBy: (changes: ChangeSet) => boolean;
  load: () => Promise<readonly Item[]>;
  publish: (changes: ChangeSet) => void;
  log: Logger;
};

export function openAsyncView<Item>({ isTouchedBy, load, publish, log }: AsyncViewDeps<Item>): TopicView<Item> {
  let items: readonly Item[] = [];
  let isLoading = false;
  let isStale = true;
  /** Told by identity, so that no other view takes it for its own. */
  const loaded = Symbol("loaded");

  async function reload(): Promise<void> {
    isLoading = true;
    try {
      while (isStale) {
        isStale = false;
        items = await load();
      }
    } catch (error) {
      log.warn("a view could not be read", { kind: error instanceof Error ? error.name : typeof error });
    } finally {
      isLoading = false;
      publish(new ChangeSet().markView(loaded));
    }
  }

  return {
    isTouchedBy: (changes) => changes.views.has(loaded) || isTouchedBy(changes),
    read(changes) {
      if (!changes || isTouchedBy(changes)) isStale = true;
      if (isStale && !isLoading) void reload();
      return items;
    },
  };
}
