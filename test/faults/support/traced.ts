/**
 * Engines under strace: a child whose system calls are logged, or which one of them kills. Used by the tests of this
 * folder. Invariant: a kill is exact and repeatable, "at the k-th call of this kind on the main thread", which is the
 * thread that runs SQLite. strace counts each kind and each thread for itself.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChildOrder, FromChild } from "./session-child.ts";

const CHILD = join(import.meta.dirname, "session-child.ts");
/** What changes a file or leaves the machine. */
const SYSTEM_CALLS = "pwrite64,fdatasync,fsync,ftruncate,unlink,write,writev,sendto,sendmsg";

/** Why nothing can be traced here, if so. */
export function whyNoStrace(): string | undefined {
  if (process.platform !== "linux") return "strace is Linux's";
  const tried = spawnSync("strace", ["-f", "-qq", "-e", "trace=none", "true"]);
  if (tried.error) return "there is no strace (Debian: apt-get install strace)";
  return tried.status === 0 ? undefined : "strace may not trace here";
}

/** Dies when it enters the k-th call of this kind. With a log, what it wrote until then is seen afterwards. */
export type KillPoint = { call: string; k: number; logPath?: string };

export type TracedRun = {
  notes: FromChild[];
  /** The kill came; otherwise the program came to its end before. */
  isKilled: boolean;
};

export type TraceOptions = {
  /** Called as the child tells. */
  onNote?: (note: FromChild) => void;
  /** When the child that catches up is to end. */
  end?: Promise<void>;
} & ({ kill: KillPoint } | { logPath: string });

/** Runs the child until it ends, by the kill or by itself. Throws where it failed. */
export async function runTraced(order: ChildOrder, options: TraceOptions): Promise<TracedRun> {
  const logTo = (path: string) => ["-yy", "-s", "120", "-o", path];
  const strace: string[] = [];
  if ("kill" in options) {
    const { call, k, logPath } = options.kill;
    const traced = logPath === undefined ? call : SYSTEM_CALLS;
    strace.push(`--trace=${traced}`, `--inject=${call}:signal=KILL:when=${k}`, ...logTo(logPath ?? "/dev/null"));
  } else {
    // The filter in the kernel makes tracing cheap, but injects no signals.
    strace.push("--seccomp-bpf", `--trace=${SYSTEM_CALLS}`, ...logTo(options.logPath));
  }
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", CHILD];
  const child = spawn("strace", ["-f", "-qq", ...strace, "--", ...node], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  const notes: FromChild[] = [];
  child.on("message", (message) => {
    const note = message as FromChild;
    notes.push(note);
    options.onNote?.(note);
  });
  child.send(order, () => {});
  const tellEnd = (): void => {
    if (child.connected) child.send("end", () => {});
  };
  if (options.end) void options.end.then(tellEnd);
  const [[code, signal]] = (await Promise.all([once(child, "exit"), once(child, "close")])) as [
    [number | null, NodeJS.Signals | null],
    unknown,
  ];
  const failed = notes.find((note) => note.note === "failed");
  if (failed) throw new Error(`the traced engine failed: ${failed.message}`);
  const isKilled = signal === "SIGKILL";
  if (!isKilled && code !== 0) throw new Error(`the traced engine ended with ${signal ?? code}`);
  return { notes, isKilled };
}

/** One call as strace logged it. */
export type TracedCall = {
  call: string;
  /** Which of its kind it was on this thread, from 1. */
  k: number;
  /** The first descriptor's file or connection. */
  target: string;
  /** The line. */
  text: string;
};

/** The calls of the main thread, in order. */
export async function readTrace(logPath: string): Promise<TracedCall[]> {
  const counts = new Map<string, number>();
  const calls: TracedCall[] = [];
  let mainThread: string | undefined;
  for (const line of (await readFile(logPath, "utf8")).split("\n")) {
    const [, thread, call, text] = /^(\d+) +([a-z0-9]+)\((.*)$/u.exec(line) ?? [];
    if (thread === undefined || call === undefined || text === undefined) continue;
    mainThread ??= thread;
    if (thread !== mainThread) continue;
    const k = (counts.get(call) ?? 0) + 1;
    counts.set(call, k);
    calls.push({ call, k, target: /^\d+<(.*?)>[,)]/u.exec(text)?.[1] ?? "", text });
  }
  return calls;
}

/** How far each file had reached the disk for certain when the trace ended: what a power cut leaves. */
export function syncedSizes(calls: readonly TracedCall[]): Map<string, number> {
  const written = new Map<string, number>();
  const synced = new Map<string, number>();
  for (const { call, target, text } of calls) {
    if (call === "pwrite64") {
      const [, bytes, offset] = /, (\d+), (\d+)\) += \d+$/u.exec(text) ?? [];
      if (bytes === undefined || offset === undefined) continue;
      written.set(target, Math.max(written.get(target) ?? 0, Number(offset) + Number(bytes)));
    }
    // A call that was killed on its way has no result.
    if ((call === "fsync" || call === "fdatasync") && text.endsWith(" = 0"))
      synced.set(target, written.get(target) ?? 0);
  }
  return synced;
}
