/**
 * The text of one room's composer for as long as the page lives: restored from the engine's draft, given to its
 * DraftKeeper with every key, handed over as a message, and taken back when the engine could not take it. Driven
 * by ComposerPane, which may come and go while a text is under way.
 * Invariants: the page is the author: the engine's draft is read once, and no later echo of it touches what is
 * typed. Until the engine's reply says that a message is on its disk, its text is part of the draft; a text that
 * comes back unchanged is sent again under the same txnId, so that the room never gets it twice. Texts go out, and
 * come back, in the order in which they were written: the next one waits until the engine has the last.
 */
import type { MessageContent } from "../../../preload/contract/engine-contract.ts";
import type { EngineErrorData } from "../../../preload/contract/errors.ts";
import type { AccountId, RoomId, TxnId } from "../../../preload/contract/ids.ts";
import { mintTxnId } from "../../engine-client/txn-id.ts";
import { DraftKeeper, type KeepDraft, type Timers } from "./draft-keeper.ts";
import { toContent } from "./message-content.ts";

/** Hands a message to the engine; resolves with the error where it did not take it, and never rejects. */
export type SendMessage = (txnId: TxnId, content: MessageContent) => Promise<EngineErrorData | undefined>;

/** What the composer shows. */
export type ComposerSnapshot = { text: string; error: EngineErrorData | undefined };

/** A text under way: its txnId stays the same when it is sent again. */
type Unsent = { txnId: TxnId; text: string };

const joinTexts = (texts: readonly string[]) => texts.filter((text) => text !== "").join("\n");

/** The composer of one room. */
export class ComposerSession {
  readonly #keep: KeepDraft;
  readonly #timers: Timers;
  readonly #listeners = new Set<() => void>();
  #snapshot: ComposerSnapshot = { text: "", error: undefined };
  #unsent: readonly Unsent[] = [];
  /** Settled when the engine has taken or refused all that was sent. */
  #sending: Promise<void> = Promise.resolve();
  /** The texts that came back and begin what is shown, with the ids they were sent under. */
  #returned: readonly Unsent[] = [];
  /** There once the engine's draft is: before that, what is typed must not replace it. */
  #keeper: DraftKeeper | undefined;

  constructor(keep: KeepDraft, timers: Timers) {
    this.#keep = keep;
    this.#timers = timers;
  }

  readonly snapshot = (): ComposerSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Takes what the engine has kept: before what was typed meanwhile. Only the first call counts. */
  restore(draft: string): void {
    if (this.#keeper !== undefined) return;
    this.#keeper = new DraftKeeper(this.#keep, this.#timers, draft);
    if (draft === "" && this.#snapshot.text === "") return;
    this.#update({ ...this.#snapshot, text: joinTexts([draft, this.#snapshot.text]) }, this.#unsent);
  }

  /** Takes what is typed. */
  setText(text: string): void {
    this.#update({ text, error: undefined }, this.#unsent);
  }

  /** Sends the text, if there is something to send; true where it is under way. */
  send(sendMessage: SendMessage): boolean {
    const typed = this.#snapshot.text;
    const content = toContent(typed);
    if (content === undefined) return false;
    // Of several texts that have become one none was sent like this.
    const known = this.#returned.find(({ text }) => text === typed);
    const sent: Unsent = { txnId: known?.txnId ?? mintTxnId(), text: typed };
    const isNext = this.#unsent.length === 0;
    this.#returned = [];
    this.#update({ text: "", error: undefined }, [...this.#unsent, sent]);
    const attempt = () => sendMessage(sent.txnId, content);
    this.#sending = (isNext ? attempt() : this.#sending.then(attempt)).then((error) => this.#settle(sent, error));
    return true;
  }

  /** Has the engine keep the text now. */
  flushDraft(): void {
    this.#keeper?.flush();
  }

  #settle(sent: Unsent, error: EngineErrorData | undefined): void {
    const rest = this.#unsent.filter(({ txnId }) => txnId !== sent.txnId);
    const written = this.#snapshot.text;
    if (error === undefined) this.#update(this.#snapshot, rest);
    else {
      const before = joinTexts(this.#returned.map(({ text }) => text));
      const isUntouched = before !== "" && (written === before || written.startsWith(`${before}\n`));
      // What came back before was written before, and stands first for as long as the user leaves it there.
      const [first, after] = isUntouched ? [before, written.slice(before.length + 1)] : ["", written];
      this.#returned = isUntouched ? [...this.#returned, sent] : [sent];
      this.#update({ text: joinTexts([first, sent.text, after]), error }, rest);
    }
    // What is in the room must not come back as a draft.
    this.flushDraft();
  }

  #update(next: ComposerSnapshot, unsent: readonly Unsent[]): void {
    this.#snapshot = next;
    this.#unsent = unsent;
    this.#keeper?.changed(joinTexts([...unsent.map(({ text }) => text), next.text]));
    for (const listener of this.#listeners) listener();
  }
}

export type ComposerSessionsDeps = {
  keepDraft: (accountId: AccountId, roomId: RoomId, text: string) => ReturnType<KeepDraft>;
  timers: Timers;
};

/** Gives the one session of each room. */
export function openComposerSessions(
  deps: ComposerSessionsDeps,
): (accountId: AccountId, roomId: RoomId) => ComposerSession {
  const sessions = new Map<string, ComposerSession>();
  return (accountId, roomId) => {
    const key = `${accountId} ${roomId}`;
    let session = sessions.get(key);
    if (session === undefined) {
      session = new ComposerSession((text) => deps.keepDraft(accountId, roomId, text), deps.timers);
      sessions.set(key, session);
    }
    return session;
  };
}
