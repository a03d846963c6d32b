/**
 * CallSender: sends the events of one call in their order, each with one txnId over all its tries.
 * Opened by live-call.ts. Invariants: an event is tried only after the one before it was accepted or given up;
 * a last word (hangup, reject) overtakes everything that was not yet tried; what keeps a call going is tried until
 * the call is over, for a new path is needed most in the outage that keeps us from asking for it.
 * spec: voip; client-server, "Rate limiting".
 */
import type { Clock } from "../base/clock.ts";
import { EngineError, retryPlan } from "../base/errors.ts";
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
/** A call that has lost its path waits for this event: the network may be back at any moment. */
const MAX_DELAY_MS = 4_000;
const MAX_LAST_WORD_DELAY_MS = 32_000;

const isLastWord = (kind: OwnCallEventKind): boolean => kind === "hangup" || kind === "reject";
/** Says something to the other devices when the call is over. */
const outlivesCall = (kind: OwnCallEventKind): boolean => isLastWord(kind) || kind === "select-answer";

function maxTriesOf(kind: OwnCallEventKind, isCallOver: boolean): number {
  if (isLastWord(kind)) return MAX_LAST_WORD_TRIES;
  // Without these two there is no call yet that would be worth more.
  return kind === "invite" || kind === "answer" || isCallOver ? MAX_TRIES : Infinity;
}

export type CallSenderDeps = {
  clock: Clock;
  log: Logger;
  sendEvent: SendEvent;
  roomId: RoomId;
  ownPartyId: string;
  onSent(event: OutgoingCallEvent, eventId: EventId): void;
  onFailed(kind: OwnCallEventKind): void;
};

export class CallSender {
  readonly #deps: CallSenderDeps;
  #waiting: OutgoingCallEvent[] = [];
  #count = 0;
  #running: Promise<void> | undefined;
  /** Ends the pause before the next try. */
  #wake: (() => void) | undefined;
  #isCallOver = false;
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

  /** The call is over: gives up what kept it going, and still sends what was to be said at its end. */
  finish(): void {
    if (this.#isCallOver) return;
    this.#isCallOver = true;
    this.#waiting = this.#waiting.filter((event) => outlivesCall(event.kind));
    this.#wake?.();
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

  async #send(event: OutgoingCallEvent): Promise<void> {
    const { kind, eventType, content } = event;
    const { clock, log, sendEvent, roomId, ownPartyId, onSent, onFailed } = this.#deps;
    this.#count += 1;
    const txnId = `${ownPartyId}.${this.#count}` as TxnId;
    for (let attempt = 0; !this.#isStopped; attempt += 1) {
      if (this.#isCallOver && !outlivesCall(kind)) return;
      try {
        const eventId = await sendEvent(roomId, eventType, txnId, content);
        onSent(event, eventId);
        return;
      } catch (error) {
        const plan = retryPlan(error, attempt);
        const isOvertaken = attempt > 0 && this.#waiting.some((next) => isLastWord(next.kind));
        if (plan.when === "never" || attempt + 1 >= maxTriesOf(kind, this.#isCallOver) || isOvertaken) {
          log.error("an event of a call could not be sent", error, { kind, attempt });
          // What was to follow an invite or an answer means nothing without it.
          if (kind === "invite" || kind === "answer")
            this.#waiting = this.#waiting.filter((next) => isLastWord(next.kind));
          onFailed(kind);
          return;
        }
        const isAsked = plan.when === "after" && error instanceof EngineError && error.data.retryAfterMs !== undefined;
        const delayMs = isAsked
          ? plan.delayMs
          : Math.min(isLastWord(kind) ? MAX_LAST_WORD_DELAY_MS : MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
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
