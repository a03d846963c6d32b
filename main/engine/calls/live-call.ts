/**
 * LiveCall: one call's machine with its effects performed: timers, the ordered sending, the port that holds
 * the media. Owned by call-service.ts. Invariant: effects are performed in their order before anyone hears of
 * the new state; after `dispose` no timer runs and nothing is sent.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { EventId, UserId } from "../../../preload/contract/ids.ts";
import type { IceServer, Person, Shield } from "../../../preload/contract/views.ts";
import type { RoomEvent } from "../matrix/events.ts";
import type { StoredInvite } from "../store/tables/call.ts";
import { CallSender, type SendEvent } from "./call-sender.ts";
import {
  stepCall,
  type CallEffect,
  type CallInput,
  type CallState,
  type CallStep,
  type CallTimer,
} from "./call.machine.ts";

export type LiveCallDeps = {
  clock: Clock;
  log: Logger;
  sendEvent: SendEvent;
  /** Called after every step that changed what is seen or stored. */
  onChanged(call: LiveCall): void;
};

/** What is known of a call beside its machine. */
export type LiveCallFacts = {
  peer: Person;
  roomName: string;
  isEncrypted: boolean;
  /** Of an incoming call: the event that made it, with its age. */
  invite?: { event: RoomEvent; stored: StoredInvite; endsAtMonotonicMs: number };
};

export class LiveCall {
  readonly facts: LiveCallFacts;
  /** False until it is decided that the user sees the call. */
  isShown = false;
  isAudible = true;
  portId: number | undefined;
  iceServers: IceServer[] | undefined;
  /** As they were when the media was opened: a connection keeps its rules. */
  isRelayOnly = false;
  /** What is wrong with the device that the other side calls from. */
  shield: Shield | undefined;
  inviteEventId: EventId | undefined;
  /** Our own call in the same room that this one waits for. */
  heldBehind: LiveCall | undefined;

  readonly #deps: LiveCallDeps;
  readonly #sender: CallSender;
  readonly #timers = new Map<string, () => void>();
  readonly #seen = new Set<EventId>();
  #state: CallState;

  constructor(deps: LiveCallDeps, facts: LiveCallFacts, first: CallStep) {
    this.#deps = deps;
    this.facts = facts;
    this.#state = first.state;
    this.inviteEventId = facts.invite?.event.eventId;
    const { roomId, ownPartyId } = first.state;
    this.#sender = new CallSender({
      clock: deps.clock,
      log: deps.log,
      sendEvent: deps.sendEvent,
      roomId,
      ownPartyId,
      onSent: ({ kind, isOffer }, eventId) => {
        if (kind === "invite") {
          this.inviteEventId = eventId;
          this.#deps.onChanged(this);
        }
        this.take({ input: "sent", kind, isOffer });
      },
      onFailed: (kind) => this.take({ input: "send-failed", kind }),
    });
    // Nobody holds the call yet whom a change could be told to.
    this.#perform(first.effects);
  }

  get state(): CallState {
    return this.#state;
  }

  get isOver(): boolean {
    return this.#state.phase === "ended";
  }

  /** The user on the other side, as far as there is one. */
  get peerUserId(): UserId {
    return this.facts.peer.userId;
  }

  take(input: CallInput): void {
    const step = stepCall(this.#state, input, this.#deps.clock.now());
    this.#state = step.state;
    const isChanged = this.#perform(step.effects);
    if (this.isOver) this.#sender.finish();
    if (isChanged) this.#deps.onChanged(this);
  }

  /** True for the first time that this event comes: a response may be applied twice. */
  isNew(eventId: EventId): boolean {
    if (this.#seen.has(eventId)) return false;
    this.#seen.add(eventId);
    return true;
  }

  /** Runs `run` later, unless cleared, replaced or disposed of. */
  setTimer(name: string, delayMs: number, run: () => void): void {
    this.clearTimer(name);
    const stop = this.#deps.clock.setTimer(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, stop);
  }

  clearTimer(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }

  /** Resolves when everything was sent, or given up. */
  idle(): Promise<void> {
    return this.#sender.idle();
  }

  dispose(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
    this.#sender.stop();
  }

  /** Gives whether the change is to be seen. */
  #perform(effects: readonly CallEffect[]): boolean {
    let isChanged = false;
    for (const effect of effects) {
      switch (effect.effect) {
        case "send":
          this.#sender.push(effect.event);
          break;
        case "set-timer":
          this.setTimer(timerName(effect.timer), effect.delayMs, () =>
            this.take({ input: "timer", timer: effect.timer }),
          );
          break;
        case "clear-timer":
          this.clearTimer(timerName(effect.timer));
          break;
        case "changed":
          isChanged = true;
          break;
        case "log":
          this.#deps.log.debug(effect.message);
          break;
      }
    }
    return isChanged;
  }
}

const timerName = (timer: CallTimer): string => `machine:${timer}`;
