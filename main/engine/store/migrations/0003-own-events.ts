/**
 * 0003: events of ours are found by their transaction id, so that one which is sent is known when it is to be sent again.
 */
import type { Migration } from "./migration.ts";

export const migration: Migration = {
  version: 3,
  statements: "CREATE INDEX event_by_txn_id ON event (room_id, txn_id) WHERE txn_id IS NOT NULL;",
};
