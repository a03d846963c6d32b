/**
 * Db: one SQLite database with cached statements and one way to write. Opened by store/account-store.ts.
 * Invariant: this process is the only writer; a transaction is synchronous and whole, so that nothing
 * half-done is ever seen or kept. SQLite's own failures leave here as EngineErrors that say what to do.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { EngineError } from "../base/errors.ts";

declare const inTransaction: unique symbol;
/** Proof that the code runs inside a write transaction. Only Db.write makes one. */
export type WriteTx = { readonly [inTransaction]: true };

export type Row = Record<string, null | number | bigint | string | Uint8Array>;

/** A statement that is prepared on first use and kept for life. */
export type Statement = {
  get(...parameters: SQLInputValue[]): Row | undefined;
  all(...parameters: SQLInputValue[]): Row[];
  /** Changes rows: the token proves that a transaction is open. Gives the number of changed rows. */
  run(tx: WriteTx, ...parameters: SQLInputValue[]): number;
};

/** The oldest SQLite without the WAL-reset bug, which could corrupt a database. */
const MIN_SQLITE = [3, 51, 3] as const;

export class Db {
  readonly #raw: DatabaseSync;
  #isWriting = false;

  private constructor(raw: DatabaseSync) {
    this.#raw = raw;
  }

  /**
   * Opens or creates the file. Throws `store-corrupt` where it is no database, `disk-full` where nothing
   * more fits.
   */
  static open(path: string): Db {
    assertSqlite(process.versions.sqlite ?? "0.0.0");
    return guard(() => {
      const raw = new DatabaseSync(path);
      try {
        raw.exec(`
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = NORMAL;
          PRAGMA foreign_keys = ON;
          PRAGMA temp_store = MEMORY;
          PRAGMA cache_size = -16000;
          PRAGMA mmap_size = 268435456;
          PRAGMA journal_size_limit = 10485760;
          PRAGMA trusted_schema = OFF;
          PRAGMA secure_delete = ON; -- what was redacted or discarded is not left on free pages
        `);
      } catch (error) {
        raw.close();
        throw error;
      }
      return new Db(raw);
    });
  }

  prepare(sql: string): Statement {
    let prepared: StatementSync | undefined;
    const statement = () => (prepared ??= this.#raw.prepare(sql));
    return {
      get: (...parameters) => guard(() => statement().get(...parameters) as Row | undefined),
      all: (...parameters) => guard(() => statement().all(...parameters) as Row[]),
      run: (_tx, ...parameters) => guard(() => Number(statement().run(...parameters).changes)),
    };
  }

  /** Runs schema statements. For migrations only. */
  exec(_tx: WriteTx, sql: string): void {
    guard(() => this.#raw.exec(sql));
  }

  get userVersion(): number {
    return Number((this.#raw.prepare("PRAGMA user_version").get() as Row)["user_version"]);
  }

  setUserVersion(_tx: WriteTx, version: number): void {
    this.#raw.exec(`PRAGMA user_version = ${Math.trunc(version)}`);
  }

  /**
   * Runs `work` in one transaction; a throw rolls all of it back and is passed on. With `isDurable` the
   * commit has reached the disk before this returns (what the user wrote, tokens); without it a power cut
   * may undo the last commits, which a re-sync repairs.
   */
  write<T>(work: (tx: WriteTx) => T, options: { isDurable?: boolean } = {}): T {
    if (this.#isWriting) throw new Error("transactions do not nest");
    return guard(() => {
      if (options.isDurable) this.#raw.exec("PRAGMA synchronous = FULL");
      this.#isWriting = true;
      try {
        this.#raw.exec("BEGIN IMMEDIATE");
        try {
          const result = work({} as WriteTx);
          this.#raw.exec("COMMIT");
          return result;
        } catch (error) {
          if (this.#raw.isTransaction) this.#raw.exec("ROLLBACK");
          throw error;
        }
      } finally {
        this.#isWriting = false;
        if (options.isDurable) this.#raw.exec("PRAGMA synchronous = NORMAL");
      }
    });
  }

  close(): void {
    this.#raw.close();
  }
}

/** SQLite's extended codes keep the primary one in the low byte. */
const FULL = 13;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const IO_ERROR = 10;
const READ_ONLY = 8;

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return error;
  switch (error.errcode & 0xff) {
    case FULL:
      return new EngineError(
        "disk-full",
        "The disk is full. Nothing was lost; free some space and Lattice goes on.",
        {},
        { cause: error },
      );
    case IO_ERROR:
    case READ_ONLY:
      return new EngineError(
        "disk-full",
        "The disk cannot be written. Check its space and permissions; Lattice goes on when it can.",
        {},
        { cause: error },
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return new EngineError(
        "store-corrupt",
        "The message database is damaged. It was left as it is; sign in again to rebuild it from the server.",
        {},
        { cause: error },
      );
    default:
      return error;
  }
}

function assertSqlite(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [index, least] of MIN_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least)
      throw new EngineError(
        "bug",
        `SQLite ${version} is too old to be safe: at least ${MIN_SQLITE.join(".")} is needed.`,
      );
  }
}
