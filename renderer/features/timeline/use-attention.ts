/**
 * Whether somebody can be looking at this window: it is visible and has the focus. Used for read receipts.
 * Invariant: true only while both hold.
 */
import { useSyncExternalStore } from "react";

function subscribe(listener: () => void): () => void {
  window.addEventListener("focus", listener);
  window.addEventListener("blur", listener);
  document.addEventListener("visibilitychange", listener);
  return () => {
    window.removeEventListener("focus", listener);
    window.removeEventListener("blur", listener);
    document.removeEventListener("visibilitychange", listener);
  };
}

const isAttended = () => document.visibilityState === "visible" && document.hasFocus();

/** True while the window is in front of the user. */
export function useAttention(): boolean {
  return useSyncExternalStore(subscribe, isAttended);
}
