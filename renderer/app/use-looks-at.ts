/**
 * Tells the engine which room the user has in front of the eyes, so that nothing notifies for it meanwhile.
 * Used by RoomPane. Invariant: said again after each reconnect, and taken back when the window is hidden,
 * loses the focus, or shows another room.
 */
import { useEffect, useSyncExternalStore } from "react";
import type { CommandArgs } from "../../preload/contract/engine-contract.ts";
import type { AccountId, RoomId } from "../../preload/contract/ids.ts";
import { useEngineClient, useEngineConnection } from "../engine-client/EngineProvider.tsx";

function onAttentionChange(listener: () => void): () => void {
  window.addEventListener("focus", listener);
  window.addEventListener("blur", listener);
  document.addEventListener("visibilitychange", listener);
  return () => {
    window.removeEventListener("focus", listener);
    window.removeEventListener("blur", listener);
    document.removeEventListener("visibilitychange", listener);
  };
}

const isInFront = (): boolean => document.visibilityState === "visible" && document.hasFocus();

/** Keeps the engine informed of the room that is looked at. */
export function useLooksAt(accountId: AccountId, roomId: RoomId | undefined): void {
  const client = useEngineClient();
  const connection = useEngineConnection();
  const hasAttention = useSyncExternalStore(onAttentionChange, isInFront);
  const engineId = connection.state === "connected" ? connection.engineId : undefined;
  useEffect(() => {
    if (engineId === undefined || !hasAttention || roomId === undefined) return undefined;
    // A lost port is the same as no attention, and the next one is told anew.
    const say = (args: CommandArgs<"attention.set">) => client.call("attention.set", args).catch(() => {});
    void say({ looksAt: { accountId, roomId } });
    return () => void say({});
  }, [client, engineId, hasAttention, accountId, roomId]);
}
