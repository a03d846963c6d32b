/**
 * The pipeline: applies one parsed sync response. Called by the sync loop of either protocol.
 *   prepare (each step, in order)
 *   → ONE transaction: write (each step, in order) + next_batch → COMMIT
 *   → publish (each step) → the ChangeSet goes to the topics
 *   → after (each step, not awaited)
 * Invariant: the token moves only together with all it implies; nothing after COMMIT can throw back into it.
 */
import type { Logger } from "../base/logger.ts";
import type { SyncBody } from "../matrix/sync-body.ts";
import type { AccountStore } from "../store/account-store.ts";
import { ChangeSet } from "./change-set.ts";
import type { AnyStep } from "./step.ts";

export type PipelineDeps = {
  store: AccountStore;
  steps: readonly AnyStep[];
  publish: (changes: ChangeSet) => void;
  log: Logger;
  signal: AbortSignal;
};

export function openPipeline({ store, steps, publish, log, signal }: PipelineDeps) {
  return {
    /** Takes no signal of its own: a half-applied response must not exist. */
    async apply(body: SyncBody): Promise<void> {
      const prepared: unknown[] = [];
      for (const step of steps) {
        // In order on purpose: decryption comes before whoever reads what it decrypts.
        prepared.push(await step.prepare?.(body, signal));
      }
      const deltas = store.write((tx) => {
        const written = steps.map((step, index) => step.write(body, prepared[index], tx) as unknown);
        store.account.setNextBatch(tx, body.nextBatch);
        return written;
      });

      const changes = new ChangeSet();
      for (const [index, step] of steps.entries()) {
        try {
          step.publish(deltas[index], changes);
        } catch (error) {
          log.error("publish failed", error, { step: step.name });
        }
      }
      publish(changes);
      for (const [index, step] of steps.entries()) {
        step.after?.(deltas[index], signal).catch((error: unknown) => {
          if (!signal.aborted) log.error("follow-up failed", error, { step: step.name });
        });
      }
    },
  };
}
export type Pipeline = ReturnType<typeof openPipeline>;
