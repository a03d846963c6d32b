/**
 * CallSender: sends the events of one call in their order, each with one txnId over all its tries.
 * Opened by live-call.ts. Invariants: an event is tried only after the one before it was accepted or given up;
 * a last word (hangup, reject) overtakes everything that was not yet tried.
 * spec: voip; client-server, "Rate limiting".
 */
import type { Clock } from "../base/clock.ts";
import { retryPlan } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { EventId, RoomId, TxnId } from "../../../preload/contract/ids.ts";
import type { JsonObject } from "../matrix/json.ts";
import type { OutgoingCallEvent, OwnCallEventKind } from "./call-events.ts";

/** Puts one event into a room; throws EngineErrors. Encrypts where the room is encrypted. */
export type SendEvent = (roomId: RoomId, eventType: string, txnId: TxnId, content: JsonObject) => Promise<EventId>;

const MAX_TRIES = 5;
/** The last word is worth more patience: without it the other side waits for nothing. */
const MAX_LAST_WORD_TRIES = 8;
const FIRST_DELAY_MS = 500;

const isLastWord = (kind: OwnCallEventKind): boolean => kind === "hangup" || kind === "reject";

export type CallSenderDeps = {
  clock: Clock;
  log: Logger;
  sendEvent: SendEvent;
  roomId: RoomId;
  ownPartyId: string;
  onSent(kind: OwnCallEventKind, eventId: EventId): void;
  onFailed(kind: OwnCallEventKind): void;
};

export class CallSender {
  readonly #deps: CallSenderDeps;
  #waiting: OutgoingCallEvent[] = [];
  #count = 0;
  #running: Promise<void> | undefined;
  /** Ends the pause before the next try. */
  #wake: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: CallSenderDeps) {
    this.#deps = deps;
  }

  push(event: OutgoingCallEvent): void {
    if (this.#isStopped) return;
    if (isLastWord(event.kind)) this.#waiting = [];
    this.#waiting.push(event);
    if (isLastWord(event.kind)) this.#wake?.();
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits to be sent. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
    this.#wake?.();
  }

  async #run(): Promise<void> {
    for (let event = this.#waiting.shift(); event && !this.#isStopped; event = this.#waiting.shift()) {
      // In order on purpose: the other side must see the invite before its candidates.
      await this.#send(event);
    }
    this.#running = undefined;
  }

  async #send({ kind, eventType, content }: OutgoingCallEvent): Promise<void> {
    const { clock, log, sendEvent, roomId, ownPartyId, onSent, onFailed } = this.#deps;
    this.#count += 1;
    const txnId = `${ownPartyId}.${this.#count}` as TxnId;
    const maxTries = isLastWord(kind) ? MAX_LAST_WORD_TRIES : MAX_TRIES;
    for (let attempt = 0; !this.#isStopped; attempt += 1) {
      try {
        const eventId = await sendEvent(roomId, eventType, txnId, content);
        onSent(kind, eventId);
        return;
      } catch (error) {
        const plan = retryPlan(error, attempt);
        const isOvertaken = attempt > 0 && this.#waiting.some((next) => isLastWord(next.kind));
        if (plan.when === "never" || attempt + 1 >= maxTries || isOvertaken) {
          log.error("an event of a call could not be sent", error, { kind, attempt });
          // What was to follow an invite or an answer means nothing without it.
          if (kind === "invite" || kind === "answer")
            this.#waiting = this.#waiting.filter((next) => isLastWord(next.kind));
          onFailed(kind);
          return;
        }
        const delayMs = plan.when === "after" ? plan.delayMs : FIRST_DELAY_MS * 2 ** attempt;
        const isUrgent = this.#waiting.some((next) => isLastWord(next.kind));
        if (!isUrgent) await this.#pause(clock, delayMs);
      }
    }
  }

  #pause(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = clock.setTimer(delayMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        stop();
        resolve();
      };
    });
  }
}
