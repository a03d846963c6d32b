/**
 * The profile lock: one engine for a data folder. Taken first by openEngine.
 * Invariant: the lock is the operating system's, held through an open SQLite transaction, so that it is gone
 * with its process however that ends: there is no stale lock.
 */
import { DatabaseSync } from "node:sqlite";
import { EngineError } from "../base/errors.ts";

/** Throws `rejected` where another engine has the folder. */
export function lockProfile(path: string): () => void {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  } catch (error) {
    database.close();
    throw new EngineError(
      "rejected",
      "Lattice is already running with this profile. Use that window, or close it first.",
      {},
      { cause: error },
    );
  }
  return () => database.close();
}
