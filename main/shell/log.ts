/**
 * The shell's log: one rotating file under the user's log folder, and the console while developing. Used by every
 * file of the shell, and for the lines that the engine writes on its stderr.
 * Invariant: never bodies, keys, tokens or names; an error is logged by name, code and place, not by its message,
 * because messages of the system carry paths and addresses.
 */
import { join } from "node:path";
// Not "electron-log/main": that one listens on channels that any page may write to.
import electronLog from "electron-log/node";

type Fields = Record<string, string | number | boolean | undefined>;

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_ENGINE_LINE_LENGTH = 4_000;

/** Where a part of the shell writes its lines. */
export interface ShellLog {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, error: unknown): void;
}

/** Opens the log file; the console hears only warnings unless the app runs from its sources. */
export function openShellLog(folder: string, isPackaged: boolean): ShellLog {
  electronLog.transports.file.resolvePathFn = () => join(folder, "lattice.log");
  electronLog.transports.file.maxSize = MAX_FILE_BYTES;
  electronLog.transports.file.level = "info";
  electronLog.transports.console.level = isPackaged ? "warn" : "info";
  return {
    info: (message, fields) => electronLog.info(message, fields ?? {}),
    warn: (message, fields) => electronLog.warn(message, fields ?? {}),
    error: (message, error) => electronLog.error(message, describeError(error)),
  };
}

/** What of an error may be written down. */
export function describeError(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    error: error.name,
    code,
    at: error.stack
      ?.split("\n")
      .find((line) => line.trim().startsWith("at "))
      ?.trim(),
  };
}

/** Copies what the engine writes on stderr into the log, line by line; the engine keeps secrets out of it itself. */
export function logEngineLines(log: ShellLog, stream: NodeJS.ReadableStream | null): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(-MAX_ENGINE_LINE_LENGTH);
    for (const line of lines) {
      if (line !== "") log.info("engine", { line: line.slice(0, MAX_ENGINE_LINE_LENGTH) });
    }
  });
}
