/**
 * Whether the set-up comes up by itself: once for a sign-in, never twice, and never over something else.
 * Used by renderer/app through `useSetUpPrompt`. What was asked is remembered beside the window's other small
 * choices; where that cannot be, it is remembered for the life of the page.
 * Invariant: a sign-in (each has an account id of its own) is asked at most once, whatever the answer; later there
 * is the banner.
 */
import { useEffect, useEffectEvent } from "react";
import type { AccountRow, EncryptionView } from "../../../preload/contract/views.ts";
import { useTopicItem } from "../../engine-client/use-topic.ts";

const STORAGE_PREFIX = "lattice.set-up-asked.";
const askedHere = new Set<string>();

type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

/** Remembers the sign-in; false where it was asked before. */
export function markAsked(signIn: string, storage: Storage | undefined): boolean {
  if (askedHere.has(signIn)) return false;
  askedHere.add(signIn);
  try {
    if (storage?.getItem(STORAGE_PREFIX + signIn) === "1") return false;
    storage?.setItem(STORAGE_PREFIX + signIn, "1");
  } catch {
    // A full or forbidden storage: the set above is the memory.
  }
  return true;
}

/** Whether this state of encryption is one to ask about. A missing recovery alone is left to the banner. */
export const isWorthAsking = (view: Pick<EncryptionView, "state" | "nextStep">): boolean =>
  view.state === "ready" && (view.nextStep === "create" || view.nextStep === "verify");

/** Calls `onPrompt` once for this sign-in, when the set-up is due and nothing else is open. */
export function useSetUpPrompt(account: AccountRow, isBusy: boolean, onPrompt: () => void): void {
  const view = useTopicItem("encryption", { accountId: account.accountId });
  const isDue = view !== undefined && isWorthAsking(view) && account.state === "signed-in" && !isBusy;
  const prompt = useEffectEvent(() => {
    if (markAsked(account.accountId, storageOfPage())) onPrompt();
  });
  useEffect(() => {
    if (isDue) prompt();
  }, [isDue]);
}

function storageOfPage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
