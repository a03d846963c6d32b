/**
 * Logger: structured lines with one child per owner. Called everywhere; the sink is the host's.
 * Invariant: never bodies, keys, tokens, names or passwords; ids only through log32, which cannot be turned back.
 */
import { createHash, randomBytes } from "node:crypto";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Record<string, string | number | boolean | undefined>;
export type LogSink = (level: LogLevel, owner: string, message: string, fields: LogFields) => void;

const salt = randomBytes(16);

/** A short name for an id that is stable within this run only. */
export function log32(id: string): string {
  return createHash("sha256").update(salt).update(id).digest("hex").slice(0, 8);
}

export class Logger {
  readonly #sink: LogSink;
  readonly #owner: string;
  readonly #fields: LogFields;
  constructor(sink: LogSink, owner = "engine", fields: LogFields = {}) {
    this.#sink = sink;
    this.#owner = owner;
    this.#fields = fields;
  }
  child(owner: string, fields: LogFields = {}): Logger {
    return new Logger(this.#sink, owner, { ...this.#fields, ...fields });
  }
  debug(message: string, fields: LogFields = {}): void {
    this.#sink("debug", this.#owner, message, { ...this.#fields, ...fields });
  }
  info(message: string, fields: LogFields = {}): void {
    this.#sink("info", this.#owner, message, { ...this.#fields, ...fields });
  }
  warn(message: string, fields: LogFields = {}): void {
    this.#sink("warn", this.#owner, message, { ...this.#fields, ...fields });
  }
  error(message: string, error: unknown, fields: LogFields = {}): void {
    const shown =
      error instanceof Error
        ? { error: error.name, code: codeOf(error), at: error.stack?.split("\n")[1]?.trim() }
        : { error: typeof error };
    this.#sink("error", this.#owner, message, { ...this.#fields, ...shown, ...fields });
  }
}

const codeOf = (error: Error): string | undefined =>
  "code" in error && typeof error.code === "string" ? error.code : undefined;

export const silentSink: LogSink = () => {};

/** One JSON line per entry on stderr: for programs and the utility process. */
export const stderrSink: LogSink = (level, owner, message, fields) => {
  process.stderr.write(`${JSON.stringify({ level, owner, message, ...fields })}\n`);
};
