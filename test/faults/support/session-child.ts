/**
 * The program that the tests of this folder kill: an engine on the folder it is given, and what it is told to do with
 * it. Forked under strace by traced.ts. Invariant: what it tells by IPC was so before it was told; it ends with its
 * parent.
 */
import { once } from "node:events";
import { TestEngine } from "../../support/engine-harness.ts";
import { runSession, type SessionNote, type SessionPlan } from "./session.ts";

export type ChildOrder = {
  dataDir: string;
  /** base64 */
  profileKey: string;
  work:
    | { kind: "session"; plan: SessionPlan }
    /** Takes from the server what there is, until it is told to end. */
    | { kind: "catch-up" };
  /** `kill`: it leaves its files as a killed one does, although it has come to its end. */
  end: "close" | "kill";
};

export type FromChild = SessionNote | { note: "opened" } | { note: "failed"; message: string };

const tell = (note: FromChild): void => void process.send?.(note, undefined, undefined, () => {});

async function obey(order: ChildOrder): Promise<void> {
  const { dataDir, work } = order;
  const engine = await TestEngine.open({ dataDir, profileKey: Buffer.from(order.profileKey, "base64") });
  if (work.kind === "session") await runSession(engine, work.plan, tell);
  else {
    tell({ note: "opened" });
    await once(process, "message");
  }
  if (order.end === "kill") process.kill(process.pid, "SIGKILL");
  await engine.close();
  process.exit(0);
}

process.on("disconnect", () => process.exit(1));
process.once("message", (order) => {
  obey(order as ChildOrder).catch((error: unknown) => {
    tell({ note: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    setTimeout(() => process.exit(1), 100);
  });
});
