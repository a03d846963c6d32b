/**
 * Turns: the tasks of IndexedDB, run one after another with every microtask done in between, as a browser's event
 * loop runs a callback. All databases of the process share them. Used by transactions, events and the open queues.
 *   a turn → the microtasks it led to, and theirs → the clean-ups asked for → the next turn
 * Several turns share one task of Node's, up to a limit that lets timers and sockets have their go.
 * How the microtasks are known to be done: Node starts its nextTick queue anew only when no microtask is left, so
 * a tick asked for by a microtask runs after all of them.
 */
import { setImmediate } from "node:timers";

/** What it gives back is run next, before any other turn, once the microtasks are done. */
export type Turn = () => Turn | undefined;

const TURNS_PER_TASK = 64;

const waiting: Turn[] = [];
let cleanUps: (() => void)[] = [];
/** What the last turn gave back. */
let following: Turn | undefined;
/** When the next turn comes: when the microtasks are done, or in a task of its own. */
let scheduled: "not" | "after microtasks" | "in a new task" = "not";
let isCleanUpScheduled = false;
let isRunning = false;
let turnsInTask = 0;

/** Runs `turn` after all turns that were asked for before. */
export function enqueueTurn(turn: Turn): void {
  waiting.push(turn);
  schedule();
}

/** Runs `cleanUp` when the microtasks of the running task are done, before anything else happens. */
export function atEndOfTask(cleanUp: () => void): void {
  cleanUps.push(cleanUp);
  // A turn begins with the clean-ups.
  if (isCleanUpScheduled || scheduled === "after microtasks") return;
  isCleanUpScheduled = true;
  afterMicrotasks(() => {
    isCleanUpScheduled = false;
    cleanUpNow();
  });
}

const resolved = Promise.resolve();

function afterMicrotasks(work: () => void): void {
  // A promise's reaction is a microtask like any other, and cheaper than queueMicrotask().
  void resolved.then(() => process.nextTick(work));
}

function cleanUpNow(): void {
  if (cleanUps.length === 0) return;
  const due = cleanUps;
  cleanUps = [];
  for (const cleanUp of due) cleanUp();
}

function schedule(): void {
  // A turn that runs decides about the next when it is over.
  if (scheduled !== "not" || isRunning) return;
  // What follows a turn belongs to the same task, as the end of an event's dispatch does.
  if (following || turnsInTask < TURNS_PER_TASK) {
    scheduled = "after microtasks";
    afterMicrotasks(runNext);
  } else {
    scheduled = "in a new task";
    setImmediate(runNextInNewTask);
  }
}

function runNextInNewTask(): void {
  turnsInTask = 0;
  runNext();
}

function runNext(): void {
  scheduled = "not";
  cleanUpNow();
  const turn = following ?? waiting.shift();
  following = undefined;
  if (!turn) return;
  turnsInTask++;
  isRunning = true;
  try {
    following = turn();
  } finally {
    isRunning = false;
    if (following || waiting.length > 0) schedule();
  }
}
