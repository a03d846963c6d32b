/**
 * The DOMExceptions of IndexedDB, and how SQLite's own failures become them. Used everywhere in this folder.
 * Invariant: a failure of the file never passes for a failure of a request: it is a StorageFailure, which ends
 * its whole transaction, whatever the listeners say.
 */

export type ExceptionName =
  | "AbortError"
  | "ConstraintError"
  | "DataCloneError"
  | "DataError"
  | "InvalidAccessError"
  | "InvalidStateError"
  | "NotFoundError"
  | "QuotaExceededError"
  | "ReadOnlyError"
  | "SyntaxError"
  | "TransactionInactiveError"
  | "UnknownError"
  | "VersionError";

export function exception(name: ExceptionName, message: string): DOMException {
  return new DOMException(message, name);
}

/** The file could not be read or written. `reason` is what the script sees. */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
  readonly reason: DOMException;
  constructor(reason: DOMException, cause: unknown) {
    super(reason.message, { cause });
    this.reason = reason;
  }
}

/** SQLite's extended codes keep the primary one in the low byte. */
const SQLITE_FULL = 13;

/** Runs `work` against SQLite; what SQLite throws leaves as a StorageFailure. */
export function guardStorage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = reasonOf(error);
    throw reason ? new StorageFailure(reason, error) : error;
  }
}

function reasonOf(error: unknown): DOMException | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number" && (errcode & 0xff) === SQLITE_FULL)
    return exception("QuotaExceededError", "The disk is full.");
  // Node's own complaint is that of a file that was closed meanwhile.
  if (typeof errcode !== "number" && code !== "ERR_INVALID_STATE") return undefined;
  return exception("UnknownError", `The database file failed: ${error.message}.`);
}
