/**
 * What stands between the user and the server just now, from engine, account, sync and network.
 * Used by ConnectionBanner. Invariant: pure, and the nearest cause wins: what the user can act on first.
 */
import type { AccountRow, SyncState } from "../../preload/contract/views.ts";
import type { EngineConnection } from "../engine-client/engine-client.ts";

export type ConnectionTrouble =
  | { kind: "engine-failed"; message: string }
  | { kind: "engine-restarting" }
  | { kind: "signed-out" }
  | { kind: "sign-in-again" }
  | { kind: "offline" }
  | { kind: "waiting"; isBusy: boolean; retryAtMs: number | undefined }
  | { kind: "stopped"; message: string };

/** What is wrong now, the nearest cause first. */
export function troubleOf(
  connection: EngineConnection,
  accountState: AccountRow["state"],
  sync: SyncState | undefined,
  isOnline: boolean,
  stoppedMessage: string,
): ConnectionTrouble | undefined {
  if (connection.state === "failed") return { kind: "engine-failed", message: connection.message };
  if (connection.state === "restarting") return { kind: "engine-restarting" };
  if (accountState === "signed-out") return { kind: "signed-out" };
  if (accountState === "soft-logged-out") return { kind: "sign-in-again" };
  if (sync?.state === "stopped") return { kind: "stopped", message: stoppedMessage };
  if (sync?.state !== "waiting") return undefined;
  if (!isOnline) return { kind: "offline" };
  return {
    kind: "waiting",
    isBusy: sync.error?.code === "rate-limited" || sync.error?.code === "server-error",
    retryAtMs: sync.retryAtMs,
  };
}
