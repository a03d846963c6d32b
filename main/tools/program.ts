/**
 * What every command-line tool of the project shares: where the project is, how a program ends, who frees what.
 * Used by the other files of this folder and by the demo. Invariant: a failure is one clear sentence on stderr and
 * an exit code other than 0; a stack trace is shown only where LATTICE_DEBUG asks for it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The folder of the repository. */
export const projectRoot = join(import.meta.dirname, "../..");

/** The few fields of package.json that the tools need. */
export type PackageFields = { name: string; productName: string; version: string; desktopName: string };

export async function readPackage(): Promise<PackageFields> {
  const fields: unknown = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8"));
  return fields as PackageFields;
}

/** A wish that cannot be met, told to the user as it is. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/** Runs a program to its end and turns a failure into a message and exit code 1. */
export async function runProgram(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isPlain = error instanceof ToolError && process.env["LATTICE_DEBUG"] === undefined;
    const message = error instanceof Error ? (isPlain ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`${name}: ${message}\n`);
    process.exitCode = 1;
  }
}

/** Resolves when the user or the system asks this program to end; a second request ends it at once. */
export function untilAskedToEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}
