/**
 * SyncStep: one feature's part in applying a sync response. Steps are registered by session and run by
 * pipeline.ts in that order. What each phase may do is in its type:
 *   prepare  reads and awaits, writes nothing
 *   write    synchronous, inside the one transaction; a throw rolls the whole response back
 *   publish  after the commit; marks what changed, cannot fail
 *   after    network follow-up off the path; its failure is the step's own business
 */
import type { SyncBody } from "../matrix/sync-body.ts";
import type { WriteTx } from "../store/driver.ts";
import type { ChangeSet } from "./change-set.ts";

export interface SyncStep<Prepared, Delta> {
  readonly name: string;
  prepare?(body: SyncBody, signal: AbortSignal): Promise<Prepared>;
  write(body: SyncBody, prepared: Prepared, tx: WriteTx): Delta;
  publish(delta: Delta, changes: ChangeSet): void;
  after?(delta: Delta, signal: AbortSignal): Promise<void>;
}

/** A step whose types are its own business: what the pipeline holds. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyStep = SyncStep<any, any>;
