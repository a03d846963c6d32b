/**
 * Events that travel request → transaction → database and back, which Node's EventTarget cannot do: it has no tree.
 * Used by everything that fires an event, and by the faces that scripts add listeners to.
 *   EventNode       one place in the tree: its listeners, its parent, and the object that scripts know it as
 *   dispatchInTurns  the engine's own events: each listener has a turn of its own, with its microtasks after it
 *   dispatchNow      a script's dispatchEvent(): all listeners at once
 * Invariant: a listener that throws is reported and told to the caller; it keeps no other listener from its call.
 * spec: DOM 2.9 "Dispatching events"; HTML 8.1.8.1 "Event handlers"
 */
import type { Turn } from "./turns.ts";

type Listener = {
  type: string;
  /** A function, or an object with handleEvent. */
  callback: object;
  capture: boolean;
  once: boolean;
  passive: boolean;
  /** An event handler attribute, as `onsuccess`: what it gives back may cancel the event. */
  isHandler: boolean;
  isRemoved: boolean;
};

export type ListenerOptions = { capture: boolean; once: boolean; passive: boolean; signal: AbortSignal | undefined };

/**
 * What becomes of an exception that a listener throws: the program's reportError() is told where it has one, else it
 * is uncaught, as one from a listener of Node's own EventTarget is.
 */
export const exceptionReporter = {
  report(error: unknown): void {
    const { reportError } = globalThis as { reportError?: (error: unknown) => void };
    if (reportError) reportError(error);
    else
      process.nextTick(() => {
        throw error;
      });
  },
};

export class EventNode {
  /** What scripts see as `target`. Set once, by the face's constructor. */
  face: EventTarget | undefined;
  readonly parent: EventNode | undefined;
  readonly #listeners: Listener[] = [];

  constructor(parent: EventNode | undefined) {
    this.parent = parent;
  }

  addListener(type: string, callback: object, options: ListenerOptions): void {
    const { signal, capture, once, passive } = options;
    if (signal?.aborted) return;
    if (this.#find(type, callback, capture)) return;
    const listener = { type, callback, capture, once, passive, isHandler: false, isRemoved: false };
    this.#listeners.push(listener);
    signal?.addEventListener("abort", () => this.#remove(listener), { once: true });
  }

  removeListener(type: string, callback: object, capture: boolean): void {
    const listener = this.#find(type, callback, capture);
    if (listener) this.#remove(listener);
  }

  /** The value of an event handler attribute. */
  handler(type: string): object | null {
    return this.#handler(type)?.callback ?? null;
  }

  /** A handler keeps its place among the listeners for as long as it is set. */
  setHandler(type: string, callback: object | null): void {
    const listener = this.#handler(type);
    if (listener && callback) listener.callback = callback;
    else if (listener) this.#remove(listener);
    else if (callback) {
      const kind = { capture: false, once: false, passive: false, isHandler: true, isRemoved: false };
      this.#listeners.push({ type, callback, ...kind });
    }
  }

  /** Those to call for `type` now; later changes do not matter to this call, except removals. */
  listenersFor(type: string, capture: boolean): readonly Listener[] {
    if (this.#listeners.length === 0) return NO_LISTENERS;
    return this.#listeners.filter((listener) => listener.type === type && listener.capture === capture);
  }

  drop(listener: Listener): void {
    this.#remove(listener);
  }

  #handler(type: string): Listener | undefined {
    return this.#listeners.find((listener) => listener.isHandler && listener.type === type);
  }

  #find(type: string, callback: object, capture: boolean): Listener | undefined {
    return this.#listeners.find(
      (listener) =>
        !listener.isHandler && listener.type === type && listener.callback === callback && listener.capture === capture,
    );
  }

  #remove(listener: Listener): void {
    listener.isRemoved = true;
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }
}

const NO_LISTENERS: readonly Listener[] = [];

const NONE = 0;
const CAPTURING = 1;
const AT_TARGET = 2;
const BUBBLING = 3;

/** Where a dispatch has come to; what the event's own attributes say meanwhile. */
class Progress {
  target: EventTarget | null = null;
  currentTarget: EventTarget | null = null;
  phase = NONE;
  path: readonly EventNode[] = [];
  isStopped = false;
  isStoppedAtOnce = false;
  isCanceled = false;
  isInPassiveListener = false;
  isDispatching = false;
  isTrusted = true;

  composedPath(): EventTarget[] {
    return this.currentTarget ? this.path.map((node) => node.face as EventTarget) : [];
  }
}

let progressOf: (event: TreeEvent) => Progress;
let isTreeEvent: (event: Event) => event is TreeEvent;

/** An event of the engine's own making, which knows where in the tree it is. */
export class TreeEvent extends Event {
  readonly #progress = new Progress();

  static {
    progressOf = (event) => event.#progress;
    isTreeEvent = (event): event is TreeEvent => #progress in event;
    Object.defineProperty(this, "name", { value: "Event" });
  }

  override get target(): EventTarget | null {
    return this.#progress.target;
  }
  override get srcElement(): EventTarget | null {
    return this.#progress.target;
  }
  override get currentTarget(): EventTarget | null {
    return this.#progress.currentTarget;
  }
  override get eventPhase(): Event["eventPhase"] {
    // Node's types know two of the four phases, since its EventTarget has no tree.
    return this.#progress.phase as Event["eventPhase"];
  }
  override get isTrusted(): boolean {
    return this.#progress.isTrusted;
  }
  override get defaultPrevented(): boolean {
    return this.#progress.isCanceled;
  }
  override get returnValue(): boolean {
    return !this.#progress.isCanceled;
  }
  override set returnValue(value: boolean) {
    if (!value) this.preventDefault();
  }
  override get cancelBubble(): boolean {
    return this.#progress.isStopped;
  }
  override set cancelBubble(value: boolean) {
    if (value) this.stopPropagation();
  }
  override composedPath(): [EventTarget?] {
    return this.#progress.composedPath() as [EventTarget?];
  }
  override stopPropagation(): void {
    this.#progress.isStopped = true;
  }
  override stopImmediatePropagation(): void {
    this.#progress.isStopped = true;
    this.#progress.isStoppedAtOnce = true;
  }
  override preventDefault(): void {
    if (this.cancelable && !this.#progress.isInPassiveListener) this.#progress.isCanceled = true;
  }
}

/** Lets an event of another class, as one that a script made, tell where in the tree it is. */
function adopt(event: Event): Progress {
  const progress = new Progress();
  const value = <T>(read: () => T) => ({ get: read, configurable: true });
  Object.defineProperties(event, {
    target: value(() => progress.target),
    srcElement: value(() => progress.target),
    currentTarget: value(() => progress.currentTarget),
    eventPhase: value(() => progress.phase),
    isTrusted: value(() => progress.isTrusted),
    composedPath: { value: () => progress.composedPath(), configurable: true },
    stopImmediatePropagation: {
      configurable: true,
      value: () => {
        progress.isStoppedAtOnce = true;
        event.stopPropagation();
      },
    },
  });
  return progress;
}

const adopted = new WeakMap<Event, Progress>();

function knownProgress(event: Event): Progress | undefined {
  return isTreeEvent(event) ? progressOf(event) : adopted.get(event);
}

/** One event's way through the tree: down the path, at its end both kinds of listeners, and up again. */
class Dispatch {
  readonly event: Event;
  /** Whether a listener threw. */
  hasThrown = false;
  readonly #progress: Progress;
  /** From the target up. */
  readonly #path: readonly EventNode[];
  /** Counts the visits to nodes: each is visited twice, on the way down and, if the event bubbles, on the way up. */
  #visit = 0;
  #listeners: readonly Listener[] | undefined;
  #listener = 0;

  constructor(target: EventNode, event: Event, isTrusted: boolean) {
    this.event = event;
    let progress = knownProgress(event);
    if (!progress) adopted.set(event, (progress = adopt(event)));
    this.#progress = progress;
    progress.isTrusted = isTrusted;
    const path: EventNode[] = [];
    for (let node: EventNode | undefined = target; node; node = node.parent) path.push(node);
    this.#path = path;
    progress.path = path;
    progress.target = target.face as EventTarget;
    progress.isDispatching = true;
  }

  /** Calls the next listener. False where there was none left: the dispatch is over. */
  callNext(): boolean {
    const depth = this.#path.length;
    const visits = depth + (this.event.bubbles ? depth : 1);
    for (; this.#visit < visits; this.#visit++) {
      const isDown = this.#visit < depth;
      const at = isDown ? depth - 1 - this.#visit : this.#visit - depth;
      const node = this.#path[at] as EventNode;
      if (!this.#listeners) {
        if (this.#isStopped()) break;
        this.#listeners = node.listenersFor(this.event.type, isDown);
        this.#listener = 0;
      }
      while (this.#listener < this.#listeners.length) {
        if (this.#progress.isStoppedAtOnce) break;
        const listener = this.#listeners[this.#listener++] as Listener;
        if (listener.isRemoved) continue;
        if (at === 0) this.#progress.phase = AT_TARGET;
        else this.#progress.phase = isDown ? CAPTURING : BUBBLING;
        this.#progress.currentTarget = node.face as EventTarget;
        this.#call(node, listener);
        return true;
      }
      this.#listeners = undefined;
    }
    this.#finish();
    return false;
  }

  #isStopped(): boolean {
    return this.#progress.isStopped || (!isTreeEvent(this.event) && this.event.cancelBubble);
  }

  #call(node: EventNode, listener: Listener): void {
    if (listener.once) node.drop(listener);
    const { event } = this;
    const callback = listener.callback as { handleEvent?: unknown };
    this.#progress.isInPassiveListener = listener.passive;
    try {
      if (typeof callback === "function") {
        const answer = Reflect.apply(callback, node.face, [event]);
        if (listener.isHandler && answer === false) event.preventDefault();
      } else if (!listener.isHandler) {
        const { handleEvent } = callback;
        if (typeof handleEvent !== "function") throw new TypeError("The listener has no handleEvent function.");
        Reflect.apply(handleEvent, callback, [event]);
      }
    } catch (error) {
      this.hasThrown = true;
      exceptionReporter.report(error);
    }
    this.#progress.isInPassiveListener = false;
  }

  #finish(): void {
    const progress = this.#progress;
    progress.phase = NONE;
    progress.currentTarget = null;
    progress.path = [];
    progress.isDispatching = false;
    progress.isStopped = false;
    progress.isStoppedAtOnce = false;
  }
}

/** How a dispatch ended. */
export type DispatchOutcome = { hasThrown: boolean; isCanceled: boolean };

/** A turn that fires `event` at `target`, and goes on with `then` when every listener's microtasks are done. */
export function dispatchInTurns(
  target: EventNode,
  event: Event,
  then: (outcome: DispatchOutcome) => Turn | undefined,
): Turn | undefined {
  const dispatch = new Dispatch(target, event, true);
  const turn = (): Turn | undefined =>
    dispatch.callNext() ? turn : then({ hasThrown: dispatch.hasThrown, isCanceled: event.defaultPrevented });
  return turn();
}

/** A script's `dispatchEvent`: true where nothing canceled the event. */
export function dispatchNow(target: EventNode, event: Event): boolean {
  if (knownProgress(event)?.isDispatching)
    throw new DOMException("The event is being dispatched already.", "InvalidStateError");
  const dispatch = new Dispatch(target, event, false);
  while (dispatch.callNext()) {
    // Each call is one listener's.
  }
  return !event.defaultPrevented;
}
