/**
 * The text of one room's composer for as long as the page lives: restored from its draft, kept with every key, handed
 * to the engine, and given back when the engine could not take it. Driven by ComposerPane, which may come and go
 * while a text is under way.
 * Invariant: until the engine's reply says that a text is on its disk, the draft store holds it; a text that comes
 * back unchanged is sent again under the same txnId, so that the room never gets it twice.
 */
import type { MessageContent } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { AccountId, RoomId, TxnId } from "../../../preload/contract/ids.ts";
import { type DraftStore, type Unsent, restoreText } from "./draft-store.ts";
import { mintTxnId, toContent } from "./message-content.ts";

/** Hands a message to the engine; resolves with the error where it did not take it, and never rejects. */
export type SendMessage = (txnId: TxnId, content: MessageContent) => Promise<EngineErrorData | undefined>;

/** What the composer shows. */
export type ComposerSnapshot = { text: string; error: EngineErrorData | undefined };

/** The composer of one room. */
export class ComposerSession {
  readonly #save: (text: string, unsent: readonly Unsent[]) => void;
  readonly #listeners = new Set<() => void>();
  #snapshot: ComposerSnapshot;
  #unsent: readonly Unsent[] = [];
  /** The text as it came back, with the id it was sent under. */
  #returned: Unsent | undefined;

  constructor(accountId: AccountId, roomId: RoomId, drafts: DraftStore) {
    this.#save = (text, unsent) => drafts.write(accountId, roomId, { text, unsent: [...unsent] });
    const { text, txnId } = restoreText(drafts.read(accountId, roomId));
    this.#snapshot = { text, error: undefined };
    if (txnId !== undefined) this.#returned = { txnId, text };
  }

  readonly snapshot = (): ComposerSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Takes what is typed. */
  setText(text: string): void {
    this.#update({ text, error: undefined }, this.#unsent);
  }

  /** Sends the text, if there is something to send; true where it is under way. */
  send(sendMessage: SendMessage): boolean {
    const typed = this.#snapshot.text;
    const content = toContent(typed);
    if (content === undefined) return false;
    const txnId = this.#returned?.text === typed ? this.#returned.txnId : mintTxnId();
    this.#returned = undefined;
    this.#update({ text: "", error: undefined }, [...this.#unsent, { txnId, text: typed }]);
    void sendMessage(txnId, content).then((error) => this.#settle({ txnId, text: typed }, error));
    return true;
  }

  #settle(sent: Unsent, error: EngineErrorData | undefined): void {
    const rest = this.#unsent.filter(({ txnId }) => txnId !== sent.txnId);
    if (error === undefined) return this.#update(this.#snapshot, rest);
    const written = this.#snapshot.text;
    if (written === "") this.#returned = sent;
    this.#update({ text: written === "" ? sent.text : `${sent.text}\n${written}`, error }, rest);
  }

  #update(next: ComposerSnapshot, unsent: readonly Unsent[]): void {
    this.#snapshot = next;
    this.#unsent = unsent;
    this.#save(next.text, unsent);
    for (const listener of this.#listeners) listener();
  }
}

/** Gives the one session of each room over these drafts. */
export function openComposerSessions(drafts: DraftStore): (accountId: AccountId, roomId: RoomId) => ComposerSession {
  const sessions = new Map<string, ComposerSession>();
  return (accountId, roomId) => {
    const key = `${accountId} ${roomId}`;
    let session = sessions.get(key);
    if (session === undefined) {
      session = new ComposerSession(accountId, roomId, drafts);
      sessions.set(key, session);
    }
    return session;
  };
}
