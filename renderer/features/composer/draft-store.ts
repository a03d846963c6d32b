/**
 * Keeps what was written and not yet sent, per account and room, over restarts of the window. Called by
 * ComposerPane. Texts that were sent but whose reply has not come stand beside the open text until the engine
 * says that they are on its disk: a crash between the two loses nothing.
 * Invariant: reading never throws and never gives more than was written; a full or forbidden storage only costs
 * the survival over a restart.
 */
import * as v from "valibot";
import { type AccountId, type RoomId, txnIdSchema } from "../../../preload/contract/ids.ts";

/** A text under way: its txnId stays the same when it is sent again, so that the room gets it once. */
const unsentSchema = v.object({ txnId: txnIdSchema, text: v.string() });
const draftSchema = v.object({
  text: v.string(),
  unsent: v.pipe(v.array(unsentSchema), v.maxLength(100)),
});
export type Unsent = v.InferOutput<typeof unsentSchema>;
export type Draft = v.InferOutput<typeof draftSchema>;

export interface DraftStore {
  read(accountId: AccountId, roomId: RoomId): Draft;
  /** An empty draft is removed. */
  write(accountId: AccountId, roomId: RoomId, draft: Draft): void;
}

const emptyDraft: Draft = { text: "", unsent: [] };
const keyOf = (accountId: AccountId, roomId: RoomId) => `lattice.draft.${accountId}.${roomId}`;

/** Opens the drafts over a storage such as `localStorage`; without one they live as long as the page. */
export function openDraftStore(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined): DraftStore {
  const kept = new Map<string, Draft>();
  return {
    read(accountId, roomId) {
      const key = keyOf(accountId, roomId);
      const known = kept.get(key);
      if (known !== undefined) return known;
      try {
        const parsed = v.safeParse(draftSchema, JSON.parse(storage?.getItem(key) ?? "null"));
        return parsed.success ? parsed.output : emptyDraft;
      } catch {
        // Damaged or unreadable: there is nothing to restore, and nothing the user could do about it.
        return emptyDraft;
      }
    },
    write(accountId, roomId, draft) {
      const key = keyOf(accountId, roomId);
      const isEmpty = draft.text === "" && draft.unsent.length === 0;
      kept.set(key, isEmpty ? emptyDraft : draft);
      try {
        if (isEmpty) storage?.removeItem(key);
        else storage?.setItem(key, JSON.stringify(draft));
      } catch {
        // Full or forbidden storage: `kept` still holds the text for as long as the page lives.
      }
    },
  };
}

/** The text to show when a room is opened: what never got its reply comes back, before what was being written. */
export function restoreText(draft: Draft): { text: string; txnId?: Unsent["txnId"] } {
  const only = draft.unsent[0];
  if (draft.unsent.length === 1 && draft.text === "" && only !== undefined)
    return { text: only.text, txnId: only.txnId };
  return { text: [...draft.unsent.map((unsent) => unsent.text), draft.text].filter((text) => text !== "").join("\n") };
}
